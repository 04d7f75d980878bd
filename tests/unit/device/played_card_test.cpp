#include "device/played_card.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

#include "device/device.hpp"
#include "device/telemetry_sampler.hpp"
#include "unit/support/usage_error.hpp"

namespace flashcore {
namespace {

class PlayedCardTest : public ::testing::Test {
 protected:
  void TearDown() override { unsetenv("FLASHCORE_PLAYED_CARD"); }
  static void play(const char* card) { setenv("FLASHCORE_PLAYED_CARD", card, 1); }
};

TEST_F(PlayedCardTest, TheNameTellsWhoPlays) {
  const std::string processor = cpu_device().name;
  play("Card A@1980");
  EXPECT_EQ(cpu_device().name, "Card A, played by " + processor);
  EXPECT_EQ(cpu_device().max_sm_clock_mhz, 1980);
  play("Card A");
  EXPECT_FALSE(cpu_device().max_sm_clock_mhz.has_value());
}

TEST_F(PlayedCardTest, ItsClockIsRead) {
  EXPECT_FALSE(sensors_of(cpu_device()).has_value());
  play("Card A@1200.5");
  TelemetrySampler sampler(*sensors_of(cpu_device()));
  sampler.begin();
  const TelemetrySummary summary = sampler.end();
  EXPECT_EQ(summary.sm_clock_mhz->median, 1200.5);
  EXPECT_FALSE(summary.slowed_down());
}

TEST_F(PlayedCardTest, ItsEnergyIsThatOfItsPower) {
  EXPECT_EQ(why_no_energy(cpu_device()), "it has no energy counter");
  play("Card A@1980");
  EXPECT_EQ(why_no_energy(cpu_device()), "it does not report its energy");
  play("Card A@1980,300");
  EXPECT_EQ(why_no_energy(cpu_device()), "");
  const Sensors sensors = *sensors_of(cpu_device());
  const TelemetryReading first = sensors.read();
  TelemetryReading last = first;
  while (*last.energy_j < *first.energy_j + 2 * 15) last = sensors.read();  // 15 J per update
  const double seconds = std::chrono::duration<double>(last.time - first.time).count();
  EXPECT_LE(*last.energy_j - *first.energy_j, 300 * seconds + 15);
}

TEST_F(PlayedCardTest, ErrorsNameTheVariable) {
  for (const char* card : {"", "@1980", "Card A@", "Card A@0", "Card A@inf", "Card A@19x", "Card A@1980,",
                           "Card A@1980,0", "Card A@1980,300W"}) {
    play(card);
    EXPECT_USAGE_ERROR(cpu_device(), "FLASHCORE_PLAYED_CARD: ");
  }
}

}  // namespace
}  // namespace flashcore
