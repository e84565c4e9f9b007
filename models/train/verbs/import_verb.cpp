// The verb import: converts what other frameworks trained to an encoder or a whole model.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "common/core/sha256.h"
#include "models/encoder/encoder_layers.h"
#include "models/format/mapped_file.h"
#include "models/format/model_store.h"
#include "models/train/import/import.h"
#include "models/train/import/import_captioner.h"
#include "models/train/import/imported_card.h"
#include "models/train/verbs/verb_options.h"

namespace photoscribe {
namespace {

struct ImportOptions {
  std::string state, architecture, output;
  double epsilon = -1;  // below 0: the encoder's own
  std::string kind, words, encoder, name;
  int side_px = 0, grid_side = 0;  // 0: the kind's own
  bool half = false;
};

void print_left_over(const std::vector<std::string>& names, const std::string& of) {
  if (names.empty()) {
    std::printf("nothing was left over\n");
    return;
  }
  std::printf("left over (not part of %s):\n", of.c_str());
  for (const std::string& name : names) std::printf("  %s\n", name.c_str());
}

double millions(const TensorMap& tensors) {
  std::int64_t count = 0;
  for (const auto& item : tensors) count += item.second.numel();
  return static_cast<double>(count) / 1e6;
}

Status import_trunk(const ImportOptions& o) {
  const auto state = read_state_dict(o.state);
  if (!state) return fail(state.error());
  const double epsilon = o.epsilon >= 0 ? o.epsilon : norm_epsilon(o.architecture);
  const auto made = import_encoder(state->tensors, o.architecture, epsilon);
  if (!made) return fail(made.error().code, o.state + ": " + made.error().message);
  if (Status s = save_tensors(o.output, made->tensors, {{"architecture", o.architecture}}); !s)
    return s;
  std::printf("%s: %zu arrays, %.2f million parameters; %zu batch norms folded with epsilon %g\n",
              o.output.c_str(), made->tensors.size(), millions(made->tensors), made->folded,
              epsilon);
  print_left_over(made->left_over, o.architecture);
  return {};
}

Expected<CaptionerFiles> read_files(const ImportOptions& o) {
  CaptionerFiles files;
  auto checkpoint = read_state_dict(o.state);
  if (!checkpoint) return fail(checkpoint.error());
  files.checkpoint = std::move(*checkpoint);
  if (!o.encoder.empty()) {
    auto encoder = read_state_dict(o.encoder);
    if (!encoder) return fail(encoder.error());
    files.encoder = std::move(*encoder);
  }
  auto words = read_word_list(o.words);
  if (!words) return fail(words.error());
  files.words = std::move(*words);
  return files;
}

/// Which files went in, by their base names and hashes.
Expected<std::vector<SourceFile>> sources(const ImportOptions& o) {
  return guard(Errc::environment, "import", [&] {
    std::vector<SourceFile> all;
    for (const std::string& path : {o.state, o.encoder, o.words}) {
      if (path.empty()) continue;
      const MappedFile file(path);
      all.push_back({std::filesystem::path(path).filename().string(),
                     to_hex(sha256_of(file.bytes().data(), file.bytes().size()))});
    }
    return all;
  });
}

Status import_whole(const ImportOptions& o) {
  if (o.words.empty())
    return fail(Errc::usage,
                "import: --kind needs --words: sgrvinod's WORDMAP_….json, ruotianluo's "
                "infos_….pkl, or yunjey's vocab.pkl");
  const auto files = read_files(o);
  if (!files) return fail(files.error());
  const auto from = sources(o);
  if (!from) return fail(from.error());
  ImportOverrides overrides{o.architecture, o.side_px, o.grid_side, 1e-5};
  if (o.epsilon >= 0) overrides.norm_epsilon = o.epsilon;
  const CaptionerKind kind = captioner_kind(o.kind);
  const auto made = import_captioner(kind, *files, overrides);
  if (!made) return fail(made.error().code, o.state + ": " + made.error().message);

  ModelToStore model;
  model.name = !o.name.empty()                     ? o.name
               : kind == CaptionerKind::ruotianluo ? o.kind + "-" + made->network
                                                   : o.kind;
  model.architecture = made->architecture;
  model.search = made->search;
  model.exact = !o.half;
  model.training_yaml = imported_yaml(o.kind, *from);
  if (Status s = store_model(o.output, model, made->vocabulary, made->tensors); !s) return s;
  if (Status s = write_imported_card(o.output, o.kind, model, *made, *from); !s) return s;
  for (const std::string& note : made->notes)
    std::fprintf(stderr, "photoscribe-train: %s: %s\n", o.state.c_str(), note.c_str());
  std::printf("%s: %s on %s, %.2f million parameters, %lld words; photos of %d px\n",
              o.output.c_str(), made->network.c_str(), model.architecture.encoder.c_str(),
              millions(made->tensors), static_cast<long long>(made->vocabulary.size() - 4),
              model.architecture.input_side_px);
  print_left_over(made->left_over, "the captioner");
  std::printf("caption with it: photoscribe run PHOTOS --model %s\n", o.output.c_str());
  return {};
}

Status import(const ImportOptions& o) {
  if (!o.kind.empty()) return import_whole(o);
  if (o.architecture.empty())
    return fail(Errc::usage,
                "import: name --architecture for an encoder, or --kind for a whole "
                "captioner");
  return import_trunk(o);
}

std::string listed(const std::vector<std::string>& names) {
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
  return all;
}

}  // namespace

void add_import(CLI::App& app, Status& status) {
  const auto state = std::make_shared<ImportOptions>();
  CLI::App* verb = app.add_subcommand(
      "import",
      "Make an encoder from a torchvision or timm state dict, for fit --encoder; or, with --kind, "
      "a whole model from a captioner that others trained (ops/docs/import.md)");
  verb->add_option("CHECKPOINT", state->state,
                   "A file of torch.save, from any version of PyTorch: a state dict or whole "
                   "modules. Or .safetensors")
      ->required()
      ->check(CLI::ExistingFile);
  verb->add_option("--architecture", state->architecture,
                   "The encoder: " + listed(encoder_names()) +
                       "; NAME@BLOCK stops after a block, NAME@BLOCK+LAYER adds a layer. Default "
                       "with --kind: what its arrays say");
  verb->add_option("--output", state->output,
                   "File to write (safetensors); with --kind the model's folder")
      ->required();
  verb->add_option(
      "--norm-epsilon", state->epsilon,
      "Added to the variance by the batch norms; default: 1e-3 for tf_ encoders, 1e-5 for others");
  verb->add_option("--kind", state->kind, "Whose captioner the checkpoint is")
      ->check(CLI::IsMember(captioner_kinds()))
      ->group("A whole captioner");
  verb->add_option("--words", state->words,
                   "Its words: sgrvinod's WORDMAP_….json, ruotianluo's infos_….pkl, yunjey's "
                   "vocab.pkl")
      ->check(CLI::ExistingFile)
      ->group("A whole captioner");
  verb->add_option("--encoder", state->encoder,
                   "Its encoder's file, if the checkpoint has none: yunjey's encoder-….ckpt, "
                   "ruotianluo's resnet101.pth")
      ->check(CLI::ExistingFile)
      ->group("A whole captioner");
  verb->add_option("--side", state->side_px,
                   "Side in pixels of the square that photos are resized to, a multiple of 32; "
                   "default: the kind's (256; ruotianluo 544; yunjey 224)")
      ->check(CLI::Range(32, 2'048))
      ->group("A whole captioner");
  verb->add_option("--grid-side", state->grid_side,
                   "Side of the grid that attention sees; default: the checkpoint's, else 14")
      ->check(CLI::Range(1, 64))
      ->group("A whole captioner");
  verb->add_option("--name", state->name, "The model's name, for people")
      ->group("A whole captioner");
  verb->add_flag("--half", state->half,
                 "Store large weights in eight bits and the others in half precision, as training "
                 "does: a quarter of the size")
      ->group("A whole captioner");
  verb->callback([state, &status] { status = import(*state); });
}

}  // namespace photoscribe
