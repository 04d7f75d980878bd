#include "worker/described_plugin.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>

#include "base/error.hpp"
#include "base/json_fields.hpp"
#include "capi/convert.hpp"
#include "plugin/plugin_table.hpp"
#include "worker/description.hpp"
#include "worker/worker_link.hpp"

namespace flashcore {
namespace {

// After as many failures a plug-in's functions are not asked about further variants.
constexpr std::size_t kMaxFailures = 3;

std::vector<std::string>& failures() {
  static std::vector<std::string> lines;
  return lines;
}

// Questions come from one thread, but each thread of a sweep ends the processes.
std::mutex& links_in_use() {
  static std::mutex mutex;
  return mutex;
}

class Describer;
std::vector<Describer*>& describers() {
  static std::vector<Describer*> all;
  return all;
}

// The process that has the plug-in.
class Describer {
 public:
  Describer(PluginFile file, double timeout_s)
      : file_(std::move(file)),
        link_({.timeout_s = timeout_s,
               .arguments = {"flashcore-bench", "worker", "--describe", file_.path()}}) {}

  PluginTable describe() {
    try {
      const JsonDocument answer = ask({{"call", to_string(Question::describe)}});
      const JsonReader result = JsonReader(answer)["result"];
      if (const auto refused = find_field(result, kRefusedKey)) file_.fail(reason_of(refused->string()));
      return plugin_table_from_json(result);
    } catch (const EnvironmentError& error) {
      throw EnvironmentError(fmt::format("{}: {}", file_.place(), error.what()), error.status);
    }
  }

  JsonDocument ask(const Json& question) {
    const std::lock_guard lock(links_in_use());
    if (!link_.is_up()) link_.restart();
    return link_.ask(question, link_.options().timeout_s);
  }

  const PluginFile& file() const { return file_; }
  void end_process() { link_.drop(); }

 private:
  // The process knows the path, but not the flag.
  std::string reason_of(const std::string& message) const {
    const std::string place = PluginFile(file_.path(), "").place() + ": ";
    return message.starts_with(place) ? message.substr(place.size()) : message;
  }

  PluginFile file_;
  WorkerLink link_;
};

class DescribedFamily final : public Family {
 public:
  DescribedFamily(std::unique_ptr<Describer> describer, const PluginTable& table)
      : describer_(std::move(describer)), table_(table), file_hash_(describer_->file().hash()) {}

  const char* unsupported(std::size_t variant, const AttentionArgs& args,
                          const DeviceLimits& limits) const override {
    Json question = about(Question::unsupported, variant, args);
    question["limits"] = bytes_to_json(limits);
    reason_ = ask(variant, question, [](const JsonReader& result) { return result.string(); });
    return reason_.empty() ? nullptr : reason_.c_str();
  }
  std::size_t workspace_bytes(std::size_t, const AttentionArgs&) const override { return 0; }
  int launch(std::size_t, const AttentionArgs&, void*) const override { return ENOSYS; }
  bool knows_resources(std::size_t) const override {
    return table_.has_resources && table_.backend == FLASHCORE_CUDA;
  }
  int resources(std::size_t variant, const AttentionArgs& args, Resources& found) const override {
    return ask(variant, about(Question::resources, variant, args), [&](const JsonReader& result) {
      found = bytes_from_json<Resources>(require_field(result, "resources"));
      return decode<int>(require_field(result, "code"));
    });
  }
  const char* kernel_name(std::size_t) const override { return nullptr; }
  std::string file_hash() const override { return file_hash_; }

 private:
  Json about(Question question, std::size_t variant, const AttentionArgs& args) const {
    return {{"call", to_string(question)}, {"variant", variant}, {"args", bytes_to_json(args)}};
  }

  // A variant whose function has failed is not asked about again.
  template <class Read>
  std::invoke_result_t<Read, const JsonReader&> ask(std::size_t variant, const Json& question,
                                                    Read read) const {
    if (const auto found = failed_.find(variant); found != failed_.end())
      throw EnvironmentError(found->second);
    if (failed_.size() >= kMaxFailures) {
      throw EnvironmentError(
          fmt::format("not asked: {} variants of the plug-in have failed", failed_.size()));
    }
    try {
      const JsonDocument answer = describer_->ask(question);
      return read(JsonReader(answer)["result"]);
    } catch (const Error& error) {
      note_failure(variant, question.at("call").get<std::string>(), error);
      throw EnvironmentError(failed_.at(variant));
    }
  }

  void note_failure(std::size_t variant, const std::string& function, const Error& error) const {
    const auto* failure = dynamic_cast<const EnvironmentError*>(&error);
    const Status status = failure == nullptr ? Status::crashed : failure->status;
    failed_.emplace(variant, EnvironmentError(fmt::format("its {}(): {}", function, error.what()), status));
    const PluginTable::Row& row = table_.variants[variant];
    const std::string id = variant_id(
        table_.family, {.dtype = static_cast<Dtype>(row.dtype), .head_dim = row.head_dim, .tile = row.tile});
    failures().push_back(
        fmt::format("{}: {}: {}", describer_->file().place(), id, failed_.at(variant).what()));
  }

  std::unique_ptr<Describer> describer_;
  PluginTable table_;
  std::string file_hash_;
  mutable std::string reason_;  // of the last answer
  mutable std::map<std::size_t, EnvironmentError> failed_;
};

}  // namespace

void describe_plugin(const std::string& path, std::string_view where, double timeout_s) {
  auto describer = std::make_unique<Describer>(PluginFile(path, where), timeout_s);
  PluginTable table = describer->describe();
  check_table(table, describer->file());
  describers().push_back(describer.get());
  auto family = std::make_unique<DescribedFamily>(std::move(describer), table);
  add_plugin_family(std::move(table), std::move(family));
}

void end_descriptions() {
  const std::lock_guard lock(links_in_use());
  for (Describer* describer : describers()) describer->end_process();
}

std::vector<std::string> description_failures() { return failures(); }

}  // namespace flashcore
