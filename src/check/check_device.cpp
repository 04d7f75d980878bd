#include "check/check_device.hpp"

#include <fmt/format.h>

#include "check/cpu_inputs.hpp"

namespace flashcore {

void CheckDevice::write_input(const InputTensorFill& fill, std::span<const float> values) {
  std::vector<std::byte> elements(static_cast<std::size_t>(fill.shape.span_elements) *
                                  size_bytes(fill.dtype));
  std::vector<float> descale(
      fill.descale == nullptr ? 0 : static_cast<std::size_t>(fill.shape.batch * fill.heads_kv));
  InputTensorFill on_host = fill;
  on_host.elements = elements.data();
  on_host.descale = fill.descale == nullptr ? nullptr : descale.data();
  write_host_input(on_host, values);
  copy_in(fill.elements, elements);
  if (fill.descale != nullptr) copy_in(fill.descale, std::as_bytes(std::span(descale)));
}

std::int64_t CheckDevice::memory_elements(const TensorShape& shape) const {
  if (!allocates_lazily()) return shape.span_elements;
  std::int64_t elements = 0;
  for (const ElementRange& range : memory_ranges(shape)) elements += range.count;
  return elements;
}

std::string CheckDevice::hash(MemoryRegion region) const {
  return fmt::format("{:016x}", fingerprints({&region, 1}).front());
}

}  // namespace flashcore
