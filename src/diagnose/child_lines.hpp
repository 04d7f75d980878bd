// The keys of the lines between a diagnosis and its child.
#pragma once

namespace flashcore {

// Requests, by the only key beside the id.
inline constexpr const char* kLoadKey = "load";    // also the answer
inline constexpr const char* kProbeKey = "probe";  // with the notes

// Lines of the child.
inline constexpr const char* kCallKey = "call";        // before a call of the kernel's code; has the problem
inline constexpr const char* kReturnKey = "return";    // after that call
inline constexpr const char* kDeviceKey = "device";    // before the answer to `load`
inline constexpr const char* kFindingKey = "finding";  // the answer to `probe`, with the notes
inline constexpr const char* kErrorKey = "error";      // an answer, with the exit code
inline constexpr const char* kCodeKey = "code";
inline constexpr const char* kNotesKey = "notes";

}  // namespace flashcore
