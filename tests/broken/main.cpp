// flashcore_fault_matrix cpu|cuda [FILE]: the table on standard output, the same as JSON into the file. Exits
// with 0 when every kernel gets the verdict that it should.
#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "broken/kernels.hpp"
#include "broken/matrix.hpp"
#include "device/device.hpp"
#include "execute/open_device.hpp"

namespace {

using namespace flashcore;

int print_matrix(std::string_view backend, const char* path) {
  const bool cuda = backend == "cuda";
  if (!cuda && backend != "cpu") throw UsageError("flashcore_fault_matrix cpu|cuda [FILE]");
  const DeviceRequest request{.kind = cuda ? DeviceRequest::Kind::cuda : DeviceRequest::Kind::cpu};
  const auto launcher = open_launcher(request);
  const auto executor = open_device(request);
  const std::vector<Variant> kernels = broken::kernels_of(launcher.info().backend);
  std::vector<broken::MatrixRow> rows;
  for (std::size_t i = 0; i < kernels.size(); ++i) {
    rows.push_back(broken::examine(launcher, *executor, kernels[i], static_cast<broken::Break>(i)));
  }
  fmt::print("{}\n\n{}", launcher.info().name, broken::to_table(rows));
  if (path != nullptr) write_atomically(path, {broken::to_json(rows).dump(2), "\n"});
  return std::ranges::all_of(rows, &broken::MatrixRow::as_expected) ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) try {
  return print_matrix(argc > 1 ? argv[1] : "", argc > 2 ? argv[2] : nullptr);
} catch (const flashcore::Error& error) {
  fmt::print(stderr, "flashcore_fault_matrix: error: {}\n", error.what());
  return static_cast<int>(error.code());
}
