#include "scheduler/control/control.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "common/text/utf8.h"
#include "scheduler/store/store.h"

namespace photoscribe {
namespace {

using nlohmann::json;

constexpr std::size_t kNameMax = 1'000;
constexpr std::size_t kImagesMax = 50'000;  // fit into a line

constexpr std::pair<ControlVerb, std::string_view> kVerbs[] = {
    {ControlVerb::pause, "pause"},     {ControlVerb::resume, "resume"},
    {ControlVerb::cancel, "cancel"},   {ControlVerb::drain, "drain"},
    {ControlVerb::retry, "retry"},     {ControlVerb::submit, "submit"},
    {ControlVerb::workers, "workers"},
};

/// Errors that a person can act on; the other codes arrive as `environment`.
constexpr std::pair<Errc, std::string_view> kCodes[] = {
    {Errc::usage, "usage"},
    {Errc::cancelled, "ending"},
    {Errc::store_full, "disk_full"},
    {Errc::environment, "environment"},
};

std::string as_line(const json& object) {
  return object.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

tl::unexpected<Error> bad(const std::string& what) {
  return fail(Errc::bad_payload, "control: " + what);
}

/// nlohmann's destructor recurses: flat objects only.
std::optional<json> parse_flat(std::string_view line) {
  if (line.size() > kControlLineMax) return std::nullopt;
  json object = json::parse(
      line, [](int depth, json::parse_event_t /*event*/, json& /*value*/) { return depth <= 2; },
      false);
  if (!object.is_object()) return std::nullopt;
  return object;
}

Expected<std::string> text_of(const json& object, const char* name) {
  const auto at = object.find(name);
  if (at == object.end()) return std::string();
  if (!at->is_string()) return bad(std::string(name) + " is no text");
  std::string text = at->get<std::string>();
  if (text.size() > kNameMax) return bad(std::string(name) + " is too long");
  return text;
}

Status read_lists(const json& object, ControlRequest& request) {
  if (const auto at = object.find("reasons"); at != object.end()) {
    if (!at->is_array() || at->size() > kReasonCount)
      return bad("reasons is not a list of reasons");
    for (const json& one : *at) {
      const auto reason =
          one.is_string() ? reason_from_string(one.get<std::string>()) : std::nullopt;
      if (!reason) return bad("reasons: " + one.dump(-1, ' ', true) + " is no reason");
      request.reasons.push_back(*reason);
    }
  }
  if (const auto at = object.find("images"); at != object.end()) {
    if (!at->is_array() || at->size() > kImagesMax) return bad("images is not a list of numbers");
    for (const json& one : *at) {
      if (!one.is_number_integer()) return bad("images is not a list of numbers");
      request.images.push_back(one.get<std::int64_t>());
    }
  }
  return {};
}

std::int64_t number_of(const json& object, const char* name) {
  const auto at = object.find(name);
  return at != object.end() && at->is_number_integer() ? at->get<std::int64_t>() : 0;
}

bool flag_of(const json& object, const char* name) {
  const auto at = object.find(name);
  return at != object.end() && at->is_boolean() && at->get<bool>();
}

}  // namespace

std::string_view to_string(ControlVerb verb) noexcept {
  for (const auto& [known, name] : kVerbs) {
    if (known == verb) return name;
  }
  return "";
}

std::string to_line(const ControlRequest& request) {
  if (request.verb == ControlVerb::submit) return request.submission;
  json object{{"verb", to_string(request.verb)}, {"run", request.run}};
  for (const Reason reason : request.reasons) object["reasons"].push_back(to_string(reason));
  for (const std::int64_t image : request.images) object["images"].push_back(image);
  return as_line(object);
}

std::string to_line(const Expected<ControlReply>& reply) {
  if (reply) {
    json object{{"run", reply->run},          {"control", to_string(reply->control)},
                {"changed", reply->changed},  {"served", reply->served},
                {"photos", reply->photos},    {"pending", reply->pending},
                {"not_seen", reply->not_seen}};
    for (const SeenWorker& one : reply->workers) object["workers"].push_back(to_line(one));
    return as_line(object);
  }
  std::string_view name = "environment";
  for (const auto& [code, text] : kCodes) {
    if (code == reply.error().code) name = text;
  }
  return as_line({{"error", reply.error().message}, {"code", name}});
}

Expected<ControlRequest> parse_request(std::string_view line) {
  const auto object = parse_flat(line);
  if (!object) return bad("a request is one JSON object on one line");
  const auto verb = text_of(*object, "verb");
  if (!verb) return fail(verb.error());
  const auto known = std::find_if(std::begin(kVerbs), std::end(kVerbs),
                                  [&](const auto& one) { return one.second == *verb; });
  if (known == std::end(kVerbs)) return bad("unknown verb \"" + *verb + "\"");
  ControlRequest request;
  request.verb = known->first;
  auto run = text_of(*object, "run");
  if (!run) return fail(run.error());
  request.run = std::move(*run);
  if (request.verb == ControlVerb::submit) {
    request.submission = std::string(line);
    return request;
  }
  if (Status read = read_lists(*object, request); !read) return fail(read.error());
  return request;
}

Expected<ControlReply> parse_reply(std::string_view line) {
  const auto object = parse_flat(line);
  if (!object) return bad("the scheduler's answer cannot be read");
  if (const auto error = object->find("error"); error != object->end() && error->is_string()) {
    const auto name = text_of(*object, "code");
    Errc code = Errc::environment;
    for (const auto& [known, text] : kCodes) {
      if (name && *name == text) code = known;
    }
    return fail(code, error->get<std::string>());
  }
  auto run = text_of(*object, "run");
  const auto control = text_of(*object, "control");
  if (!run) return fail(run.error());
  if (!control) return fail(control.error());
  ControlReply reply;
  reply.run = std::move(*run);
  reply.control = run_control_from(*control);
  reply.changed = flag_of(*object, "changed");
  reply.served = flag_of(*object, "served");
  reply.photos = number_of(*object, "photos");
  reply.pending = number_of(*object, "pending");
  if (const auto at = object->find("workers"); at != object->end() && at->is_array()) {
    for (const json& one : *at) {
      const auto worker = one.is_string() ? parse_seen_worker(one.get<std::string>())
                                          : Expected<SeenWorker>(bad("workers"));
      if (!worker) return fail(worker.error());
      reply.workers.push_back(*worker);
    }
  }
  reply.not_seen = number_of(*object, "not_seen");
  return reply;
}

Expected<RunRow> pick_run(const std::vector<RunRow>& runs, const std::string& name,
                          const std::vector<RunId>& served) {
  if (runs.empty()) return fail(Errc::usage, "no runs in this database yet");
  if (name.empty() && runs.size() == 1) return runs.front();
  std::string names;
  for (const RunRow& run : runs) {
    const bool only_served = name.empty() && served.size() == 1 && run.id == served.front();
    if (only_served || (!name.empty() && run.name == name)) return run;
    names += (names.empty() ? "" : ", ") + run.name;
  }
  if (name.empty()) return fail(Errc::usage, "choose a run with --run: " + names);
  return fail(Errc::usage, "no run \"" + name + "\"; there are: " + names);
}

Expected<AppliedRequest> apply_request(Store& store, const ControlRequest& request,
                                       const std::vector<RunId>& served) {
  const ControlVerb verb = request.verb;
  if (verb == ControlVerb::drain || verb == ControlVerb::submit || verb == ControlVerb::workers) {
    return AppliedRequest{};
  }
  const Expected<std::vector<RunRow>> runs = store.runs();
  if (!runs) return fail(runs.error());
  Expected<RunRow> run = pick_run(*runs, request.run, served);
  if (!run) return fail(run.error());
  AppliedRequest out;
  RunControl wanted = run->control;
  if (request.verb == ControlVerb::pause) wanted = RunControl::paused;
  if (request.verb == ControlVerb::resume) wanted = RunControl::running;
  if (request.verb == ControlVerb::cancel) wanted = RunControl::cancelled;
  out.reply.changed = wanted != run->control;
  if (out.reply.changed) {
    if (Status kept = store.set_control(run->id, wanted); !kept) return fail(kept.error());
    run->control = wanted;
  }
  if (request.verb == ControlVerb::retry) {
    const Expected<std::int64_t> retried = request.images.empty()
                                               ? store.retry_failed(run->id, request.reasons)
                                               : store.retry_images(run->id, request.images);
    if (!retried) return fail(retried.error());
    out.reply.photos = *retried;
    out.reply.changed = *retried > 0;
  }
  const Expected<RunCounts> counts = store.counts(run->id);
  if (!counts) return fail(counts.error());
  out.counts = *counts;
  out.run = std::move(*run);
  out.reply.run = out.run.name;
  out.reply.control = out.run.control;
  out.reply.pending = counts->asked.pending;
  return out;
}

}  // namespace photoscribe
