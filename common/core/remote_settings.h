// remote_settings: how photos are fetched from web servers and from S3. Of a machine, not of a run:
// each worker has its own, and the scheduler uses them to list buckets.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/core/error.h"
#include "common/core/setting_field.h"

namespace photoscribe {

struct RemoteSettings {
  int connections = 16;          // requests to one host at a time, by each worker
  double rate_per_s = 0;         // requests started to one host, by each worker; 0: no limit
  int retries = 4;               // of a photo whose server fails, cuts or stalls
  int connect_timeout_s = 10;    // name, connection and TLS together
  int stall_timeout_s = 10;      // a transfer below 1 KiB/s for so long is broken off
  int photo_timeout_s = 60;      // one photo with all of its retries
  bool allow_private = false;    // loopback, private and link-local addresses, too
  std::string ca_file;           // PEM; empty: the system's
  std::string credentials_file;  // of AWS' form; empty: the environment, else ~/.aws/credentials
  bool operator==(const RemoteSettings&) const = default;
};

/// Part of the configuration's table. They point into `settings`, which must outlive them.
[[nodiscard]] std::vector<SettingField> remote_fields(RemoteSettings& settings);

/// What a worker gets on its command line. No secret is in it.
[[nodiscard]] std::string to_json(const RemoteSettings& settings);
/// Fails with usage on what is unknown, missing or out of range.
[[nodiscard]] Expected<RemoteSettings> parse_remote_settings(std::string_view json);

}  // namespace photoscribe
