#include "measure/energy.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "unit/support/metered_executor.hpp"

namespace flashcore {
namespace {

using testing::Behaviour;
using testing::fake_variant;
using testing::MeteredExecutor;

TEST(EnergyEstimate, IsTheMeanWithStudentsInterval) {
  const std::vector<double> three = {1, 2, 3};
  const EnergyEstimate estimate = *energy_estimate(three);
  EXPECT_DOUBLE_EQ(estimate.mean_j, 2);
  EXPECT_NEAR(estimate.high_j - 2, 4.303 / std::sqrt(3), 1e-9);
  EXPECT_NEAR(2 - estimate.low_j, 4.303 / std::sqrt(3), 1e-9);
  const std::vector<double> one = {5};
  EXPECT_EQ(energy_estimate(one)->low_j, 5);
  EXPECT_FALSE(energy_estimate(std::vector<double>{}).has_value());
}

TEST(EnergyEstimate, OfARecordOfAnOlderFileIsItsJoulesPerCall) {
  Record record;
  EXPECT_FALSE(energy_estimate(record).has_value());
  record.energy_per_call_j = 0.25;
  EXPECT_EQ(energy_estimate(record)->mean_j, 0.25);
  EXPECT_FALSE(is_energy_precise(record));
}

TEST(EnergyEstimate, TiesOverlapOrDifferByThePrecision) {
  EXPECT_TRUE(are_tied({1, 0.9, 1.1}, {1.15, 1.05, 1.25}));
  EXPECT_TRUE(are_tied({1, 1, 1}, {1.019, 1.019, 1.019}));
  EXPECT_FALSE(are_tied({1.05, 1.04, 1.06}, {1, 0.99, 1.01}));
}

// Thousands of the executor's samples, also where the machine is busy.
constexpr double kWindowSeconds = 0.02;

class EnergyTest : public ::testing::Test {
 protected:
  double measure(
      double budget_s = 60, std::function<void(int)> on_round = [](int) {}) {
    std::vector<Candidate> candidates;
    for (std::size_t i = 0; i < variants.size(); ++i) candidates.push_back({&variants[i], &records[i]});
    return measure_energy(candidates, {.window_s = kWindowSeconds, .budget_s = budget_s}, 1, executor,
                          executor.telemetry(), [&](int round) {
                            rounds = round;
                            on_round(round);
                          });
  }

  std::vector<Variant> variants = {fake_variant("a"), fake_variant("b"), fake_variant("c")};
  std::vector<Record> records = std::vector<Record>(3, {.status = Status::ok});
  MeteredExecutor executor;
  int rounds = 0;
};

TEST_F(EnergyTest, IsTheVariantsOwn) {
  executor.set_joules(variants[0].id(), 0.5);
  executor.set_joules(variants[1].id(), 0.125);
  measure();
  EXPECT_NEAR(*records[0].energy_per_call_j, 0.5, 0.01);
  EXPECT_NEAR(*records[1].energy_per_call_j, 0.125, 0.0025);
  EXPECT_NEAR(*records[2].energy_per_call_j, 1, 0.02);
}

TEST_F(EnergyTest, StopsWhenAllArePrecise) {
  measure();
  EXPECT_EQ(rounds, kMinEnergyWindows);
  for (const Record& record : records) EXPECT_TRUE(is_energy_precise(record));
}

TEST_F(EnergyTest, ScatteredWindowsGoOnUntilTheyArePrecise) {
  measure(60, [&](int round) { executor.scale_joules(round > 3 ? 1 : 0.98 + 0.02 * round); });
  EXPECT_GT(rounds, kMinEnergyWindows);
  for (const Record& record : records) {
    EXPECT_EQ(record.energy_windows_j.size(), static_cast<std::size_t>(rounds));
    EXPECT_LE(energy_estimate(record)->half_width(), kEnergyPrecision);
  }
}

TEST_F(EnergyTest, TheBudgetEndsScatteredWindows) {
  measure(0, [&](int round) { executor.scale_joules(round); });
  EXPECT_EQ(rounds, kMinEnergyWindows);
  for (const Record& record : records) EXPECT_FALSE(is_energy_precise(record));
}

TEST(EnergyPolicy, ShortBudgetsHaveShorterWindowsThenFewerCandidates) {
  EnergyPolicy policy{.window_s = 1, .budget_s = 60};
  EXPECT_EQ(policy.fitting_window_s(8), 1);
  policy.budget_s = 15;
  EXPECT_NEAR(policy.fitting_window_s(8), 15.0 / 24 - 0.25, 1e-9);
  EXPECT_EQ(policy.affordable(), 10u);
  policy.budget_s = 5;
  EXPECT_EQ(policy.fitting_window_s(8), 0.25);
  EXPECT_EQ(policy.affordable(), 3u);
  policy.budget_s = 0;
  EXPECT_EQ(policy.affordable(), 2u);
}

TEST_F(EnergyTest, ALaunchThatFailsIsTheStatusOfItsRecord) {
  executor.set_script(variants[1].id(), {.behaviour = Behaviour::throws_in_sample});
  measure();
  EXPECT_EQ(records[1].status, Status::error);
  EXPECT_TRUE(records[0].energy_per_call_j && records[2].energy_per_call_j);
}

TEST_F(EnergyTest, AWindowWithAResetCounterIsTakenAgain) {
  bool reset = false;
  executor.set_counter([&](double joules) { return reset ? joules - 900 : joules; });
  int samples = 0;
  executor.set_script(variants[0].id(), {.compiles = [&](int) {
                        reset = reset || ++samples > 20;  // from then on
                        return false;
                      }});
  variants.resize(1);
  measure();
  EXPECT_TRUE(reset);
  EXPECT_NEAR(*records[0].energy_per_call_j, 1, 0.02);
}

TEST_F(EnergyTest, AWindowInWhichSomethingWasCompiledIsTakenAgain) {
  const auto until = TelemetryClock::now() + std::chrono::duration<double>(kWindowSeconds);
  int compiled = 0;
  executor.set_script(variants[0].id(), {.compiles = [&](int sample) {
                        return sample % 3 == 0 && TelemetryClock::now() < until && ++compiled > 0;
                      }});
  variants.resize(1);
  measure();
  EXPECT_GT(compiled, 0);
  EXPECT_EQ(records[0].energy_windows_j.size(), static_cast<std::size_t>(rounds));
  for (const double joules : records[0].energy_windows_j) EXPECT_NEAR(joules, 1, 0.02);
}

TEST_F(EnergyTest, ACounterThatStandsStillIsAnError) {
  executor.set_counter([](double) { return 7.0; });
  try {
    measure();
    ADD_FAILURE() << "no error";
  } catch (const EnvironmentError& error) {
    EXPECT_NE(std::string(error.what()).find("energy counter"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace flashcore
