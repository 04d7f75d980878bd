// The test of batch invariance: launches of one sequence in the companies of check/batch_companies.hpp.
#include <fmt/format.h>

#include <utility>

#include "execute/buffered_executor.hpp"

namespace flashcore {
namespace {

constexpr int kDeals = 3;  // of a launch that is replayed

// Counts of a probe in words: "1 query, 1031 keys".
std::string probe_text(const ProbeLengths& probe) {
  return fmt::format("{} {}, {} keys", probe.queries, probe.queries == 1 ? "query" : "queries", probe.keys);
}

}  // namespace

// Graphs and plans have addresses of the buffers.
void BufferedExecutor::exchange_buffers(std::unique_ptr<ProblemBuffers>& other) {
  forget_addresses();
  launcher_.forget_plans();
  workspace_ = nullptr;
  std::swap(buffers_, other);
}

std::string BufferedExecutor::unsupported(const Variant& variant, const Company& company, bool lse) const {
  Problem problem = company.problem;
  problem.lse = lse;
  return launcher_.unsupported(variant, problem);
}

std::function<void()> BufferedExecutor::repeatable(const Variant& variant) {
  return [this, &variant, launched = args(variant, {})] {
    launcher_.launch(variant, launched);
    launcher_.collect(variant, launched);
  };
}

CompanyOutput BufferedExecutor::output_of(const Variant& variant, const std::function<void()>& launch) {
  buffers_->poison_outputs();
  launch();
  wait_for(variant);
  return {buffers_->outputs().read_out(), buffers_->outputs().read_lse()};
}

bool BufferedExecutor::has_bits_in(const Variant& variant, const CompanyBuffers& companies,
                                   const Company& company, const CompanyOutput& alone) {
  if (company.is_replayed) return has_bits_replayed(variant, companies, company, alone);
  return has_bits_of(alone, companies.probe(), output_of(variant, BufferedExecutor::repeatable(variant)),
                     company);
}

bool BufferedExecutor::has_bits_replayed(const Variant& variant, const CompanyBuffers& companies,
                                         const Company& company, const CompanyOutput& alone) {
  companies.deal(*buffers_, company, 0);  // they may have the deal of another variant
  const std::function<void()> launch = repeatable(variant);
  bool same = has_bits_of(alone, companies.probe(), output_of(variant, launch), company);
  for (int deal = 1; deal <= kDeals && same; ++deal) {
    const Company dealt = company_of_deal(company, deal);
    companies.deal(*buffers_, dealt, deal);
    launcher_.renew_plans();
    (void)args(variant, {});  // makes the plan; the captured launch reads it
    same = has_bits_of(alone, companies.probe(), output_of(variant, launch), dealt);
  }
  return same;
}

void BufferedExecutor::test_companies(const Variant& variant, CompanyBuffers& companies,
                                      BatchInvariance& found) {
  const std::vector<Company>& all = companies.companies();
  const bool lse = unsupported(variant, all.front(), true).empty();
  CompanyOutput alone;
  for (std::size_t i = 0; i < all.size() && found.broken_in.empty(); ++i) {
    if (!unsupported(variant, all[i], lse).empty()) {
      if (i == 0) return;
      continue;
    }
    std::unique_ptr<ProblemBuffers>& buffers = companies.of(i, lse, unused_rows_for(variant));
    exchange_buffers(buffers);
    try {
      if (i == 0) alone = output_of(variant, BufferedExecutor::repeatable(variant));
      if (!has_bits_in(variant, companies, all[i], alone)) {
        found.broken_in = fmt::format("{} ({})", all[i].name, probe_text(companies.probe()));
      }
    } catch (...) {
      exchange_buffers(buffers);
      throw;
    }
    exchange_buffers(buffers);
    ++found.companies;
  }
}

BatchInvariance BufferedExecutor::test_batch_invariance(const Variant& variant) {
  if (companies_.empty()) {
    for (ProbeCompanies& probe : probe_companies(buffers_->problem()))
      companies_.emplace_back(std::move(probe), launcher_.device());
  }
  BatchInvariance found;
  for (CompanyBuffers& companies : companies_) {
    if (found.broken_in.empty()) test_companies(variant, companies, found);
  }
  return found;
}

}  // namespace flashcore
