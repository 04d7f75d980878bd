#include <optional>

#include "base/error.hpp"
#include "base/json_fields.hpp"
#include "plugin/plugin.hpp"
#include "worker/answer.hpp"
#include "worker/described_plugin.hpp"
#include "worker/description.hpp"
#include "worker/guard.hpp"
#include "worker/lines.hpp"

namespace flashcore {
namespace {

class DescribeServer {
 public:
  explicit DescribeServer(const std::string& path) : file_(path, "") {}

  Json perform(const JsonReader& request) {
    const auto question = decode<Question>(require_field(request, "call"));
    if (question == Question::describe) return describe();
    const auto variant = static_cast<std::size_t>(require_field(request, "variant").integer(0, 1 << 20));
    const auto args = bytes_from_json<AttentionArgs>(require_field(request, "args"));
    if (variant >= plugin().table.variants.size()) request["variant"].fail("is not in the table");
    const Family& functions = *plugin().functions;
    if (question == Question::resources) return resources(functions, variant, args);
    const auto limits = bytes_from_json<DeviceLimits>(require_field(request, "limits"));
    const char* reason = functions.unsupported(variant, args, limits);
    return reason == nullptr ? "" : reason;
  }

 private:
  static Json resources(const Family& functions, std::size_t variant, const AttentionArgs& args) {
    Resources found;
    const int code = functions.knows_resources(variant) ? functions.resources(variant, args, found) : -1;
    return {{"code", code}, {"resources", bytes_to_json(found)}};
  }

  Json describe() {
    try {
      return to_json(plugin().table);
    } catch (const UsageError& error) {
      return {{kRefusedKey, error.what()}};
    }
  }

  const OpenPlugin& plugin() {
    if (!plugin_) plugin_ = open_plugin(file_);
    return *plugin_;
  }

  PluginFile file_;
  std::optional<OpenPlugin> plugin_;
};

}  // namespace

void serve_description(const std::string& path) {
  go_on_under_guard();
  Lines lines;
  Answerer answerer;
  DescribeServer server(path);
  lines.put(to_line(to_json(Hello{.device = {.name = "none"}})));
  while (const auto line = lines.next()) {
    lines.put(answerer.answer(*line, [&](const JsonReader& request) {
      return Json{{"result", server.perform(request)}};
    }));
  }
}

}  // namespace flashcore
