#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "models/encoder_layers.h"
#include "models/train/import.h"
#include "models/train/verb_options.h"

namespace photoscribe {
namespace {

struct ImportOptions {
  std::string state, encoder, output;
  double epsilon = -1;  // below 0: the encoder's own
};

Status import(const ImportOptions& o) {
  const auto state = load_state_dict(o.state);
  if (!state) return fail(state.error());
  const double epsilon = o.epsilon >= 0 ? o.epsilon : norm_epsilon(o.encoder);
  const auto made = import_encoder(*state, o.encoder, epsilon);
  if (!made) return fail(made.error().code, o.state + ": " + made.error().message);
  if (Status s = save_tensors(o.output, made->tensors, {{"architecture", o.encoder}}); !s) return s;
  std::int64_t count = 0;
  for (const auto& item : made->tensors) count += item.second.numel();
  std::printf("%s: %zu arrays, %.2f million parameters; %zu batch norms folded with epsilon %g\n",
              o.output.c_str(), made->tensors.size(), static_cast<double>(count) / 1e6,
              made->folded, epsilon);
  if (made->left_over.empty()) {
    std::printf("nothing was left over\n");
  } else {
    std::printf("left over (not part of %s):\n", o.encoder.c_str());
    for (const std::string& name : made->left_over) std::printf("  %s\n", name.c_str());
  }
  return {};
}

}  // namespace

void add_import(CLI::App& app, Status& status) {
  const auto state = std::make_shared<ImportOptions>();
  CLI::App* verb = app.add_subcommand(
      "import", "Make an encoder of a torchvision or timm state dict, for fit --encoder");
  verb->add_option("STATE", state->state, "State dict: .safetensors or a .pth zip file")
      ->required()
      ->check(CLI::ExistingFile);
  std::string known;
  for (const std::string& name : encoder_names()) known += (known.empty() ? "" : ", ") + name;
  verb->add_option(
          "--architecture", state->encoder,
          known + "; NAME@BLOCK stops behind a block, NAME@BLOCK+LAYER goes on with a layer")
      ->required();
  verb->add_option("--output", state->output, "File to write (safetensors)")->required();
  verb->add_option("--norm-epsilon", state->epsilon,
                   "Added to the variance by the batch norms; default: 1e-3 for tf_ encoders, 1e-5 "
                   "for the others");
  verb->callback([state, &status] { status = import(*state); });
}

}  // namespace photoscribe
