// Small problems that have one sequence, the probe, alone and in other company. A variant is batch invariant if the
// probe's outputs have the same bits in all of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "attention/problem.hpp"
#include "check/input_sets.hpp"

namespace flashcore {

struct ProbeLengths {
  std::int32_t queries;
  std::int32_t keys;
};

// A launch with the probe in it.
struct Company {
  std::string name;  // "in a batch of 7"
  Problem problem;
  std::vector<std::int64_t> places = {0};  // the sequences that are the probe
  std::int32_t first_query = 0;            // of the probe, in a chunk
  bool is_replayed = false;                // the same captured launch is replayed with company_of_deal()
};

struct ProbeCompanies {
  ProbeLengths probe;
  std::vector<Company> companies;  // the probe alone first
};

// Of probes with one query and with many. They have the problem's dtype, head_dim, head group, mask, sinks and pages. A
// ragged batch has companies whose lengths differ, so that plans and splits do; of other problems batches differ. Chunks
// are left out where the mask lets a query see keys after its diagonal, but not all.
std::vector<ProbeCompanies> probe_companies(const Problem& problem);

// The company with its sequences dealt out anew: the same numbers of queries and of keys in all, so that memory and grid
// stay. Only a ragged batch changes its lengths.
Company company_of_deal(const Company& company, int deal);

// Inputs of a company. The probe's depend on the seed alone; those of its neighbours also on the deal.
ChosenInputs inputs_of(const Company& company, const ProbeLengths& probe, std::uint64_t seed, int deal);

// What a launch wrote, as OutputBuffers reads it.
struct CompanyOutput {
  std::vector<float> out;
  std::vector<float> lse;
};

// True if every place of the probe has the bits that it has alone.
bool has_bits_of(const CompanyOutput& alone, const ProbeLengths& probe, const CompanyOutput& there,
                 const Company& company);

}  // namespace flashcore
