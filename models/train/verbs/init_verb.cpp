#include <CLI/CLI.hpp>
#include <memory>

#include "models/open_model.h"
#include "models/train/verbs/verb_options.h"

namespace photoscribe {
namespace {

/// A model of random weights with a small decoder: for tests, which need a real model's files and
/// shapes but not its quality.
Status init(const std::string& output, std::uint64_t seed) {
  return guard(Errc::model_failure, "init",
               [&] {
                 ModelToStore model;
                 model.name = "random";
                 model.architecture.annotation_size = 32;
                 model.architecture.embedding_size = 32;
                 model.architecture.hidden_size = 32;
                 model.architecture.attention_size = 16;
                 model.search.tokens_max = 12;
                 const auto vocabulary =
                     Vocabulary::make({"a",     "dog", "man",   "in",     "the",   "on",   "is",
                                       "and",   "of",  "with",  "woman",  "girl",  "boy",  "white",
                                       "black", "two", "water", "grass",  "beach", "ball", "street",
                                       "child", "red", "runs",  "stands", "plays", "snow"});
                 if (!vocabulary) return Status(fail(vocabulary.error()));
                 const StoredModel made = random_model(model.architecture, *vocabulary, seed);
                 return store_model(output, model, *vocabulary, made.tensors);
               })
      .and_then([](Status status) { return status; });
}

}  // namespace

void add_init(CLI::App& app, Status& status) {
  struct State {
    std::string output;
    std::uint64_t seed = 1;
  };
  const auto state = std::make_shared<State>();
  CLI::App* verb =
      app.add_subcommand("init", "Write a small model with random weights, for trials");
  verb->add_option("--output", state->output, "Model folder to write")->required();
  verb->add_option("--seed", state->seed)->capture_default_str();
  verb->callback([state, &status] { status = init(state->output, state->seed); });
}

}  // namespace photoscribe
