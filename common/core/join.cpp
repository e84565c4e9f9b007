#include "common/core/join.h"

namespace photoscribe {

std::optional<std::string> why_not_join(const RunSpec& spec, const WorkerReport& worker) {
  const auto differs = [](const std::string& what, int theirs, int ours) {
    return "the run has " + what + " " + std::to_string(theirs) + ", this worker " +
           std::to_string(ours) + "; use scheduler and workers of one release";
  };
  if (spec.protocol_version != worker.protocol_version) {
    return differs("protocol version", spec.protocol_version, worker.protocol_version);
  }
  if (spec.settings.preprocessing_version != worker.preprocessing_version) {
    return differs("preprocessing version", spec.settings.preprocessing_version,
                   worker.preprocessing_version);
  }
  if (spec.settings.model_hash != worker.model_hash) {
    return "the run asks for the model " + short_hash(spec.settings.model_hash) +
           ", this worker has " + (worker.model_name.empty() ? "" : worker.model_name + " ") +
           short_hash(worker.model_hash) + "; start it with --model and that model's folder";
  }
  for (const auto& name : spec.roots) {
    if (!worker.roots.contains(name)) {
      return "the run's photos lie under the root '" + name +
             "', which this worker does not know; start it with --root " + name + "=FOLDER";
    }
  }
  return std::nullopt;
}

}  // namespace photoscribe
