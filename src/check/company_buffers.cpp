#include "check/company_buffers.hpp"

namespace flashcore {
namespace {

constexpr std::uint64_t kSeed = 31;  // of the values; what they are does not matter

}  // namespace

std::unique_ptr<ProblemBuffers>& CompanyBuffers::of(std::size_t index, bool lse, UnusedRows unused_rows) {
  std::unique_ptr<ProblemBuffers>& buffers = buffers_[{index, lse, unused_rows}];
  if (buffers == nullptr) {
    const Company& company = companies()[index];
    Problem problem = company.problem;
    problem.lse = lse;
    buffers = std::make_unique<ProblemBuffers>(problem, inputs_of(company, probe(), kSeed, 0), device_,
                                               ProblemBuffers::WithoutReference{unused_rows});
  }
  return buffers;
}

void CompanyBuffers::deal(ProblemBuffers& buffers, const Company& dealt, int deal) const {
  buffers.choose(dealt.problem.lengths, inputs_of(dealt, probe(), kSeed, deal));
}

}  // namespace flashcore
