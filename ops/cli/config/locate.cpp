#include "ops/cli/config/locate.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "common/text/safe_text.h"

namespace photoscribe::cli {
namespace fs = std::filesystem;

Expected<std::string> executable_folder() {
  std::error_code failed;
  const fs::path self = fs::read_symlink("/proc/self/exe", failed);
  if (failed) return fail(Errc::environment, "/proc/self/exe: " + failed.message());
  return self.parent_path().string();
}

Expected<std::string> find_model_folder(const Config& config) {
  std::error_code ignored;
  const std::string name = config.model.empty() ? "fast" : config.model;
  if (name != "fast" && name != "best") {
    if (fs::is_regular_file(fs::path(config.model) / "model.yaml", ignored)) return config.model;
    return fail(Errc::environment,
                shown(config.model) +
                    ": no model here (no model.yaml); a model is a folder with model.yaml, "
                    "vocab.txt and weights.safetensors");
  }
  const Expected<std::string> folder = executable_folder();
  if (!folder) return folder;
  const std::vector<fs::path> candidates{
      fs::path(*folder) / "../share/photoscribe/models" / name,
      fs::path(*folder) / "../../../models" / name,
  };
  std::string looked;
  for (const fs::path& candidate : candidates) {
    const fs::path place = candidate.lexically_normal();
    if (fs::is_regular_file(place / "model.yaml", ignored)) return place.string();
    looked += (looked.empty() ? "" : " and ") + shown(place.string());
  }
  return fail(Errc::environment, "no model '" + name + "': looked in " + looked +
                                     "; name a folder with --model FOLDER or PHOTOSCRIBE_MODEL, or "
                                     "train one with photoscribe-train fit");
}

Expected<std::string> find_worker(const Config& config) {
  std::string worker = config.worker.executable;
  if (worker.empty()) {
    const Expected<std::string> folder = executable_folder();
    if (!folder) return folder;
    worker = *folder + "/photoscribe-worker";
  }
  if (access(worker.c_str(), X_OK) == 0) return worker;
  return fail(Errc::environment, shown(worker) +
                                     ": no worker here; build it (ops/setup) or name it with "
                                     "PHOTOSCRIBE_WORKER_EXECUTABLE or worker.executable");
}

std::vector<std::string> thumbnails_command(const std::string& worker, const Config& config) {
  std::vector<std::string> words = decoding_command(worker, "thumbnails", config.settings.limits);
  RemoteSettings remote = config.remote;  // nobody looks at a page for a minute
  remote.retries = std::min(remote.retries, 1);
  remote.connect_timeout_s = std::min(remote.connect_timeout_s, 5);
  remote.photo_timeout_s = std::min(remote.photo_timeout_s, 20);
  words.insert(words.end(), {"--remote", to_json(remote)});
  return words;
}

std::vector<std::string> decoding_command(const std::string& worker, const std::string& verb,
                                          const DecodeLimits& limits) {
  return {worker,
          verb,
          "--pixels-max",
          std::to_string(limits.pixels_max),
          "--file-bytes-max",
          std::to_string(limits.file_bytes_max)};
}

}  // namespace photoscribe::cli
