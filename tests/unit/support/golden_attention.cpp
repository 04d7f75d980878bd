#include "unit/support/golden_attention.hpp"

#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "test_paths.hpp"

namespace flashcore {
namespace {

int base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  if (c == '/') return 63;
  throw std::runtime_error("not a base64 digit");
}

// Little-endian elements of T, as are those of the machines that run the tests.
template <class T>
std::vector<T> decode_base64(const std::string& text) {
  std::vector<unsigned char> bytes;
  std::uint32_t window = 0;
  int window_bits = 0;
  for (const char c : text) {
    if (c == '=') break;
    window = window << 6 | static_cast<std::uint32_t>(base64_digit(c));
    window_bits += 6;
    if (window_bits >= 8) {
      window_bits -= 8;
      bytes.push_back(static_cast<unsigned char>(window >> window_bits));
    }
  }
  std::vector<T> elements(bytes.size() / sizeof(T));
  std::memcpy(elements.data(), bytes.data(), elements.size() * sizeof(T));
  return elements;
}

}  // namespace

GoldenCase read_golden_case(const std::string& name) {
  std::ifstream file(FLASHCORE_SOURCE_DIR "/tests/golden/attention/" + name + ".json");
  const nlohmann::json json = nlohmann::json::parse(file);
  GoldenCase golden;
  Problem& problem = golden.problem;
  problem.name = name;
  problem.batch = json.at("batch");
  problem.heads_q = json.at("heads_q");
  problem.heads_kv = json.at("heads_kv");
  problem.seq_q = json.at("seq_q");
  problem.seq_kv = json.at("seq_kv");
  problem.head_dim = json.at("head_dim");
  problem.dtype = parse_word<Dtype>(json.at("dtype").get<std::string>()).value();
  problem.causal = json.at("causal");
  problem.scale = json.at("scale");
  golden.q = decode_base64<std::uint16_t>(json.at("q"));
  golden.k = decode_base64<std::uint16_t>(json.at("k"));
  golden.v = decode_base64<std::uint16_t>(json.at("v"));
  golden.out = decode_base64<double>(json.at("out"));
  golden.lse = decode_base64<double>(json.at("lse"));
  return golden;
}

}  // namespace flashcore
