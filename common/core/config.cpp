#include "common/core/config.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <set>
#include <stdexcept>
#include <utility>

#include "common/core/config_fields.h"
#include "common/core/yaml_file.h"
#include "common/text/did_you_mean.h"

namespace photoscribe {
namespace {

constexpr std::string_view kPrefix = "PHOTOSCRIBE_";
/// What on_finish commands are told, should one of them be photoscribe.
constexpr std::string_view kFacts = "PHOTOSCRIBE_RUN_";
/// Read elsewhere: secrets, the file's own name, and what only tests look at.
constexpr std::string_view kOtherVariables[] = {
    "PHOTOSCRIBE_CONFIG", "PHOTOSCRIBE_SENTINEL_PASSWORD", "PHOTOSCRIBE_SENTINEL_PASSWORD_FILE",
    "PHOTOSCRIBE_REDIS_PASSWORD", "PHOTOSCRIBE_REQUIRE_REDIS"};

/// What only makes sense together; empty when all is well.
std::string contradiction(const Config& c) {
  if (c.lease.beat_ms * 3LL > c.lease.lease_ms) {
    return "lease.beat_ms: " + std::to_string(c.lease.beat_ms) +
           " is more than a third of lease.lease_ms (" + std::to_string(c.lease.lease_ms) +
           "), so one late heartbeat would look like a dead worker";
  }
  if (c.database.empty()) return "database: the name is empty";
  return {};
}

class Loader {
 public:
  Loader() : fields_(config_fields(loaded_.config)) {}
  Loader(const Loader&) = delete;  // the fields point into loaded_
  Loader& operator=(const Loader&) = delete;

  /// Throws YAML::Exception or runtime_error with the place in front; load_config guards.
  void read_file(const std::string& file) {
    file_ = file;
    const YAML::Node document = load_yaml(file);
    if (document.IsNull()) return;
    read_map(document, "");
  }

  void read_environment(const std::vector<std::string>& environment) {
    std::vector<std::string> names;
    for (const Field& field : fields_) names.push_back(environment_name(field.key));
    for (const std::string& entry : environment) {
      if (!entry.starts_with(kPrefix)) continue;
      const auto equals = entry.find('=');
      if (equals == std::string::npos) continue;
      const std::string name = entry.substr(0, equals);
      const auto at = std::find(names.begin(), names.end(), name);
      if (at == names.end()) {
        if (name.starts_with(kFacts)) continue;
        if (std::find(std::begin(kOtherVariables), std::end(kOtherVariables), name) ==
            std::end(kOtherVariables)) {
          loaded_.warnings.push_back("environment: nothing reads " + name +
                                     did_you_mean(name, names));
        }
        continue;
      }
      const Field& field = fields_[static_cast<std::size_t>(at - names.begin())];
      if (const std::string wrong = field.set(entry.substr(equals + 1)); !wrong.empty()) {
        throw std::runtime_error("environment: " + name + ": " + wrong);
      }
      loaded_.origins[field.key] = name;
    }
  }

  /// What is wrong with the flag, or nothing.
  std::string read_flag(const ConfigFlag& flag) {
    const Field* const field = find(flag.key);
    if (field == nullptr) return flag.flag + ": unknown setting " + flag.key;
    if (const std::string wrong = field->set(flag.value); !wrong.empty()) {
      return flag.flag + ": " + wrong;
    }
    loaded_.origins[flag.key] = flag.flag;
    return {};
  }

  /// Modes have scales of their own, and so has the threshold that nobody gave.
  void choose_threshold() {
    BlurSettings& blur = loaded_.config.settings.blur;
    if (!loaded_.origins.contains("blur.blur_threshold"))
      blur.blur_threshold = default_blur_threshold(blur.mode);
  }

  [[nodiscard]] const LoadedConfig& loaded() const { return loaded_; }

 private:
  [[nodiscard]] const Field* find(const std::string& key) const {
    const auto at = std::find_if(fields_.begin(), fields_.end(),
                                 [&](const Field& field) { return field.key == key; });
    return at == fields_.end() ? nullptr : &*at;
  }

  [[noreturn]] void bad(const YAML::Mark& mark, const std::string& what) const {
    throw std::runtime_error(file_ + ":" + std::to_string(mark.line + 1) + ": " + what);
  }

  void read_map(const YAML::Node& map, const std::string& section) {
    if (!map.IsMap()) {
      bad(map.Mark(),
          (section.empty() ? std::string("the file") : section) + " must hold `name: value` lines");
    }
    std::set<std::string> seen;
    for (const auto& item : map) {
      if (!item.first.IsScalar()) bad(item.first.Mark(), "a name must be plain text");
      const std::string& name = item.first.Scalar();
      const std::string key = section.empty() ? name : section + "." + name;
      if (!seen.insert(name).second) bad(item.first.Mark(), key + " is set a second time");
      read_item(item.first.Mark(), key, item.second, section.empty());
    }
  }

  void read_item(const YAML::Mark& mark, const std::string& key, const YAML::Node& value,
                 bool top) {
    const Field* const field = find(key);
    if (field == nullptr && top && is_section(key)) {
      if (!value.IsNull()) read_map(value, key);
      return;
    }
    if (field == nullptr) bad(mark, "unknown key " + key + did_you_mean(key, names_like(key)));
    if (!value.IsScalar()) bad(mark, key + ": a single value is expected here");
    if (const std::string wrong = field->set(value.Scalar()); !wrong.empty()) {
      bad(value.Mark(), key + ": " + wrong);
    }
    loaded_.origins[key] = file_ + ":" + std::to_string(mark.line + 1);
  }

  [[nodiscard]] bool is_section(const std::string& name) const {
    return std::any_of(fields_.begin(), fields_.end(),
                       [&](const Field& field) { return field.key.starts_with(name + "."); });
  }

  /// The keys and sections that a misspelt key could mean.
  [[nodiscard]] std::vector<std::string> names_like(const std::string& key) const {
    std::vector<std::string> names;
    for (const Field& field : fields_) {
      names.push_back(field.key);
      const auto dot = field.key.find('.');
      if (dot != std::string::npos && key.find('.') == std::string::npos) {
        names.push_back(field.key.substr(0, dot));
      }
    }
    return names;
  }

  LoadedConfig loaded_;
  std::vector<Field> fields_;
  std::string file_;
};

}  // namespace

std::string environment_name(std::string_view key) {
  std::string name(key);
  const auto dot = name.find('.');
  if (dot != std::string::npos && name.compare(dot + 1, dot + 1, name.substr(0, dot) + "_") == 0) {
    name.erase(0, dot + 1);
  }
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    return c == '.' ? '_' : (c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
  });
  return std::string(kPrefix) + name;
}

std::vector<std::string> config_keys() {
  Config config;
  std::vector<std::string> keys;
  for (Field& field : config_fields(config)) keys.push_back(std::move(field.key));
  return keys;
}

Expected<LoadedConfig> load_config(const std::string& file,
                                   const std::vector<std::string>& environment,
                                   const std::vector<ConfigFlag>& flags) {
  Loader loader;
  try {
    if (!file.empty()) loader.read_file(file);
    loader.read_environment(environment);
  } catch (const YAML::Exception& e) {
    return fail(Errc::invalid_config,
                file + ":" + std::to_string(e.mark.line + 1) + ": not YAML: " + e.msg);
  } catch (const std::runtime_error& e) {
    return fail(Errc::invalid_config, e.what());
  }
  for (const ConfigFlag& flag : flags) {
    if (std::string wrong = loader.read_flag(flag); !wrong.empty()) {
      return fail(Errc::usage, std::move(wrong));
    }
  }
  loader.choose_threshold();
  if (std::string wrong = contradiction(loader.loaded().config); !wrong.empty()) {
    return fail(Errc::invalid_config, std::move(wrong));
  }
  return loader.loaded();
}

std::string to_yaml(const LoadedConfig& loaded) {
  Config config = loaded.config;
  std::string out =
      "# Settings of photoscribe: flags win over the environment (PHOTOSCRIBE_…), that over this "
      "file,\n# and this file over the defaults. `photoscribe config show` prints what is in "
      "effect.\n";
  std::string section;
  for (const Field& field : config_fields(config)) {
    const auto dot = field.key.find('.');
    std::string indent;
    if (dot != std::string::npos) {
      indent = "  ";
      if (field.key.substr(0, dot) != section) {
        section = field.key.substr(0, dot);
        out += "\n" + section + ":\n";
      }
    }
    out += indent + "# " + field.help + "\n";
    out += indent + (dot == std::string::npos ? field.key : field.key.substr(dot + 1)) + ": " +
           field.show();
    if (const auto origin = loaded.origins.find(field.key); origin != loaded.origins.end()) {
      out += "  # from " + origin->second;
    }
    out += "\n";
  }
  return out;
}

std::set<std::string> settings_of_model() {
  RunSettings any;
  std::set<std::string> keys;
  for (const SettingField& field : setting_fields(any)) {
    if (field.by_default == Default::of_model) keys.emplace(field.key);
  }
  return keys;
}

RunSettings settings_for(const Config& config, const ModelFolder& model, std::string model_name) {
  RunSettings chosen = config.settings;
  chosen.model_hash = model.hash;
  chosen.model_name = std::move(model_name);
  RunSettings own;
  own.search = model.search;
  own.confidence = model.confidence;
  own.min_confidence = model.confidence ? model.confidence->min : 0;
  const std::vector<SettingField> from = setting_fields(own), to = setting_fields(chosen);
  for (std::size_t i = 0; i < to.size(); ++i) {
    if (config.of_model.contains(std::string(to[i].key))) copy_value(from[i], to[i]);
  }
  return chosen;
}

}  // namespace photoscribe
