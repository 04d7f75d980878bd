// The protocol between the main program and a worker: one JSON object per line. The worker sends hello once
// its device is open. Then the program sends one request at a time and the worker sends one answer to it.
//   hello    {"protocol":5,"version":"0.1.0","git_commit":"…","git_dirty":false,"device":{…}}
//   request  {"call":"verify","variant":"wmma/…","policy":{…},"id":"…"}
//   answer   {"result":…,"id":"…"}  or  {"failure":{"status":"crashed","message":"…"},"id":"…"}
// The id of a request is random. A line with another id is not the worker's answer: a kernel wrote it.
// Variants are identified by their ids, so that program and worker may be different builds. Problems, checks
// and resources have the same form as in records.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/json_document.hpp"
#include "execute/executor.hpp"

namespace flashcore {

// Increases with every incompatible change. A program speaks these versions:
//   5  `test_batch_invariance`
//   4  answers have the ids of their requests
//   3  the answer to `sample` includes the number of launches; `verify_sample` and `contrast` replace
//      `verify_negated` and `sample_poisoned`
//   2  `launches_per_sample` is a separate call
inline constexpr int kProtocolVersion = 5;
inline constexpr int kOldestProtocolVersion = 2;
inline constexpr int kProtocolWithBatches = 5;
inline constexpr int kProtocolWithIds = 4;
inline constexpr int kProtocolWithContrast = 3;

constexpr bool speaks_protocol(int version) {
  return version >= kOldestProtocolVersion && version <= kProtocolVersion;
}

// The functions of Executor. `inspect` combines unsupported, resources and code_hash; before `prepare` it
// returns only the code_hash. `why_direct` and `notes` are only sent about variants that compile at run time,
// whose worker is always of the same build. `clear` follows each request about a plug-in's variant; it is a request of its
// own so that it is no part of the time that a sample's request takes.
enum class Call : int {
  variants,
  measure_ceilings,
  required_bytes,
  prepare,
  inspect,
  verify,
  verify_sample,
  verify_replays,
  test_batch_invariance,
  sample,
  contrast,
  control,
  output_hash,
  why_direct,
  notes,
  clear,
  verify_negated,   // version 2
  sample_poisoned,  // version 2
};
inline constexpr std::string_view kCallWords[] = {
    "variants",      "measure_ceilings", "required_bytes",
    "prepare",       "inspect",          "verify",
    "verify_sample", "verify_replays",   "test_batch_invariance",
    "sample",        "contrast",         "control",
    "output_hash",   "why_direct",       "notes",
    "clear",         "verify_negated",   "sample_poisoned"};
constexpr Words words(Call) { return kCallWords; }

// Of every request and answer: an id that only the two processes know.
inline constexpr std::string_view kIdKey = "id";

// Of the answer to `clear`: what was restored, and what stays, so that the worker must not be used again.
inline constexpr std::string_view kRestoredKey = "restored";
inline constexpr std::string_view kStaysKey = "stays";

// Of the answer to `verify_sample`: the sample that was checked. Older builds do not send it.
inline constexpr std::string_view kSampleKey = "sample";

// The properties of a variant that are known without a launch.
struct Inspection {
  std::string unsupported;  // the reason; empty if the variant can run
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

// Writers and readers of the protocol's JSON. Readers throw UsageError with the JSON pointer of the mismatch.
Json to_json(const Hello& hello);
// Reads only `protocol` if this program does not speak that version.
Hello hello_from_json(const JsonReader& reader);

Json to_json(const Inspection& inspection);
Inspection inspection_from_json(const JsonReader& reader);

Json to_json(const Sample& sample);
Sample sample_from_json(const JsonReader& reader);

Json to_json(const Control& control);
Control control_from_json(const JsonReader& reader);
Json to_json(const Contrast& contrast);
Json to_json(const BatchInvariance& found);
BatchInvariance batch_invariance_from_json(const JsonReader& reader);
Contrast contrast_from_json(const JsonReader& reader);

Json to_json(const CheckPolicy& policy);
CheckPolicy check_policy_from_json(const JsonReader& reader);

Json failure_to_json(const std::string& message, Status status);
EnvironmentError failure_from_json(const JsonReader& reader);

// Random, so that a kernel cannot write an answer to a request that it has not seen.
std::string random_id();

// Serialises to one line. Texts may contain any bytes.
std::string to_line(const Json& json);

}  // namespace flashcore
