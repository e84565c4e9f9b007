// locate: where the other parts of an installation are: the worker beside this executable, the
// model in the source tree or in share/.
#pragma once

#include <string>
#include <vector>

#include "common/core/config.h"
#include "common/core/error.h"

namespace photoscribe::cli {

/// The folder of the running executable, links resolved. Fails with environment.
[[nodiscard]] Expected<std::string> executable_folder();

/// The model's folder: config.model, unless that is empty or the name of a bundled model, "fast"
/// (the default) or "best". Those are in ../share/photoscribe/models (installed) or in models of
/// the source tree that the executable was built in. Fails with environment, naming the places that
/// were searched and the fix.
[[nodiscard]] Expected<std::string> find_model_folder(const Config& config);

/// photoscribe-worker: config.worker.executable, else the one beside this executable.
[[nodiscard]] Expected<std::string> find_worker(const Config& config);

/// The beginning of the command line `WORKER VERB …` for a verb that decodes files (blur,
/// thumbnails): with the limits of the configuration, which the worker does not read itself.
[[nodiscard]] std::vector<std::string> decoding_command(const std::string& worker,
                                                        const std::string& verb,
                                                        const DecodeLimits& limits);

/// The same for its verb `thumbnails`, with the rules of a run for fetching photos from servers,
/// but shorter timeouts.
[[nodiscard]] std::vector<std::string> thumbnails_command(const std::string& worker,
                                                          const Config& config);

}  // namespace photoscribe::cli
