#include "check/batch_companies.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <random>
#include <span>
#include <utility>

#include "attention/sequence_plan.hpp"
#include "kernels/common/random.hpp"

namespace flashcore {
namespace {

constexpr std::int64_t kMaxHeadsKv = 2;

// More keys than split-KV kernels leave in one piece, and more of both than a tile has; no multiples of tiles.
constexpr ProbeLengths kDecode{1, 1031};
constexpr ProbeLengths kPrefill{149, 331};
constexpr ProbeLengths kLongDecode{1, 4099};
constexpr ProbeLengths kLongPrefill{211, 709};

constexpr std::int64_t kSmallBatch = 2;
constexpr std::int64_t kBatch = 7;
constexpr std::int64_t kLargeBatch = 34;
// Equal batches of many queries are smaller, because all of their sequences are as long as the probe.
constexpr std::int64_t kPrefillBatch = 4;
constexpr std::int32_t kChunkEnds[] = {67, 68};  // a long chunk, one of a single query, and the rest

// The descale factor of a rectangular problem repeats every third sequence (kernels/common/inputs.hpp). The probe has the
// same values only at such places.
constexpr std::int64_t kPlaceStep = 3;

Problem base_problem(const Problem& problem, const ProbeLengths& probe) {
  Problem small = problem;
  small.batch = 1;
  small.heads_kv = std::min(problem.heads_kv, kMaxHeadsKv);
  small.heads_q = small.heads_kv * (problem.heads_q / problem.heads_kv);
  small.seq_q = probe.queries;
  small.seq_kv = probe.keys;
  small.lse = true;
  small.kv.prefix_sequences = small.kv.prefix_keys = 0;  // the number of pages would depend on the order
  const bool usual =
      problem.layout == Layout::bhsd || problem.layout == Layout::bshd || problem.layout == Layout::padded;
  if (!usual) small.layout = default_layout(problem);
  return small;
}

Problem with_sequences(Problem problem, const std::vector<ProbeLengths>& sequences) {
  problem.lengths = Lengths{};
  for (const ProbeLengths& one : sequences) {
    problem.lengths->q.push_back(one.queries);
    problem.lengths->kv.push_back(one.keys);
  }
  apply_lengths(problem);
  return problem;
}

Company alone(const Problem& problem, const ProbeLengths& probe) {
  const Problem small = base_problem(problem, probe);
  return {.name = "in a second launch", .problem = problem.lengths ? with_sequences(small, {probe}) : small};
}

// The first, a middle and the last place, as far as they differ.
std::vector<std::int64_t> places_in(std::int64_t batch) {
  const std::int64_t last = (batch - 1) / kPlaceStep * kPlaceStep;
  std::vector<std::int64_t> places = {0};
  for (const std::int64_t place : {last / 2 / kPlaceStep * kPlaceStep, last}) {
    if (place > places.back()) places.push_back(place);
  }
  return places;
}

Company equal_batch(const Problem& problem, const ProbeLengths& probe, std::int64_t batch) {
  Company company{.name = fmt::format("in a batch of {}", batch),
                  .problem = base_problem(problem, probe),
                  .places = places_in(batch)};
  company.problem.batch = batch;
  return company;
}

// Short neighbours with few queries and keys; some have none, some have more queries than keys.
Company ragged_batch(const Problem& problem, const ProbeLengths& probe, std::int64_t batch) {
  std::vector<ProbeLengths> sequences;
  for (std::int32_t i = 0; i < batch; ++i) sequences.push_back({i % 4 == 3 ? 9 : i % 3, i * 37 % 130});
  Company company{.name = fmt::format("in a batch of {}", batch), .problem = {}, .places = places_in(batch)};
  for (const std::int64_t place : company.places) sequences[static_cast<std::size_t>(place)] = probe;
  company.problem = with_sequences(base_problem(problem, probe), sequences);
  return company;
}

Company beside_long(const Problem& problem, const ProbeLengths& probe) {
  const ProbeLengths longer = probe.queries == 1 ? kLongDecode : kLongPrefill;
  return {.name = "beside a longer sequence",
          .problem = with_sequences(base_problem(problem, probe), {longer, probe, {1, 5}}),
          .places = {1}};
}

// Of a mask that ends at the diagonal, a chunk lacks the keys after its last query.
bool can_chunk(const Problem& problem) {
  const Mask mask = mask_of(problem);
  return mask.right == 0 || (mask.kind == MaskKind::window && mask.left < 0 && mask.right < 0);
}

std::vector<Company> chunks(const Problem& problem, const ProbeLengths& probe) {
  std::vector<Company> all;
  std::int32_t begin = 0;
  for (const std::int32_t end : {kChunkEnds[0], kChunkEnds[1], probe.queries}) {
    const bool ends_at_diagonal = mask_of(problem).right == 0;
    const std::int32_t keys = ends_at_diagonal ? probe.keys - probe.queries + end : probe.keys;
    all.push_back(alone(problem, {end - begin, keys}));
    all.back().name = "in chunks";
    all.back().first_query = begin;
    begin = end;
  }
  return all;
}

// The probe stands in the middle.
Company replayed(Company company) {
  company.name = "in a replayed launch";
  company.is_replayed = true;
  if (company.problem.lengths) {
    Lengths& lengths = *company.problem.lengths;
    for (const std::size_t end : {std::size_t{0}, lengths.q.size() - 1}) {
      lengths.q[end] = static_cast<std::int32_t>(1 + end);
      lengths.kv[end] = static_cast<std::int32_t>(100 - end);
    }
    apply_lengths(company.problem);
    company.places = {company.places[1]};
  }
  return company;
}

ProbeCompanies companies_of(const Problem& problem, const ProbeLengths& probe) {
  std::vector<Company> all = {alone(problem, probe)};
  const bool ragged = problem.lengths.has_value();
  const bool decodes = probe.queries == 1;
  const auto batch_of = [&](std::int64_t batch) {
    return ragged ? ragged_batch(problem, probe, batch) : equal_batch(problem, probe, batch);
  };
  const std::int64_t batch = ragged || decodes ? kBatch : kPrefillBatch;
  for (const std::int64_t size : {kSmallBatch, batch}) all.push_back(batch_of(size));
  if (ragged || decodes) all.push_back(batch_of(kLargeBatch));
  if (ragged) all.push_back(beside_long(problem, probe));
  if (!decodes && can_chunk(problem)) {
    for (Company& chunk : chunks(problem, probe)) all.push_back(std::move(chunk));
  }
  all.push_back(replayed(batch_of(batch)));
  return {probe, std::move(all)};
}

// --- Inputs

// [heads, rows, columns] of the probe. For dtypes with a factor that follows from the largest value, every row has the
// same largest value, so that a chunk has the factor of the whole.
std::vector<float> probe_values(const Problem& problem, std::uint64_t seed, kernels::InputTensor tensor,
                                std::int64_t heads, std::int64_t rows, std::int64_t columns) {
  constexpr float kLargest = 4;
  std::vector<float> values(static_cast<std::size_t>(heads * rows * columns));
  const std::uint64_t stream = kernels::random_stream(seed, tensor, 0);
  for (std::size_t i = 0; i < values.size(); i += 2) {
    const kernels::NormalPair pair = kernels::normal_pair(stream, i / 2);
    values[i] = std::clamp(pair.first, -kLargest, kLargest);
    if (i + 1 < values.size()) values[i + 1] = std::clamp(pair.second, -kLargest, kLargest);
  }
  if (traits(problem.dtype).scaled || traits(key_value_dtype(problem)).scaled) {
    for (std::int64_t row = 0; row < heads * rows; ++row)
      values[static_cast<std::size_t>(row * columns + row % columns)] = kLargest;
  }
  return values;
}

// Where the rows of a sequence come from in the probe's [heads, rows, columns].
struct Source {
  std::span<const float> values;
  std::int64_t heads, rows, columns;
};

void append_probe(std::vector<float>& to, const Source& from, std::int64_t first, std::int64_t count) {
  for (std::int64_t head = 0; head < from.heads; ++head) {
    const auto begin = static_cast<std::size_t>((head * from.rows + first) * from.columns);
    const auto part = from.values.subspan(begin, static_cast<std::size_t>(count * from.columns));
    to.insert(to.end(), part.begin(), part.end());
  }
}

// A neighbour has the probe's values from another place on: as good as random, and made in no time.
void append_neighbour(std::vector<float>& to, const Source& from, std::int64_t count, std::size_t salt) {
  std::size_t next = (salt * 2654435761U + 12345) % from.values.size();
  std::size_t left = static_cast<std::size_t>(from.heads * count * from.columns);
  while (left > 0) {
    const std::size_t some = std::min(left, from.values.size() - next);
    to.insert(to.end(), from.values.begin() + static_cast<std::ptrdiff_t>(next),
              from.values.begin() + static_cast<std::ptrdiff_t>(next + some));
    left -= some;
    next = 0;
  }
}

bool is_place(const Company& company, std::size_t sequence) {
  return std::ranges::count(company.places, static_cast<std::int64_t>(sequence)) > 0;
}

std::vector<float> tensor_of(const Company& company, const Source& from, int deal, bool of_queries) {
  std::vector<float> values;
  const std::vector<SequenceRows> sequences = sequence_rows(company.problem);
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    const std::int64_t count = of_queries ? sequences[i].queries : sequences[i].keys;
    if (is_place(company, i)) {
      append_probe(values, from, of_queries ? company.first_query : 0, count);
    } else {
      append_neighbour(values, from, count, i + 1000 * static_cast<std::size_t>(deal));
    }
  }
  return values;
}

}  // namespace

std::vector<ProbeCompanies> probe_companies(const Problem& problem) {
  return {companies_of(problem, kDecode), companies_of(problem, kPrefill)};
}

Company company_of_deal(const Company& company, int deal) {
  if (!company.problem.lengths) return company;
  std::mt19937_64 random(static_cast<std::uint64_t>(deal));
  const auto shuffle = [&](std::vector<std::size_t>& all) {
    for (std::size_t i = all.size(); i > 1; --i) std::swap(all[i - 1], all[random() % i]);
  };
  const Lengths& own = *company.problem.lengths;
  std::vector<std::size_t> order(own.q.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  shuffle(order);
  // Neighbours change their keys among each other; the probe keeps its own.
  std::vector<std::size_t> neighbours = order;
  std::erase_if(neighbours, [&](std::size_t i) { return is_place(company, i); });
  std::vector<std::size_t> keys_from = neighbours;
  shuffle(keys_from);
  Company dealt = company;
  dealt.places.clear();
  std::size_t next = 0;
  for (std::size_t place = 0; place < order.size(); ++place) {
    const bool probe = is_place(company, order[place]);
    dealt.problem.lengths->q[place] = own.q[order[place]];
    dealt.problem.lengths->kv[place] = own.kv[probe ? order[place] : keys_from[next++]];
    if (probe) dealt.places.push_back(static_cast<std::int64_t>(place));
  }
  return dealt;
}

ChosenInputs inputs_of(const Company& company, const ProbeLengths& probe, std::uint64_t seed, int deal) {
  using kernels::InputTensor;
  const Problem& problem = company.problem;
  const auto make = [&](InputTensor tensor, std::int64_t heads, std::int64_t rows, std::int64_t columns) {
    const std::vector<float> values = probe_values(problem, seed, tensor, heads, rows, columns);
    return tensor_of(company, {values, heads, rows, columns}, deal, tensor == InputTensor::q);
  };
  ChosenInputs inputs{.q = make(InputTensor::q, problem.heads_q, probe.queries, problem.head_dim),
                      .k = make(InputTensor::k, problem.heads_kv, probe.keys, problem.head_dim),
                      .v = make(InputTensor::v, problem.heads_kv, probe.keys, value_columns(problem))};
  if (problem.sinks) inputs.sinks = seeded_sinks(problem, seed, kernels::InputKind::normal);
  return inputs;
}

bool has_bits_of(const CompanyOutput& alone, const ProbeLengths& probe, const CompanyOutput& there,
                 const Company& company) {
  const std::vector<SequenceRows> sequences = sequence_rows(company.problem);
  const std::int64_t heads = company.problem.heads_q;
  const auto same = [&](const std::vector<float>& a, const std::vector<float>& b, std::int64_t columns) {
    for (const std::int64_t place : company.places) {
      const SequenceRows& rows = sequences[static_cast<std::size_t>(place)];
      for (std::int64_t head = 0; head < heads; ++head) {
        const std::int64_t own = (head * probe.queries + company.first_query) * columns;
        const std::int64_t other = (heads * rows.first_query + head * rows.queries) * columns;
        const auto bytes = static_cast<std::size_t>(rows.queries * columns) * sizeof(float);
        if (std::memcmp(a.data() + own, b.data() + other, bytes) != 0) return false;
      }
    }
    return true;
  };
  return same(alone.out, there.out, value_columns(company.problem)) &&
         (alone.lse.empty() || same(alone.lse, there.lse, 1));
}

}  // namespace flashcore
