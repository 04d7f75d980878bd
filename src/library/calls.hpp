// What the functions of both versions of the arguments share: errors, the choice of a variant, launches.
#pragma once

#include <new>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "library/arguments.hpp"
#include "library/choice_memo.hpp"
#include "registry/supports.hpp"
#include "tune/dispatch.hpp"

namespace flashcore {

// Texts of the calling thread, valid until its next call.
struct ThreadTexts {
  std::string error;   // of the last failed call
  std::string reason;  // returned by flashcore_unsupported() or flashcore_choose_variant()
  std::string environment;
};
ThreadTexts& thread_texts();

flashcore_status set_error(flashcore_status status, std::string_view message);

// Runs `work` and converts its exceptions to a status and this thread's error text.
template <class Work>
flashcore_status guard(Work work) noexcept {
  try {
    work();
    return FLASHCORE_OK;
  } catch (const ApiError& error) {
    return set_error(error.status, error.message);
  } catch (const UsageError& error) {
    return set_error(FLASHCORE_INVALID_ARGUMENT, error.what());
  } catch (const OutOfMemoryError& error) {
    return set_error(FLASHCORE_OUT_OF_MEMORY, error.what());
  } catch (const EnvironmentError& error) {
    return set_error(FLASHCORE_DEVICE_ERROR, error.what());
  } catch (const std::bad_alloc&) {
    thread_texts().error.clear();  // setting a text could throw again
    return FLASHCORE_OUT_OF_MEMORY;
  } catch (const std::exception& error) {
    return set_error(FLASHCORE_INTERNAL_ERROR, error.what());
  }
}

// The index of a variant in all_variants(). Throws ApiError with the nearest id if there is none.
std::size_t find_index(const char* id);

// The id as a text that is valid while the library is loaded.
const char* id_text(const Variant& variant);

// The variant of a request: the default, the choice for "auto", or by its id or "auto". Throws ApiError if it cannot run
// the request, or none can.
const Variant& chosen_default(const Request& request, std::int32_t device);
Choice choose(const Request& request, std::int32_t device);
const Variant& supported_variant(const char* name, const Request& request, std::int32_t device);

// Why supported_variant() fails, as flashcore_unsupported() returns it; null if it does not.
template <class Args>
const char* unsupported_text(const char* name, const Args* args, std::int32_t device) {
  const flashcore_status status = guard([&] { supported_variant(name, checked_request(args), device); });
  if (status == FLASHCORE_OK) return nullptr;
  thread_texts().reason = thread_texts().error;
  return thread_texts().reason.c_str();
}

template <class Args>
const char* default_text(const Args* args, std::int32_t device) {
  const char* id = nullptr;
  guard([&] { id = id_text(chosen_default(checked_request(args), device)); });
  return id;
}

template <class Args>
const char* choice_text(const Args* args, std::int32_t device, const char** reason) {
  const char* id = nullptr;
  guard([&] {
    require(args != nullptr, "args: is null");
    using Memo = ChoiceMemo<Args>;
    Memo& memo = Memo::of_this_thread();
    const auto key = choice_key(*args);
    const typename Memo::Known* known = key ? memo.find(*key, device) : nullptr;
    typename Memo::Known made;
    if (known == nullptr) {
      const std::uint64_t generation = Memo::now();
      const Choice choice = choose(checked_request(args), device);
      made = {id_text(*choice.variant), choice.reason};
      if (key) memo.keep(*key, device, generation, made);
      known = &made;
    }
    id = known->id;
    if (reason == nullptr) return;
    thread_texts().reason = known->reason;
    *reason = thread_texts().reason.c_str();
  });
  return id;
}

Resources query_resources(const char* name, const Request& request, std::int32_t device);
void make_plan(const char* name, const Request& request, std::int32_t device, void* stream);
void launch(const char* name, const Request& request, std::int32_t device, void* stream);

}  // namespace flashcore
