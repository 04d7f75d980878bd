// Plug-ins whose code runs in a process of its own, so that the main program can list and select their variants.
//
// The process is `flashcore-bench worker --describe FILE`. It opens no device. It loads the plug-in and sends its
// table, and answers what only the plug-in's functions know. When such a function fails, its process ends with it, and
// the next question starts another one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace flashcore {

// Appends the plug-in's family to the registry, like load_plugin(). The functions of the family ask the process, under
// the time limit, and throw EnvironmentError with the status of the failure. They cannot launch. Throws UsageError
// like load_plugin(), and EnvironmentError if loading the plug-in ends the process or takes too long.
void describe_plugin(const std::string& path, std::string_view where, double timeout_s);

// Ends the processes, so that they take nothing from what is measured. The next question starts its process again.
void end_descriptions();

// What has failed in such processes, one line for each variant.
std::vector<std::string> description_failures();

// In the process: answers questions about the plug-in until standard input ends.
void serve_description(const std::string& path);

}  // namespace flashcore
