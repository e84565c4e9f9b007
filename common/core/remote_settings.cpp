#include "common/core/remote_settings.h"

namespace photoscribe {

std::vector<SettingField> remote_fields(RemoteSettings& s) {
  constexpr double kPathMax = 4096;
  return {
      {"remote.connections", &s.connections, 1, 1'000,
       "photos fetched from one web server at a time, by each worker"},
      {"remote.rate_per_s", &s.rate_per_s, 0, 1e6,
       "requests per second to one web server, by each worker; 0: as fast as it answers"},
      {"remote.retries", &s.retries, 0, 20,
       "tries more of a photo whose server fails, cuts the connection or stalls"},
      {"remote.connect_timeout_s", &s.connect_timeout_s, 1, 600,
       "seconds for name, connection and TLS"},
      {"remote.stall_timeout_s", &s.stall_timeout_s, 1, 600,
       "a transfer below 1 KiB/s for so many seconds is broken off"},
      {"remote.photo_timeout_s", &s.photo_timeout_s, 1, 3'600,
       "seconds for one photo with all of its retries; past it: too_slow"},
      {"remote.allow_private", &s.allow_private, 0, 0,
       "fetch from loopback, private and link-local addresses, too"},
      {"remote.ca_file", &s.ca_file, 0, kPathMax,
       "certificates (PEM) that servers are checked against; empty: the system's"},
      {"remote.credentials_file", &s.credentials_file, 0, kPathMax,
       "of S3, in AWS' form and readable by its owner alone; empty: AWS_ACCESS_KEY_ID and its "
       "kin, else ~/.aws/credentials"},
  };
}

std::string to_json(const RemoteSettings& settings) {
  RemoteSettings shown = settings, defaults;
  return write_settings(remote_fields(shown), remote_fields(defaults), SettingForm::spec);
}

Expected<RemoteSettings> parse_remote_settings(std::string_view json) {
  return guard(Errc::usage, "settings of remote photos", [&] {
    RemoteSettings settings;
    read_settings(json, remote_fields(settings), SettingForm::spec);
    return settings;
  });
}

}  // namespace photoscribe
