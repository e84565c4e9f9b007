#include "scheduler/store/settings.h"

#include <vector>

namespace photoscribe {
namespace {

std::string model_of(const RunSettings& s) {
  return (s.model_name.empty() ? "" : s.model_name + " ") + s.model_hash.substr(0, 12);
}

/// Calls `tell` with each setting that alters results and differs, as both have it.
template <class Tell>
void each_difference(RunSettings stored, RunSettings wanted, Tell tell) {
  const std::vector<SettingField> before = setting_fields(stored), after = setting_fields(wanted);
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (before[i].alters != Alters::nothing && !same_value(before[i], after[i]))
      tell(before[i], after[i]);
  }
}

}  // namespace

std::string to_json(const RunSettings& settings) {
  RunSettings shown = settings, defaults;
  return write_settings(setting_fields(shown), setting_fields(defaults), SettingForm::store);
}

Expected<RunSettings> parse_settings(std::string_view json) {
  return guard(Errc::store_failure, "read a run's settings", [&] {
    RunSettings settings;
    read_settings(json, setting_fields(settings), SettingForm::store);
    return settings;
  });
}

std::string result_altering_difference(const RunSettings& stored, const RunSettings& wanted) {
  std::string text;
  const auto add = [&text](const std::string& name, const std::string& was,
                           const std::string& now) {
    text.append(text.empty() ? "" : ", ").append(name).append(" ").append(was);
    text.append(" (now ").append(now).append(")");
  };
  each_difference(stored, wanted, [&](const SettingField& was, const SettingField& now) {
    if (was.key == "model_hash") {
      add("model", model_of(stored), model_of(wanted));
    } else {
      add(std::string(name_of(was)), to_text(was), to_text(now));
    }
  });
  return text;
}

bool same_results_alone(const RunSettings& a, const RunSettings& b) {
  bool same = true;
  each_difference(a, b, [&same](const SettingField& field, const SettingField& /*other*/) {
    same = same && field.alters == Alters::shared_results;
  });
  return same;
}

bool same_blur_sizes(const BlurSettings& a, const BlurSettings& b) noexcept {
  return a.normalised_side_px == b.normalised_side_px && a.tile_px == b.tile_px;
}

}  // namespace photoscribe
