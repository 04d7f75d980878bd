// What a program and its worker say to each other: one JSON object a line, a request down and an answer up,
// in turns. The worker speaks first, once its device is open:
//   hello    {"protocol":3,"version":"0.1.0","git_commit":"…","git_dirty":false,"device":{…}}
//   request  {"call":"verify","variant":"wmma/…","policy":{…}}
//   answer   {"result":…}  or  {"failure":{"status":"crashed","message":"…"}}
// Variants go by their ids, so that the two ends may be different builds. Problems, checks and resources have
// the form that records give them.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/json_document.hpp"
#include "execute/executor.hpp"

namespace flashcore {

// Grows when an older end would misunderstand a newer one. A program speaks its own version and the one before:
//   3  `sample` answers with the launches of the sample; before, `launches_per_sample` was a call of its own.
//      `verify_sample` and `contrast` take the place of `verify_negated` and `sample_poisoned`
inline constexpr int kProtocolVersion = 3;
inline constexpr int kOldestProtocolVersion = 2;

constexpr bool speaks_protocol(int version) {
  return version >= kOldestProtocolVersion && version <= kProtocolVersion;
}

// The functions of Executor; `inspect` is unsupported, resources and code_hash in one, the last alone before
// a problem is prepared.
enum class Call : int {
  variants,
  measure_ceilings,
  required_bytes,
  prepare,
  inspect,
  verify,
  verify_sample,
  sample,
  contrast,
  output_hash,
  verify_negated,   // version 2
  sample_poisoned,  // version 2
};
inline constexpr std::string_view kCallWords[] = {"variants",      "measure_ceilings", "required_bytes",
                                                  "prepare",       "inspect",          "verify",
                                                  "verify_sample", "sample",           "contrast",
                                                  "output_hash",   "verify_negated",   "sample_poisoned"};
constexpr Words words(Call) { return kCallWords; }

// What of a variant does not depend on running it.
struct Inspection {
  std::string unsupported;  // empty: it can run
  Resources resources;
  std::string code_hash;
};

// The worker's build and device.
struct Hello {
  int protocol = kProtocolVersion;
  std::string version;
  std::string git_commit;
  bool git_dirty = false;
  DeviceInfo device;
};

// Each form is written and read here alone. Readers throw UsageError with the place of the mismatch.
Json to_json(const Hello& hello);
// Reads `protocol` first, and no further when this program does not speak it.
Hello hello_from_json(const JsonReader& reader);

Json to_json(const Inspection& inspection);
Inspection inspection_from_json(const JsonReader& reader);

Json to_json(const Sample& sample);
Sample sample_from_json(const JsonReader& reader);

Json to_json(const Contrast& contrast);
Contrast contrast_from_json(const JsonReader& reader);

Json to_json(const CheckPolicy& policy);
CheckPolicy check_policy_from_json(const JsonReader& reader);

Json failure_to_json(const std::string& message, Status status);
EnvironmentError failure_from_json(const JsonReader& reader);

// One line, whatever bytes its texts hold.
std::string to_line(const Json& json);

}  // namespace flashcore
