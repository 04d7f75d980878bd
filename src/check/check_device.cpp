#include "check/check_device.hpp"

#include "base/hash.hpp"
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

std::string CheckDevice::hash(const void* data, std::int64_t bytes) const {
  std::string copy(static_cast<std::size_t>(bytes), '\0');
  copy_out(std::as_writable_bytes(std::span(copy)), data);
  return hash_hex(copy);
}

}  // namespace flashcore
