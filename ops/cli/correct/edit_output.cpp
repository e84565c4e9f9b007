#include "ops/cli/correct/edit_output.h"

#include "common/text/human_numbers.h"
#include "common/text/safe_text.h"

namespace photoscribe::cli {

using nlohmann::ordered_json;

ordered_json text_or_null(const std::optional<std::string>& text) {
  return text ? ordered_json(replaced(*text)) : ordered_json();
}

std::string shown_or(const std::optional<std::string>& caption, const char* fallback) {
  return caption ? shown(*caption) : std::string(fallback);
}

ordered_json change_json(const FixChange& change) {
  const NewEdit& edit = change.edit;
  return {{"uri", replaced(edit.photo.uri)},
          {"action", to_string(edit.action)},
          {"before", text_or_null(change.before)},
          {"caption", edit.action == EditAction::unset ? ordered_json()
                                                       : ordered_json(replaced(edit.caption))}};
}

std::string change_text(const FixChange& change) {
  const NewEdit& edit = change.edit;
  if (edit.action == EditAction::approve) {
    return shown(edit.photo.uri) + "\n  right: " + shown(edit.caption) + "\n";
  }
  const std::string now =
      edit.action == EditAction::unset ? "the model's own" : shown(edit.caption);
  return shown(edit.photo.uri) + "\n  was: " + shown_or(change.before, "no caption shown") +
         "\n  now: " + now + "\n";
}

std::string edit_line(const EditRow& row) {
  std::string what = to_string(row.action);
  if (row.undoes) what = "undo " + std::to_string(*row.undoes);
  return std::to_string(row.edit_id) + "  " + time_text(row.at_unix_ms) + "  " + shown(row.by) +
         "  " + what + "  " + shown(row.uri) + ": " + shown_or(row.caption, "the model's own") +
         "\n";
}

ordered_json edit_json(const EditRow& row) {
  return {{"edit", row.edit_id},
          {"uri", replaced(row.uri)},
          {"action", to_string(row.action)},
          {"caption", text_or_null(row.caption)},
          {"by", replaced(row.by)},
          {"at", iso_time_of(row.at_unix_ms)},
          {"undoes", row.undoes ? ordered_json(*row.undoes) : ordered_json()}};
}

}  // namespace photoscribe::cli
