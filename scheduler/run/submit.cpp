#include "scheduler/run/submit.h"

#include <nlohmann/json.hpp>
#include <optional>

#include "common/remote/photo_url.h"
#include "scheduler/control/control.h"
#include "scheduler/store/settings.h"

namespace photoscribe {
namespace {

using nlohmann::json;

constexpr std::size_t kListMax = 10'000;

std::string hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(2 * bytes.size());
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

int digit(char c) {
  return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/// A path or a pattern; NUL would end it for the kernel and not for us.
std::optional<std::string> unhex(const json& value) {
  if (!value.is_string()) return std::nullopt;
  const auto& text = value.get_ref<const std::string&>();
  if (text.size() % 2 != 0) return std::nullopt;
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = digit(text[i]);
    const int low = digit(text[i + 1]);
    if (high < 0 || low < 0 || high + low == 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
  }
  return out;
}

json hex_list(const std::vector<std::string>& list) {
  json out = json::array();
  for (const std::string& one : list) out.push_back(hex(one));
  return out;
}

bool read_list(const json& object, const char* name, std::vector<std::string>& list) {
  const auto at = object.find(name);
  if (at == object.end() || !at->is_array() || at->size() > kListMax) return false;
  for (const json& one : *at) {
    auto text = unhex(one);
    if (!text) return false;
    list.push_back(std::move(*text));
  }
  return true;
}

bool read_bytes(const json& object, const char* name, std::string& bytes) {
  const auto at = object.find(name);
  if (at == object.end()) return false;
  auto text = unhex(*at);
  if (text) bytes = std::move(*text);
  return text.has_value();
}

bool read_flag(const json& object, const char* name, bool& flag) {
  const auto at = object.find(name);
  if (at == object.end() || !at->is_boolean()) return false;
  flag = at->get<bool>();
  return true;
}

template <class Number>
bool read_number(const json& object, const char* name, Number low, Number high, Number& number) {
  const auto at = object.find(name);
  if (at == object.end() || !at->is_number()) return false;
  const auto value = at->get<Number>();
  number = value;
  return value >= low && value <= high;
}

json list_object(const ListOptions& options) {
  json object{{"root", hex(options.root)},
              {"from0", options.from0},
              {"delimiter", hex(options.delimiter)},
              {"path_column", hex(options.path_column)},
              {"id_column", hex(options.id_column)}};
  if (options.header) object["header"] = *options.header;
  return object;
}

bool read_list_options(const json& object, ListOptions& options) {
  const auto at = object.find("list_options");
  if (at == object.end() || !at->is_object()) return false;
  bool header = false;
  const bool has_header = at->contains("header");
  if (has_header && !read_flag(*at, "header", header)) return false;
  if (has_header) options.header = header;
  return read_bytes(*at, "root", options.root) && read_flag(*at, "from0", options.from0) &&
         read_bytes(*at, "delimiter", options.delimiter) &&
         read_bytes(*at, "path_column", options.path_column) &&
         read_bytes(*at, "id_column", options.id_column);
}

bool read_schedule(const json& object, RunSchedule& schedule) {
  return read_number(object, "rate_per_s", 0.0, 1e9, schedule.rate_per_s) &&
         read_number(object, "weight", 1, 1'000, schedule.weight) &&
         read_number(object, "priority", -1'000, 1'000, schedule.priority) &&
         read_bytes(object, "between", schedule.between) &&
         read_bytes(object, "on_finish", schedule.on_finish) &&
         (schedule.between.empty() || parse_day_window(schedule.between));
}

}  // namespace

std::string submission_line(const RunRequest& request) {
  const json object{{"verb", to_string(ControlVerb::submit)},
                    {"run", request.run},
                    {"settings", to_json(request.settings)},
                    {"photos", hex_list(request.photos)},
                    {"lists", hex_list(request.lists)},
                    {"list_options", list_object(request.list)},
                    {"sidecars", request.sidecars},
                    {"url_lists", hex_list(request.url_lists)},
                    {"follow_links", hex_list(request.follow_links)},
                    {"include", hex_list(request.include)},
                    {"exclude", hex_list(request.exclude)},
                    {"all_files", request.all_files},
                    {"archives", request.archives},
                    {"sidecar_text", static_cast<int>(request.sidecar_text)},
                    {"references", hex(request.references_file)},
                    {"strict", request.strict_references},
                    {"split", hex(request.split_file)},
                    {"limit", request.limit},
                    {"retry_failed", request.retry_failed},
                    {"redo", request.redo},
                    {"watch", request.watch},
                    {"rate_per_s", request.schedule.rate_per_s},
                    {"weight", request.schedule.weight},
                    {"priority", request.schedule.priority},
                    {"between", hex(request.schedule.between)},
                    {"on_finish", hex(request.schedule.on_finish)}};
  return object.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

Expected<RunRequest> parse_submission(std::string_view line) {
  const auto wrong = fail(Errc::bad_payload, "submit: the request cannot be read");
  if (line.size() > kControlLineMax) return wrong;
  const json object = json::parse(
      line, [](int depth, json::parse_event_t /*event*/, json& /*value*/) { return depth <= 2; },
      false);
  if (!object.is_object()) return wrong;
  RunRequest request;
  const auto run = object.find("run");
  const auto settings = object.find("settings");
  if (run == object.end() || !run->is_string()) return wrong;
  if (settings == object.end() || !settings->is_string()) return wrong;
  const auto parsed = parse_settings(settings->get<std::string>());
  if (!parsed) return fail(Errc::bad_payload, "submit: " + parsed.error().message);
  request.run = run->get<std::string>();
  request.settings = *parsed;
  request.settings.preprocessing_version = kPreprocessingVersion;  // whose results are made here
  request.keep_on_finish = true;
  // Unknown to earlier versions, which may be at the other end.
  const bool strict =
      !object.contains("strict") || read_flag(object, "strict", request.strict_references);
  const bool links =
      !object.contains("follow_links") || read_list(object, "follow_links", request.follow_links);
  const bool lists = !object.contains("lists") || (read_list(object, "lists", request.lists) &&
                                                   read_list_options(object, request.list));
  const bool urls =
      !object.contains("url_lists") || read_list(object, "url_lists", request.url_lists);
  const bool sidecars =
      !object.contains("sidecars") || read_flag(object, "sidecars", request.sidecars);
  const bool archives =
      !object.contains("archives") || read_flag(object, "archives", request.archives);
  int sidecar_text = static_cast<int>(request.sidecar_text);
  const bool texts =
      !object.contains("sidecar_text") || read_number(object, "sidecar_text", 0, 2, sidecar_text);
  request.sidecar_text = static_cast<SidecarText>(sidecar_text);
  const bool watch = !object.contains("watch") || read_flag(object, "watch", request.watch);
  const bool good = watch && strict && links && lists && urls && sidecars && archives && texts &&
                    read_list(object, "photos", request.photos) &&
                    read_list(object, "include", request.include) &&
                    read_list(object, "exclude", request.exclude) &&
                    read_flag(object, "all_files", request.all_files) &&
                    read_bytes(object, "references", request.references_file) &&
                    read_bytes(object, "split", request.split_file) &&
                    read_number<std::int64_t>(object, "limit", 0, 1LL << 40, request.limit) &&
                    read_flag(object, "retry_failed", request.retry_failed) &&
                    read_flag(object, "redo", request.redo) &&
                    read_schedule(object, request.schedule);
  if (!good) return wrong;
  if (!request.list.root.empty() && !request.list.root.starts_with("/")) return wrong;
  for (const auto* paths :
       {&request.photos, &request.lists, &request.follow_links, &request.url_lists}) {
    for (const std::string& path : *paths) {
      if (paths == &request.photos && is_remote(path)) continue;
      if (!path.starts_with("/")) return wrong;  // relative to whose folder?
    }
  }
  return request;
}

Expected<PreparedRun> take_submission(Store& store, const RunRequest& request,
                                      RunObserver& observer, const StopHandle& stop,
                                      std::unique_lock<std::mutex>* held) {
  if (Status watchable = check_watch(request); !watchable) return fail(watchable.error());
  Expected<PreparedRun> prepared = prepare_run(store, request, observer, stop, held);
  if (!prepared) return prepared;
  if (prepared->stopped) return fail(Errc::cancelled, "submit: interrupted; submit again");
  if (prepared->run.control == RunControl::cancelled) {  // asked for again: wanted again
    prepared->run.control = RunControl::running;
    prepared->notes.push_back("the run was cancelled; this resumes it");
    const Status wanted = store.set_control(prepared->run.id, RunControl::running);
    if (!wanted) return fail(wanted.error());
  }
  const std::string watched = request.watch ? submission_line(request) : "";
  if (Status noted = store.set_watched(prepared->run.id, watched); !noted)
    return fail(noted.error());
  return prepared;
}

}  // namespace photoscribe
