// locate: where the other parts of an installation lie: the worker beside this executable, the
// model in the source tree or in share/.
#pragma once

#include <string>
#include <vector>

#include "common/core/config.h"
#include "common/core/error.h"

namespace photoscribe::cli {

/// The folder of the running executable, links resolved. Fails with environment.
[[nodiscard]] Expected<std::string> executable_folder();

/// The model's folder: config.model, unless that is empty or the name of a model that came along,
/// "fast" (what empty means) or "best". Those lie in ../share/photoscribe/models (installed) or in
/// models of the source tree that the executable was built in. Fails with environment, naming the
/// places that were searched and the fix.
[[nodiscard]] Expected<std::string> find_model_folder(const Config& config);

/// photoscribe-worker: config.worker.executable, else the one beside this executable.
[[nodiscard]] Expected<std::string> find_worker(const Config& config);

/// The first words of the command line `WORKER VERB …` for a verb that decodes files (blur,
/// thumbnails): with the limits of the configuration, which the worker does not read itself.
[[nodiscard]] std::vector<std::string> decoding_command(const std::string& worker,
                                                        const std::string& verb,
                                                        const DecodeLimits& limits);

/// The same for its verb `thumbnails`, with how photos of servers are fetched: by a run's rules,
/// but with less patience.
[[nodiscard]] std::vector<std::string> thumbnails_command(const std::string& worker,
                                                          const Config& config);

}  // namespace photoscribe::cli
