// verb_options: what the verbs of photoscribe-train share. Private to models/train.
#pragma once

#include <string>
#include <vector>

#include "common/core/error.h"
#include "models/format/precision.h"

namespace CLI {
class App;
}

namespace photoscribe {

struct CaptionSources;

/// --photos, --captions and --skip-missing.
void add_sources(CLI::App& verb, CaptionSources& sources);

/// --threads, for LibTorch's pool.
void add_threads(CLI::App& verb, int& threads);
/// `choices`: names of Precision.
void add_precision(CLI::App& verb, Precision& precision, const std::vector<std::string>& choices);
/// Applies --threads; 0 leaves the default.
void use_threads(int threads);

void add_fit_encoder(CLI::App& app, const std::string& command, Status& status);
void add_replace_encoder(CLI::App& app, const std::string& command, Status& status);
void add_label(CLI::App& app, Status& status);
void add_average(CLI::App& app, Status& status);
void add_ensemble(CLI::App& app, Status& status);
void add_import(CLI::App& app, Status& status);
void add_init(CLI::App& app, Status& status);
void add_inspect(CLI::App& app, Status& status);
void add_evaluate(CLI::App& app, Status& status);
void add_quantize(CLI::App& app, Status& status);
void add_plot(CLI::App& app, Status& status);
void add_teach(CLI::App& app, Status& status);
void add_bench_network(CLI::App& app, Status& status);

}  // namespace photoscribe
