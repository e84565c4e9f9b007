#include "common/core/config_fields.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <system_error>
#include <type_traits>

#include "common/core/device_list.h"

namespace photoscribe {
namespace {

std::string show_number(double value) {
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  return std::string(buffer, end);
}

template <class T>
std::string show_value(T value) {
  if constexpr (std::is_floating_point_v<T>) {
    return show_number(value);
  } else {
    return std::to_string(value);
  }
}

/// Reads the whole of `text` as a number between the bounds; else says what is wrong.
template <class T>
std::string read_number(const std::string& text, T low, T high, T& value) {
  T got{};
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, got);
  if (text.empty() || parsed.ec == std::errc::invalid_argument || parsed.ptr != end) {
    return "\"" + text + "\" is not " +
           (std::is_floating_point_v<T> ? "a number" : "a whole number");
  }
  if (parsed.ec == std::errc::result_out_of_range) return text + " is out of range";
  if (!(got >= low)) return text + " is below " + show_value(low);
  if (!(got <= high)) return text + " is above " + show_value(high);
  value = got;
  return {};
}

template <class T>
Field number(std::string key, T& field, T low, T high, std::string help) {
  return {std::move(key), std::move(help),
          [&field, low, high](const std::string& text) {
            return read_number<T>(text, low, high, field);
          },
          [&field] { return show_value(field); }};
}

/// A number that may be left to somebody else, which the file says by `word`.
template <class T>
Field choice(std::string key, std::optional<T>& field, T low, T high, std::string word,
             std::string help) {
  return {std::move(key), std::move(help),
          [&field, low, high, word](const std::string& text) -> std::string {
            if (text == word) {
              field.reset();
              return {};
            }
            T value{};
            std::string wrong = read_number<T>(text, low, high, value);
            if (wrong.empty()) {
              field = value;
            } else {
              wrong += " (or say " + word + ")";
            }
            return wrong;
          },
          [&field, word] { return field ? show_value(*field) : word; }};
}

/// Bytes: "3000000", "512MiB" or "2G" (of 1024); or "none".
Field size_or_none(std::string key, std::optional<std::int64_t>& field, std::string help) {
  const auto parse = [](const std::string& text) -> std::optional<std::int64_t> {
    std::int64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, wrong] = std::from_chars(text.data(), end, value);
    const std::string_view unit(stop, static_cast<std::size_t>(end - stop));
    if (wrong != std::errc{} || value < 1) return std::nullopt;
    if (unit.empty() || unit == "B") return value;
    static constexpr std::string_view kPowers = "KMGT";
    const auto power = kPowers.find(unit.front());
    const std::string_view rest = unit.substr(1);
    if (power == std::string_view::npos || !(rest.empty() || rest == "iB")) return std::nullopt;
    const int shift = 10 * (static_cast<int>(power) + 1);
    return value < (1LL << 50) >> shift ? std::optional(value << shift) : std::nullopt;
  };
  return {std::move(key), std::move(help),
          [&field, parse](const std::string& text) -> std::string {
            field = text == "none" ? std::nullopt : parse(text);
            if (text == "none" || field) return {};
            return "\"" + text + "\" is not a size: write bytes, 512MiB, 2GiB or none";
          },
          [&field] { return field ? std::to_string(*field) : std::string("none"); }};
}

std::string yaml_quoted(const std::string& text) {
  YAML::Emitter out;
  out << YAML::DoubleQuoted << text;
  return out.c_str();
}

Field text(std::string key, std::string& field, std::string help) {
  return {std::move(key), std::move(help),
          [&field](const std::string& given) {
            field = given;
            return std::string();
          },
          [&field] { return yaml_quoted(field); }};
}

/// One of a few words.
Field one_of(std::string key, std::string& field, std::vector<std::string> words,
             std::string help) {
  return {std::move(key), std::move(help),
          [&field, words = std::move(words)](const std::string& given) -> std::string {
            if (std::find(words.begin(), words.end(), given) == words.end()) {
              return fmt::format("\"{}\" is none of {}", given, fmt::join(words, ", "));
            }
            field = given;
            return {};
          },
          [&field] { return yaml_quoted(field); }};
}

/// "redis://user:secret@host": whatever holds a URL ends up in argv or logs, so it holds no secret.
std::string url_fault(const std::string& url) {
  if (url.empty()) return {};
  constexpr std::array<std::string_view, 5> kSchemes{"redis://", "rediss://", "redis+sentinel://",
                                                     "rediss+sentinel://", "unix:"};
  if (std::none_of(kSchemes.begin(), kSchemes.end(),
                   [&url](std::string_view scheme) { return url.starts_with(scheme); })) {
    const bool secret = url.find('@') != std::string::npos;  // what stands before it may be one
    return (secret ? std::string("this") : "\"" + url + "\"") +
           " is no address of a Redis: redis://HOST:PORT, rediss://HOST:PORT, "
           "redis+sentinel://HOST,HOST/SERVICE or "
           "unix:PATH";
  }
  const auto start = url.find("://");
  if (start == std::string::npos) return {};
  const std::string authority = url.substr(start + 3, url.find('/', start + 3) - start - 3);
  const auto at = authority.rfind('@');
  if (at != std::string::npos && authority.substr(0, at).find(':') != std::string::npos) {
    return "a password in an address can be read by every user of this machine; put it into "
           "PHOTOSCRIBE_REDIS_PASSWORD, or into a file that PHOTOSCRIBE_REDIS_PASSWORD_FILE or "
           "redis.password_file names, and write the address without it";
  }
  return {};
}

Field redis_url(std::string key, std::string& field, std::string help) {
  Field out = text(std::move(key), field, std::move(help));
  out.set = [&field](const std::string& given) {
    std::string wrong = url_fault(given);
    if (wrong.empty()) field = given;
    return wrong;
  };
  return out;
}

Field device_list(std::string key, std::string& field, std::string help) {
  Field out = text(std::move(key), field, std::move(help));
  out.set = [&field](const std::string& given) {
    const auto devices = parse_device_list(given);
    if (!devices) return devices.error().message;
    field = given;
    return std::string();
  };
  return out;
}

Field day_window(std::string key, std::string& field, std::string help) {
  Field out = text(std::move(key), field, std::move(help));
  out.set = [&field](const std::string& given) {
    const auto window = parse_day_window(given);
    if (!given.empty() && !window) return window.error().message;
    field = given;
    return std::string();
  };
  return out;
}

Field yes_or_no(std::string key, bool& field, std::string help) {
  return {std::move(key), std::move(help),
          [&field](const std::string& given) -> std::string {
            if (given != "true" && given != "false")
              return "\"" + given + "\" is neither true nor false";
            field = given == "true";
            return {};
          },
          [&field] { return std::string(field ? "true" : "false"); }};
}

Field blur_mode(std::string key, BlurMode& field, std::string help) {
  return {std::move(key), std::move(help),
          [&field](const std::string& given) -> std::string {
            const Expected<BlurMode> mode = blur_mode_from_string(given);
            if (!mode) return mode.error().message;
            field = *mode;
            return {};
          },
          [&field] { return std::string(to_string(field)); }};
}

/// A setting of a run as the configuration has it: by its type.
Field field_of(const SettingField& setting) {
  const std::string key(setting.config_key.empty() ? setting.key : setting.config_key);
  const std::string help(setting.help);
  return std::visit(
      [&](auto* value) -> Field {
        using T = std::remove_pointer_t<decltype(value)>;
        if constexpr (std::is_same_v<T, BlurMode>) {
          return blur_mode(key, *value, help);
        } else if constexpr (std::is_same_v<T, bool>) {
          return yes_or_no(key, *value, help);
        } else if constexpr (std::is_same_v<T, std::string>) {
          return text(key, *value, help);
        } else if constexpr (std::is_arithmetic_v<T>) {
          return number<T>(key, *value, static_cast<T>(setting.low), static_cast<T>(setting.high),
                           help);
        } else {
          assert(!"a type that the configuration does not know");
          return {};
        }
      },
      setting.value);
}

/// The same of one that is the model's unless somebody gives it.
Field or_of_model(Field field, std::string key, std::set<std::string>& of_model) {
  field.set = [set = field.set, key, &of_model](const std::string& text) -> std::string {
    of_model.insert(key);
    if (text == "model") return {};
    std::string wrong = set(text);
    if (!wrong.empty()) return wrong + ", or \"model\" for the model's own";
    of_model.erase(key);
    return {};
  };
  field.show = [show = field.show, key, &of_model] {
    return of_model.contains(key) ? std::string("model") : show();
  };
  return field;
}

/// Settings of a run, of `reuse` or of all other sections.
void add_run_settings(Config& c, bool of_reuse, std::vector<Field>& fields) {
  for (const SettingField& setting : setting_fields(c.settings)) {
    if (setting.help.empty() || setting.config_key.starts_with("reuse.") != of_reuse) continue;
    Field field = field_of(setting);
    if (setting.by_default == Default::of_model)
      field = or_of_model(std::move(field), std::string(setting.key), c.of_model);
    fields.push_back(std::move(field));
  }
}

std::vector<Field> machine_fields(Config& c) {
  return {
      choice("worker.count", c.worker.count, 0, 1'000, "auto",
             "worker processes on this machine; auto: one per GPU, else one; 0: only remote ones"),
      device_list("worker.devices", c.worker.devices, "auto, cpu, or a list such as cuda:0,cuda:1"),
      choice("worker.batch", c.worker.batch, 1, 65'536, "auto", "photos per call of the network"),
      choice("worker.threads", c.worker.threads, 1, 1'024, "auto", "CPU threads per worker"),
      one_of("worker.precision", c.worker.precision, {"auto", "float32", "bfloat16", "int8"},
             "numbers that a CPU multiplies: auto takes the faster of those it has"),
      size_or_none("worker.memory_max", c.worker.memory_max,
                   "memory a worker may use, such as 2GiB, before it is replaced"),
      text("worker.executable", c.worker.executable,
           "photoscribe-worker; empty: the one beside photoscribe"),
      redis_url("redis.url", c.redis.url,
                "redis://HOST:PORT, rediss://…, redis+sentinel://HOST,HOST/SERVICE or unix:PATH; "
                "empty: a private server per run"),
      text("redis.password_file", c.redis.password_file,
           "a file that holds the server's password and nothing else"),
      text("redis.server_executable", c.redis.server_executable, "for the private server"),
      number<std::int64_t>("queue.window", c.queue.window, 1, 100'000'000,
                           "tasks in Redis that are not yet recorded, at most"),
  };
}

std::vector<Field> schedule_fields(RunSchedule& s) {
  return {
      number("schedule.rate_per_s", s.rate_per_s, 0.0, 1e9,
             "most photos started per second, by all workers together; 0: as fast as they go"),
      day_window("schedule.between", s.between,
                 "hours of the day in local time, such as 22:00-06:00; empty: always"),
      number("schedule.weight", s.weight, 1, 1'000,
             "the run's share of the workers, relative to other runs on the same Redis"),
      number("schedule.priority", s.priority, -1'000, 1'000,
             "workers serve a run of lower priority only while higher ones have no work"),
      text("schedule.on_finish", s.on_finish,
           "a command (no shell), or http(s)://… that gets a POST, when a run ends"),
  };
}

}  // namespace

std::vector<Field> config_fields(Config& c) {
  std::vector<Field> fields{
      text("database", c.database, "the SQLite file that photos, captions and verdicts go to"),
      text("model", c.model, "a model's folder; empty: the one that came with photoscribe"),
      text("state_folder", c.state_folder, "workers' logs and process ids; empty: DATABASE.state"),
  };
  add_run_settings(c, false, fields);
  for (const SettingField& setting : lease_fields(c.lease)) fields.push_back(field_of(setting));
  for (Field& field : machine_fields(c)) fields.push_back(std::move(field));
  for (const SettingField& setting : remote_fields(c.remote)) fields.push_back(field_of(setting));
  fields.push_back(number("watch.rescan_s", c.watch_rescan_s, 1, 86'400,
                          "seconds after which a run that watches folders also walks them"));
  add_run_settings(c, true, fields);
  fields.push_back(
      number<std::int64_t>("reuse.remembered_max", c.reuse.remembered_max, 0, 100'000'000,
                           "results of each run kept in Redis for photos with the same bytes, "
                           "about 250 bytes each, 500 with concepts; 0: none"));
  for (Field& field : schedule_fields(c.schedule)) fields.push_back(std::move(field));
  return fields;
}

}  // namespace photoscribe
