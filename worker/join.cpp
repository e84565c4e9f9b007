#include "worker/join.h"

namespace photoscribe {

std::optional<std::string> why_not_join(const RunSpec& spec, const std::string& model_hash,
                                        const Roots& roots) {
  const auto differs = [](const std::string& what, int theirs, int ours) {
    return "the run has " + what + " " + std::to_string(theirs) + ", this worker " +
           std::to_string(ours) + "; use scheduler and workers of one release";
  };
  if (spec.protocol_version != kProtocolVersion) {
    return differs("protocol version", spec.protocol_version, kProtocolVersion);
  }
  if (spec.preprocessing_version != kPreprocessingVersion) {
    return differs("preprocessing version", spec.preprocessing_version, kPreprocessingVersion);
  }
  if (spec.model_hash != model_hash) {
    return "the run asks for the model " + spec.model_hash + ", this worker has " + model_hash +
           "; start it with --model and that model's folder";
  }
  for (const auto& name : spec.roots) {
    if (!roots.contains(name)) {
      return "the run's photos lie under the root '" + name +
             "', which this worker does not know; start it with --root " + name + "=FOLDER";
    }
  }
  return std::nullopt;
}

}  // namespace photoscribe
