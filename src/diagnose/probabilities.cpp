#include "diagnose/probabilities.hpp"

#include <algorithm>
#include <cmath>

namespace flashcore {
namespace {

Cell cell_of(const Probabilities& p, std::size_t i) {
  const float got = p.got[i];
  const double difference = std::fabs(static_cast<double>(got) - static_cast<double>(p.wanted[i]));
  if (difference <= p.limit) return Cell::right;
  if (!std::isfinite(got)) return Cell::nonfinite;
  if (got == 0) return Cell::zero;
  return difference > 10 * p.limit ? Cell::far_off : Cell::off;
}

// The sums for a least-squares line. Each row is centred at its own mean.
struct LineSums {
  double xx = 0, xy = 0, yy = 0;
};

void add_row(LineSums& sums, const std::vector<double>& x, const std::vector<double>& y) {
  double x_mean = 0;
  double y_mean = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    x_mean += x[i] / static_cast<double>(x.size());
    y_mean += y[i] / static_cast<double>(x.size());
  }
  for (std::size_t i = 0; i < x.size(); ++i) {
    sums.xx += (x[i] - x_mean) * (x[i] - x_mean);
    sums.xy += (x[i] - x_mean) * (y[i] - y_mean);
    sums.yy += (y[i] - y_mean) * (y[i] - y_mean);
  }
}

}  // namespace

double Probabilities::row_sum(std::int64_t row) const {
  double sum = 0;
  for (std::int64_t key = 0; key < keys; ++key)
    sum += static_cast<double>(got[static_cast<std::size_t>(row * keys + key)]);
  return sum;
}

Probabilities read_probabilities(const ProbeRunner& runner, const Problem& problem, ChosenInputs inputs) {
  Probabilities p{.rows = problem.seq_q, .keys = problem.seq_kv};
  p.got.resize(static_cast<std::size_t>(p.rows * p.keys));
  p.wanted.resize(p.got.size());
  for (std::int64_t begin = 0; begin < p.keys; begin += problem.head_dim) {
    inputs.v = make_tensor(value_shape(problem), [&](auto, std::int64_t key, std::int64_t column) {
      return key - begin == column ? 1.0f : 0.0f;
    });
    const ProbeRun run = runner.run(problem, inputs);
    p.right = p.right && run.out_right();
    p.finite = p.finite && run.finite();
    p.limit = std::max(p.limit, run.element_limit());
    const std::int64_t width = std::min(problem.head_dim, p.keys - begin);
    for (std::int64_t row = 0; row < p.rows; ++row) {
      for (std::int64_t column = 0; column < width; ++column) {
        const auto to = static_cast<std::size_t>(row * p.keys + begin + column);
        const auto from = static_cast<std::size_t>(row * problem.head_dim + column);
        p.got[to] = run.out[from];
        p.wanted[to] = run.wanted_out[from];
      }
    }
  }
  return p;
}

LogFit fit_logarithms(const Probabilities& p) {
  LineSums sums;
  std::size_t used = 0;
  for (std::int64_t row = 0; row < p.rows; ++row) {
    std::vector<double> x, y;
    for (std::int64_t key = 0; key < p.keys; ++key) {
      const auto i = static_cast<std::size_t>(row * p.keys + key);
      if (!(p.got[i] > 0 && std::isfinite(p.got[i]) && p.wanted[i] > 0)) continue;
      x.push_back(std::log(static_cast<double>(p.wanted[i])));
      y.push_back(std::log(static_cast<double>(p.got[i])));
    }
    used += x.size();
    add_row(sums, x, y);
  }
  if (used < p.got.size() / 2 || !(sums.xx > 0 && sums.yy > 0)) return {};
  return {.slope = sums.xy / sums.xx, .correlation = sums.xy / std::sqrt(sums.xx * sums.yy)};
}

ErrorMap map_of_probabilities(const Probabilities& p) {
  ErrorMap map{.of = "P: rows x keys", .cells = {}};
  for (std::int64_t row = 0; row < p.rows; ++row) {
    std::string& cells = map.cells.emplace_back();
    for (std::int64_t key = 0; key < p.keys; ++key) {
      cells += static_cast<char>(cell_of(p, static_cast<std::size_t>(row * p.keys + key)));
    }
  }
  return map;
}

std::optional<BadElement> first_bad_probability(const Probabilities& p) {
  for (std::size_t i = 0; i < p.got.size(); ++i) {
    if (cell_of(p, i) == Cell::right) continue;
    const auto index = static_cast<std::int64_t>(i);
    return BadElement{.row = index / p.keys,
                      .column = index % p.keys,
                      .got = static_cast<double>(p.got[i]),
                      .wanted = static_cast<double>(p.wanted[i])};
  }
  return std::nullopt;
}

}  // namespace flashcore
