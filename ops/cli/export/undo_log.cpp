#include "ops/cli/export/undo_log.h"

#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "common/text/base64.h"
#include "common/text/safe_text.h"
#include "common/text/utf8.h"

namespace photoscribe::cli {
namespace {

using nlohmann::ordered_json;

constexpr const char* kHead = "{\"photoscribe_undo\": 1}\n";

void put(ordered_json& object, const std::string& key, const std::string& bytes) {
  if (is_valid_utf8(bytes)) {
    object[key] = bytes;
  } else {
    object[key + "_base64"] = base64(bytes);
  }
}

std::string get(const ordered_json& object, const std::string& key) {
  if (object.contains(key)) return object.at(key).get<std::string>();
  if (!object.contains(key + "_base64")) return {};
  return from_base64(object.at(key + "_base64").get<std::string>()).value_or("");
}

}  // namespace

std::string to_line(const LoggedChange& change) {
  ordered_json object;
  put(object, "file", change.file);
  if (change.created) object["created"] = true;
  if (change.keep_times) object["photo"] = true;
  if (!change.before.empty()) object["before"] = change.before;
  object["after"] = change.after;
  if (!change.created) {
    object["edits"] = ordered_json::array();
    for (const metadata::Edit& one : change.edits) {
      object["edits"].push_back({one.offset, one.removed, base64(one.inserted)});
    }
  }
  put(object, "folder", change.folder);
  put(object, "path", change.path);
  return object.dump() + "\n";
}

Expected<LoggedChange> change_from(std::string_view line) {
  return guard(Errc::bad_payload, "undo log", [&] {
    const auto object = ordered_json::parse(line);
    LoggedChange change;
    change.file = get(object, "file");
    change.created = object.value("created", false);
    change.keep_times = object.value("photo", false);
    change.before = object.value("before", "");
    change.after = object.at("after").get<std::string>();
    change.folder = get(object, "folder");
    change.path = get(object, "path");
    if (change.file.empty() || change.file.front() != '/') throw std::runtime_error("no file");
    std::uint64_t at = 0;
    for (const auto& one : object.value("edits", ordered_json::array())) {
      metadata::Edit edit{one.at(0).get<std::uint64_t>(), one.at(1).get<std::uint64_t>(),
                          from_base64(one.at(2).get<std::string>()).value()};
      if (edit.offset < at) throw std::runtime_error("edits out of order");
      at = edit.offset + edit.removed;
      change.edits.push_back(std::move(edit));
    }
    return change;
  });
}

Status UndoLog::sync() {
  const auto failed = [&](int error) {
    return fail(Errc::environment, shown(file_) + ": " + std::strerror(error));
  };
  if (!out_.valid()) {
    out_.reset(::open(file_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600));
    if (!out_.valid()) return failed(errno);
    waiting_.insert(0, kHead);
  }
  for (std::string_view left = waiting_; !left.empty();) {
    const ssize_t wrote = ::write(out_.get(), left.data(), left.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return failed(errno);
    left.remove_prefix(static_cast<std::size_t>(wrote));
  }
  waiting_.clear();
  if (::fdatasync(out_.get()) != 0 && errno != EINVAL) return failed(errno);
  return {};
}

Status for_each_change(const std::string& log, const std::function<Status(LoggedChange)>& each) {
  std::ifstream in(log, std::ios::binary);
  std::string line;
  if (!std::getline(in, line) || line + "\n" != kHead)
    return fail(Errc::usage, shown(log) + " is not the undo log of an export");
  for (int number = 2; std::getline(in, line); ++number) {
    if (in.eof()) break;  // incomplete
    Expected<LoggedChange> change = change_from(line);
    if (!change)
      return fail(Errc::usage,
                  shown(log) + ", line " + std::to_string(number) + ": " + change.error().message);
    if (Status taken = each(std::move(*change)); !taken) return taken;
  }
  return {};
}

}  // namespace photoscribe::cli
