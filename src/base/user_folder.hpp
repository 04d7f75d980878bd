// Where this program keeps files of a user.
#pragma once

#include <filesystem>
#include <string_view>

namespace flashcore {

// flashcore/<name> in XDG_DATA_HOME, or in ~/.local/share (XDG Base Directory Specification 0.8). Empty when neither
// XDG_DATA_HOME nor HOME is set.
std::filesystem::path user_data_folder(std::string_view name);

}  // namespace flashcore
