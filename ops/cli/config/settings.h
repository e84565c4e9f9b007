// settings: the flags of a verb that stand for fields of the configuration.
//
// A verb declares its flags and the key that each one sets; bounds, environment and file come from
// common/core/config, so `--beam 99` and `search.beam: 99` are refused with the same message.
#pragma once

#include <CLI/CLI.hpp>
#include <list>
#include <string>

#include "common/core/config.h"

namespace photoscribe::cli {

/// Help of every --redis.
inline constexpr const char* kRedisHelp =
    "redis://HOST:PORT, rediss://…, redis+sentinel://HOST,HOST/SERVICE or unix:PATH;\n"
    "its password: PHOTOSCRIBE_REDIS_PASSWORD or PHOTOSCRIBE_REDIS_PASSWORD_FILE";

class Settings {
 public:
  /// Adds --config FILE to the verb. Must outlive the parse.
  explicit Settings(CLI::App& verb);
  Settings(const Settings&) = delete;
  Settings& operator=(const Settings&) = delete;

  /// A flag with a value that sets `key`. `names`: "--beam" or "-o,--output".
  CLI::Option* flag(const std::string& names, const std::string& key, const std::string& value_name,
                    const std::string& help);

  /// A flag without a value that sets `key` to true.
  CLI::Option* bare_flag(const std::string& name, const std::string& key, const std::string& help);

  /// The flags for photos on web servers and S3.
  void remote_flags();

  /// A positional argument that sets `key`; `name` is for messages.
  CLI::Option* positional(const std::string& name, const std::string& key,
                          const std::string& value_name, const std::string& help);

  /// After the parse: the whole configuration; warnings go to standard error. The file is --config,
  /// else $PHOTOSCRIBE_CONFIG, else none. A password file that the configuration names is put into
  /// the environment, where this process and its workers look for it.
  [[nodiscard]] Expected<LoadedConfig> load() const;

 private:
  struct Given {
    ConfigFlag flag;
    CLI::Option* option = nullptr;
  };
  CLI::App& verb_;
  std::string file_;
  std::list<Given> given_;  // CLI11 keeps pointers to the values
};

}  // namespace photoscribe::cli
