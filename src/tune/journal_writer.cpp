// Writes a journal: every record is on disk before the sweep continues.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.hpp"
#include "base/input_file.hpp"
#include "base/json_text.hpp"
#include "base/schema_version.hpp"
#include "results/record_json.hpp"
#include "tune/journal.hpp"

namespace flashcore {
namespace {

std::string header_line(const SweepIdentity& identity, const Json& environment, const Json& config) {
  return journal_line({{"schema_version", kSchemaVersion},
                       {"tune_journal",
                        {{"backend", to_string(identity.fingerprint.backend)},
                         {"device", identity.fingerprint.device},
                         {"driver", identity.fingerprint.driver},
                         {"code", identity.code},
                         {"plan", identity.plan},
                         {"shard", identity.shard}}},
                       {"environment", environment},
                       {"config", config}});
}

[[noreturn]] void fail_to_open(const std::string& path, int error) {
  if (error == EWOULDBLOCK)
    throw UsageError(fmt::format("--output: {}: another sweep is writing to it", path));
  throw UsageError(fmt::format("--output: {}: cannot be written: {}", path, std::strerror(error)));
}

void check_file(const std::string& path, int descriptor) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) fail_to_open(path, errno);
  if (!S_ISREG(status.st_mode)) throw UsageError(fmt::format("--output: {}: is no regular file", path));
  if (is_input(status)) throw UsageError(fmt::format("--output: {} is an input of this command", path));
}

}  // namespace

JournalWriter::JournalWriter(const std::filesystem::path& path, std::int64_t keep_bytes)
    : path_(path.string()), size_(keep_bytes) {
  descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail_to_open(path_, errno);
  try {
    check_file(path_, descriptor_);
  } catch (const UsageError&) {
    ::close(descriptor_);
    throw;
  }
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0 && ::ftruncate(descriptor_, size_) == 0) return;
  const int error = errno;
  ::close(descriptor_);
  fail_to_open(path_, error);
}

JournalWriter::JournalWriter(const std::filesystem::path& path, const SweepIdentity& identity,
                             const Json& environment, const Json& config)
    : JournalWriter(path, 0) {
  append(header_line(identity, environment, config));
}

JournalWriter::JournalWriter(const Journal& journal) : JournalWriter(journal.path, journal.whole_bytes) {}

JournalWriter::~JournalWriter() { ::close(descriptor_); }

void JournalWriter::add(std::span<const KnownRecord> records) {
  std::string text;
  for (std::size_t i = 0; i < records.size(); ++i) {
    Json line = {{"time", utc_now()}, {"finalist", records[i].finalist}};
    if (records[i].dropped_at) line["dropped_at"] = *records[i].dropped_at;
    if (records[i].is_default) line["default"] = true;
    if (records[i].finalist && i + 1 < records.size()) line["more"] = true;
    line["record"] = to_json(records[i].record);
    text += journal_line(line);
  }
  append(text);
}

void JournalWriter::append(std::string_view text) {
  const auto size = static_cast<std::int64_t>(text.size());
  int error = 0;
  while (!text.empty() && error == 0) {
    const ssize_t written = ::write(descriptor_, text.data(), text.size());
    if (written >= 0) text.remove_prefix(static_cast<std::size_t>(written));
    if (written < 0 && errno != EINTR) error = errno;
  }
  // fsync(2) fails with EINVAL on pipes and some file systems, which cannot be synced.
  if (error == 0 && ::fsync(descriptor_) != 0 && errno != EINVAL) error = errno;
  if (error == 0) {
    size_ += size;
    return;
  }
  if (::ftruncate(descriptor_, size_) != 0) error = errno;  // readers ignore an incomplete line anyway
  throw EnvironmentError(
      fmt::format("{}: cannot be written: {}; all earlier records are kept, --resume continues", path_,
                  std::strerror(error)));
}

}  // namespace flashcore
