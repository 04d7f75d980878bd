// A worker and the problem that it has prepared: replaces the worker after it was lost, and remembers which variants
// ended one.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <type_traits>

#include "execute/executor.hpp"
#include "worker/aftermath.hpp"
#include "worker/worker_link.hpp"

namespace flashcore {

// What a reader of results makes.
template <class Read>
using ResultOf = std::invoke_result_t<Read, const JsonReader&>;

class ProblemWorker {
 public:
  explicit ProblemWorker(WorkerOptions options) : link_(std::move(options)) {}

  const WorkerLink& link() const { return link_; }
  const Problem& problem() const { return *problem_; }

  void prepare(const Problem& problem, std::uint64_t seed, kernels::InputKind inputs);

  // A request without a variant. It may take longer than one about a variant. `read` makes a value of the result.
  template <class Read>
  ResultOf<Read> ask(const Json& question, Read read) {
    blame_stray_line();
    ensure_worker();
    const JsonDocument answer = exchange(question, WorkerLink::kSetupFactor * link_.options().timeout_s);
    return read_result(answer, read);
  }

  // A variant that ended a worker is not run on this problem again. The answer may take `factor` times the limit.
  template <class Read>
  ResultOf<Read> ask(const Variant& variant, const Json& question, Read read, double factor = 1) {
    blame_stray_line();
    if (const auto found = failed_.find(&variant); found != failed_.end())
      throw EnvironmentError(found->second);
    ensure_worker();
    last_ = &variant;
    try {
      const JsonDocument answer = exchange(question, factor * link_.options().timeout_s);
      ResultOf<Read> result = read_result(answer, read);
      clear_after(variant);
      return result;
    } catch (const EnvironmentError& error) {
      // Foreign code that fails may have left its process and its device in any state.
      if (Aftermath::is_needed(variant)) link_.drop();
      if (!link_.is_up()) failed_.emplace(&variant, error);
      throw;
    }
  }

  // What the variant left behind on the current problem.
  const std::set<std::string>& left_behind(const Variant& variant) const;

  // Microseconds that the last request took, without the start of a worker.
  double request_us() const { return request_us_; }

  const Inspection& inspection(const Variant& variant);

 private:
  void send_problem();

  JsonDocument exchange(const Json& question, double timeout_s);

  // A result of another form is not the worker's: the worker is not used again.
  template <class Read>
  ResultOf<Read> read_result(const JsonDocument& answer, Read read) {
    try {
      return read(JsonReader(answer)["result"]);
    } catch (const UsageError& error) {
      link_.drop();
      throw ProtocolError(error.what());
    }
  }

  // Has the worker restore what a plug-in's code has changed. A worker in which something stays is not used again.
  void clear_after(const Variant& variant);

  // A line that came after the answer about a variant is from something that the variant has left running.
  void blame_stray_line();

  // Restarts a lost worker. Tries only once per problem, because a failed restart would fail at every call.
  void ensure_worker();

  WorkerLink link_;
  std::optional<Problem> problem_;
  std::uint64_t seed_ = 0;
  kernels::InputKind inputs_ = kernels::InputKind::normal;
  double request_us_ = 0;
  const Variant* last_ = nullptr;                      // the last variant that the worker was asked about
  std::optional<std::string> restart_error_;           // why the restart failed; for the current problem
  std::map<const Variant*, EnvironmentError> failed_;  // variants that ended a worker, on the current problem
  std::map<const Variant*, Inspection> inspections_;
  std::map<const Variant*, std::set<std::string>> left_;  // what variants left behind, on the current problem
};

}  // namespace flashcore
