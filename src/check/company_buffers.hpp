// The memory of the companies of one probe on a device. Variants share it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <tuple>
#include <utility>

#include "check/batch_companies.hpp"
#include "check/problem_buffers.hpp"

namespace flashcore {

class CompanyBuffers {
 public:
  // `device` must outlive the buffers.
  CompanyBuffers(ProbeCompanies probe, CheckDevice& device) : probe_(std::move(probe)), device_(device) {}

  const ProbeLengths& probe() const { return probe_.probe; }
  const std::vector<Company>& companies() const { return probe_.companies; }

  // Those of the company with this index, with or without the log-sum-exp; made by the first call.
  std::unique_ptr<ProblemBuffers>& of(std::size_t index, bool lse, UnusedRows unused_rows);

  // Gives the buffers of a company the sequences and inputs of a deal.
  void deal(ProblemBuffers& buffers, const Company& dealt, int deal) const;

 private:
  ProbeCompanies probe_;
  CheckDevice& device_;
  std::map<std::tuple<std::size_t, bool, UnusedRows>, std::unique_ptr<ProblemBuffers>> buffers_;
};

}  // namespace flashcore
