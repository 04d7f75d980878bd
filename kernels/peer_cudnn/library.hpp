// cuDNN, loaded at run time: the program starts on machines without it. Only the headers are needed to build.
//
// It opens the file that the environment variable FLASHCORE_CUDNN names, else libcudnn.so.9, then
// libcudnn.so, from the dynamic loader's paths (LD_LIBRARY_PATH, ldconfig).
#pragma once

#include <cudnn.h>
#include <dlfcn.h>

#include <cstdlib>
#include <string>

namespace flashcore::kernels::cudnn {

// The functions of the backend API that this family calls (cuDNN API reference, "cudnn_graph Library").
struct Api {
  decltype(&cudnnGetVersion) get_version = nullptr;
  decltype(&cudnnGetErrorString) get_error_string = nullptr;
  decltype(&cudnnGetLastErrorString) get_last_error_string = nullptr;
  decltype(&cudnnCreate) create = nullptr;
  decltype(&cudnnSetStream) set_stream = nullptr;
  decltype(&cudnnBackendCreateDescriptor) create_descriptor = nullptr;
  decltype(&cudnnBackendDestroyDescriptor) destroy_descriptor = nullptr;
  decltype(&cudnnBackendSetAttribute) set_attribute = nullptr;
  decltype(&cudnnBackendGetAttribute) get_attribute = nullptr;
  decltype(&cudnnBackendFinalize) finalize = nullptr;
  decltype(&cudnnBackendExecute) execute = nullptr;
};

struct Library {
  Api api;
  std::string problem;  // why cuDNN cannot be used, empty when it can
};

namespace detail {

inline std::string loader_error() {
  const char* text = dlerror();
  return text != nullptr ? text : "unknown error of the dynamic loader";
}

// Null with `problem` set when the library cannot be opened.
inline void* open_library(std::string& problem) {
  constexpr int kFlags = RTLD_NOW | RTLD_LOCAL;
  if (const char* named = std::getenv("FLASHCORE_CUDNN"); named != nullptr && *named != '\0') {
    void* library = dlopen(named, kFlags);
    if (library == nullptr) problem = "FLASHCORE_CUDNN: " + loader_error();
    return library;
  }
  void* library = dlopen("libcudnn.so.9", kFlags);
  if (library != nullptr) return library;
  problem = "cuDNN 9 was not found (" + loader_error() + "); set LD_LIBRARY_PATH or FLASHCORE_CUDNN";
  library = dlopen("libcudnn.so", kFlags);
  if (library != nullptr) problem.clear();
  return library;
}

template <class Function>
void resolve(void* library, const char* name, Function& function, std::string& problem) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  if (function == nullptr && problem.empty()) problem = std::string("cuDNN lacks ") + name;
}

inline Library load_library() {
  Library loaded;
  void* library = open_library(loaded.problem);
  if (library == nullptr) return loaded;
  const auto bind = [&](const char* name, auto& function) {
    resolve(library, name, function, loaded.problem);
  };
  Api& api = loaded.api;
  bind("cudnnGetVersion", api.get_version);
  bind("cudnnGetErrorString", api.get_error_string);
  bind("cudnnGetLastErrorString", api.get_last_error_string);
  bind("cudnnCreate", api.create);
  bind("cudnnSetStream", api.set_stream);
  bind("cudnnBackendCreateDescriptor", api.create_descriptor);
  bind("cudnnBackendDestroyDescriptor", api.destroy_descriptor);
  bind("cudnnBackendSetAttribute", api.set_attribute);
  bind("cudnnBackendGetAttribute", api.get_attribute);
  bind("cudnnBackendFinalize", api.finalize);
  bind("cudnnBackendExecute", api.execute);
  // The numbering of versions changed with 9.0: 8.9.7 is 8907, 9.19.0 is 91900.
  if (loaded.problem.empty() && api.get_version() < 90000) {
    loaded.problem = "cuDNN " + std::to_string(api.get_version()) + " was found, 9.0 or later is needed";
  }
  return loaded;
}

}  // namespace detail

// Loaded once and never unloaded: descriptors of cuDNN may outlive any scope of ours.
inline const Library& library() {
  static const Library loaded = detail::load_library();
  return loaded;
}

// "CUDNN_STATUS_NOT_SUPPORTED: head_dim must be ..." from a status and cuDNN's last error text.
inline std::string status_text(const Api& api, cudnnStatus_t status) {
  char message[1024] = "";
  api.get_last_error_string(message, sizeof(message));
  std::string text = api.get_error_string(status);
  if (message[0] != '\0') text.append(": ").append(message);
  return text;
}

}  // namespace flashcore::kernels::cudnn
