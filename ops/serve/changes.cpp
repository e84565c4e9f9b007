#include "ops/serve/changes.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "ops/serve/answers.h"
#include "scheduler/store/edits.h"

namespace photoscribe::serve {
namespace {

using nlohmann::json;

Expected<json> object_of(const std::string& body) {
  json object = json::parse(body, nullptr, false);
  if (!object.is_object()) return fail(Errc::usage, "the body is not a JSON object");
  return object;
}

std::string text_of(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::optional<EditAction> edit_action(const std::string& name) {
  if (name == "set") return EditAction::set;
  if (name == "approve") return EditAction::approve;
  if (name == "unset") return EditAction::unset;
  return std::nullopt;
}

std::optional<ControlVerb> control_verb(const std::string& name) {
  for (const ControlVerb verb :
       {ControlVerb::pause, ControlVerb::resume, ControlVerb::cancel, ControlVerb::retry}) {
    if (name == to_string(verb)) return verb;
  }
  return std::nullopt;
}

Expected<std::string> name_of(Archive& archive, RunId run) {
  const auto row = archive.read([&](Reader& reader) { return reader.store.run(run); });
  if (!row) return fail(row.error());
  return row->name;
}

http::Answer reply_answer(const Expected<ControlReply>& reply) {
  if (!reply) return error_answer(reply.error());
  return json_answer({{"control", to_string(reply->control)},
                      {"changed", reply->changed},
                      {"served", reply->served},
                      {"photos", reply->photos},
                      {"pending", reply->pending}});
}

Expected<ControlRequest> request_of(const json& object) {
  ControlRequest request;
  const auto verb = control_verb(text_of(object, "action"));
  if (!verb) return fail(Errc::usage, "action: one of pause, resume, cancel, retry");
  request.verb = *verb;
  if (const auto reasons = object.find("reasons"); reasons != object.end()) {
    if (!reasons->is_array()) return fail(Errc::usage, "reasons: a list of names");
    for (const json& one : *reasons) {
      const auto reason = reason_from_string(one.is_string() ? one.get<std::string>() : "");
      if (!reason) return fail(Errc::usage, "reasons: one of them is unknown");
      request.reasons.push_back(*reason);
    }
  }
  return request;
}

}  // namespace

http::Answer change_caption(Archive& archive, const SiteOptions& options, std::int64_t image_id,
                            const std::string& body) {
  const auto object = object_of(body);
  if (!object) return error_answer(object.error());
  const auto action = edit_action(text_of(*object, "action"));
  if (!action) return error_answer(400, "action: one of set, approve, unset");
  Expected<Edits> edits = Edits::open(archive.database());
  if (!edits) return error_answer(edits.error());
  // By number only: another photo's name may look like this number.
  const auto found = edits->photo_of(image_id);
  if (!found) return error_answer(found.error());
  if (!*found) return error_answer(404, "there is no such photo");
  NewEdit edit{**found, *action, ""};
  if (*action == EditAction::set) {
    auto caption = checked_caption(text_of(*object, "caption"));
    if (!caption) return error_answer(caption.error());
    edit.caption = std::move(*caption);
  } else if (*action == EditAction::approve) {
    const auto row = archive.read([&](Reader& reader) { return reader.store.image(image_id); });
    if (!row) return error_answer(row.error());
    if (!*row) return error_answer(404, "there is no such photo");
    const auto is = edits->now(std::span(&edit.photo, 1), (*row)->run);
    if (!is) return error_answer(is.error());
    if (!is->front().original) return error_answer(404, "the photo has no caption to approve");
    if (const auto& held = is->front().edit; held && held->caption != is->front().original)
      return error_answer(409, "it was edited by " + held->by + ": take the edit back first");
    edit.caption = *is->front().original;
  }
  if (Status added = edits->add(std::span(&edit, 1), options.edited_by); !added)
    return error_answer(added.error());
  return json_answer({{"done", true}});
}

http::Answer retry_photo(Archive& archive, const SiteOptions& options, std::int64_t image_id) {
  const auto row = archive.read([&](Reader& reader) { return reader.store.image(image_id); });
  if (!row) return error_answer(row.error());
  if (!*row) return error_answer(404, "there is no such photo");
  ControlRequest request;
  request.verb = ControlVerb::retry;
  request.run = (*row)->run;
  request.images = {image_id};
  return reply_answer(options.steer(request));
}

http::Answer steer_run(Archive& archive, const SiteOptions& options, RunId run,
                       const std::string& body) {
  const auto object = object_of(body);
  if (!object) return error_answer(object.error());
  auto request = request_of(*object);
  if (!request) return error_answer(request.error());
  const auto name = name_of(archive, run);
  if (!name) return error_answer(name.error());
  request->run = *name;
  return reply_answer(options.steer(*request));
}

http::Answer change_threshold(Archive& archive, const SiteOptions& options, RunId run,
                              const std::string& body) {
  const auto object = object_of(body);
  if (!object) return error_answer(object.error());
  const auto threshold = object->find("threshold");
  if (threshold == object->end() || !threshold->is_number() ||
      !std::isfinite(threshold->get<double>()) || threshold->get<double>() < 0) {
    return error_answer(400, "threshold: a number that is not negative");
  }
  const auto name = name_of(archive, run);
  if (!name) return error_answer(name.error());
  const Status judged = options.rejudge(*name, threshold->get<double>());
  if (!judged) return error_answer(judged.error());
  return json_answer({{"done", true}});
}

}  // namespace photoscribe::serve
