#include "ops/cli/config/settings.h"

#include <unistd.h>

#include <cstdlib>

#include "common/text/safe_text.h"
#include "ops/cli/terminal/terminal.h"

namespace photoscribe::cli {

Settings::Settings(CLI::App& verb) : verb_(verb) {
  verb.add_option("--config", file_, "YAML file of settings (default: $PHOTOSCRIBE_CONFIG)")
      ->type_name("FILE")
      ->group("Settings");
}

CLI::Option* Settings::flag(const std::string& names, const std::string& key,
                            const std::string& value_name, const std::string& help) {
  Given& given = given_.emplace_back();
  given.flag.key = key;
  given.flag.flag = names.substr(names.find("--"));
  given.option = verb_.add_option(names, given.flag.value, help);
  return given.option->type_name(value_name);
}

CLI::Option* Settings::bare_flag(const std::string& name, const std::string& key,
                                 const std::string& help) {
  Given& given = given_.emplace_back();
  given.flag.key = key;
  given.flag.flag = name;
  given.flag.value = "true";
  given.option = verb_.add_flag(name, help);
  return given.option;
}

void Settings::remote_flags() {
  const std::string group = "Photos of web servers and S3";
  bare_flag("--allow-private", "remote.allow_private",
            "fetch from loopback, private and link-local addresses, too (default: refused, since\n"
            "a list of URLs may be a stranger's)")
      ->group(group);
  flag("--ca-file", "remote.ca_file", "PEM",
       "certificates that servers are checked against (default: the system's)")
      ->group(group);
  flag(
      "--credentials-file", "remote.credentials_file", "FILE",
      "S3 keys in AWS's format, which nobody else may read (default: AWS_ACCESS_KEY_ID and so on,\n"
      "else ~/.aws/credentials); AWS_REGION and AWS_ENDPOINT_URL are also used")
      ->group(group);
}

CLI::Option* Settings::positional(const std::string& name, const std::string& key,
                                  const std::string& value_name, const std::string& help) {
  Given& given = given_.emplace_back();
  given.flag.key = key;
  given.flag.flag = value_name;
  given.option = verb_.add_option(name, given.flag.value, help);
  return given.option->type_name(value_name);
}

Expected<LoadedConfig> Settings::load() const {
  std::string file = file_;
  if (const char* const named = std::getenv("PHOTOSCRIBE_CONFIG");
      file.empty() && named != nullptr) {
    file = named;
  }
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) environment.emplace_back(*entry);
  std::vector<ConfigFlag> flags;
  for (const Given& given : given_) {
    if (given.option->count() > 0) flags.push_back(given.flag);
  }
  Expected<LoadedConfig> loaded = load_config(file, environment, flags);
  if (!loaded) return loaded;
  for (const std::string& warning : loaded->warnings) {
    write_all(STDERR_FILENO, "warning: " + shown(warning) + "\n");
  }
  if (!loaded->config.redis.password_file.empty()) {
    setenv("PHOTOSCRIBE_REDIS_PASSWORD_FILE", loaded->config.redis.password_file.c_str(), 1);
  }
  return loaded;
}

}  // namespace photoscribe::cli
