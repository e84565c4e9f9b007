// The verb quantize: scales for the encoder in eight bits, found from photos.
#include <ATen/ATen.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>

#include "models/encoder/calibration.h"
#include "models/encoder/fast_encoder.h"
#include "models/format/model_store.h"
#include "models/train/data/photo_finder.h"
#include "models/train/features.h"
#include "models/train/progress/progress_line.h"
#include "models/train/verbs/verb_options.h"

namespace photoscribe {
namespace {

struct QuantizeOptions {
  std::string model, list;
  std::vector<std::string> photos;
  std::size_t count = 256;
  int threads = 0;
};

/// Every file below the folders, by path.
Expected<std::vector<std::string>> files_below(const std::vector<std::string>& folders) {
  return guard(Errc::environment, "photos", [&] {
    std::vector<std::string> paths;
    for (const std::string& folder : folders)
      for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
        if (entry.is_regular_file()) paths.push_back(entry.path().string());
    std::sort(paths.begin(), paths.end());
    return paths;
  });
}

/// The photos that a list names, one per line; what follows a tab is for fit.
Expected<std::vector<std::string>> listed(const std::string& list,
                                          const std::vector<std::string>& folders) {
  std::ifstream file(list);
  PhotoFinder finder(folders);
  std::vector<std::string> paths;
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    const std::string name = line.substr(0, line.find_first_of("\t\r"));
    if (name.empty()) continue;
    const auto path = finder.find("", name);
    if (!path)
      return fail(Errc::invalid_config, list + ":" + std::to_string(number) + ": no photo '" +
                                            name + "' in " + folders_text(folders));
    paths.push_back(*path);
  }
  if (file.bad() || number == 0)
    return fail(Errc::invalid_config, list + ": cannot be read, or names no photo");
  return paths;
}

/// `count` of them, evenly spread: the same every time.
std::vector<std::string> spread(const std::vector<std::string>& paths, std::size_t count) {
  count = std::min(count, paths.size());
  std::vector<std::string> some;
  for (std::size_t i = 0; i < count; ++i) some.push_back(paths[i * paths.size() / count]);
  return some;
}

struct Found {
  Int8Scales scales;
  std::size_t photos = 0;
  torch::Tensor some;  // (N,S,S,3), the first of them
};

Found calibrate(const Encoder& encoder, const ModelArchitecture& a,
                const std::vector<std::string>& paths) {
  constexpr std::size_t kBatch = 8;
  Calibration calibration(encoder);
  Found found;
  ProgressLine progress("calibration", "photos");
  for (std::size_t next = 0; next < paths.size();) {
    progress.update(static_cast<std::int64_t>(next), static_cast<std::int64_t>(paths.size()));
    std::vector<torch::Tensor> images;
    for (; next < paths.size() && images.size() < kBatch; ++next)
      if (const auto photo = read_photo(paths[next], a.input_side_px))
        images.push_back(normalise(*photo, a).permute({1, 2, 0}));
    if (images.empty()) continue;
    const torch::Tensor batch = at::stack(images).contiguous();
    calibration.observe(batch);
    if (!found.some.defined()) found.some = batch;
    found.photos += images.size();
  }
  if (found.photos == 0) throw std::runtime_error("none of the photos decodes");
  found.scales = calibration.scales();
  return found;
}

/// How far features in eight bits are from those in float32, as a share of their norm.
double distance(const Encoder& encoder, const ModelArchitecture& a, const Found& found) {
  const FastEncoder exact(encoder, a.input_side_px);
  const FastEncoder quantized(encoder, a.input_side_px, Precision::int8, found.scales);
  const torch::Tensor wanted = exact.forward(found.some);
  return ((quantized.forward(found.some) - wanted).norm() / wanted.norm()).item<double>();
}

Status quantize_one(const StoredModel& model, const std::vector<std::string>& paths) {
  const ModelArchitecture& a = model.folder.architecture;
  const auto found = guard(Errc::invalid_config, "quantize " + model.folder.folder, [&] {
    const torch::NoGradGuard no_grad;
    return calibrate(Encoder(a.encoder, model.tensors, "encoder."), a, paths);
  });
  if (!found) return fail(found.error());
  if (Status s = write_int8_scales(model.folder.folder, model.folder.hash, found->scales); !s)
    return s;
  std::printf("%s/%s: scales of %zu layers from %zu photos\n", model.folder.folder.c_str(),
              kInt8File, found->scales.by_layer.size(), found->photos);
  if (!has_int8()) {
    std::printf("not tried: this CPU has no instructions for int8\n");
    return {};
  }
  const auto off = guard(Errc::model_failure, "quantize " + model.folder.folder, [&] {
    const torch::NoGradGuard no_grad;
    return distance(Encoder(a.encoder, model.tensors, "encoder."), a, *found);
  });
  if (!off) return fail(off.error());
  std::printf(
      "features in int8 are off by %.1f %% of their norm; measure the effect on captions:\n"
      "  photoscribe-train evaluate %s --precision int8 …\n",
      100 * *off, model.folder.folder.c_str());
  return {};
}

Status quantize(const QuantizeOptions& o) {
  const auto model = load_model(o.model);
  if (!model) return fail(model.error());
  const auto paths = o.list.empty() ? files_below(o.photos) : listed(o.list, o.photos);
  if (!paths) return fail(paths.error());
  for (const StoredModel* member : members_of(*model))
    if (Status s = quantize_one(*member, spread(*paths, o.count)); !s) return s;
  return {};
}

}  // namespace

void add_quantize(CLI::App& app, Status& status) {
  const auto state = std::make_shared<QuantizeOptions>();
  CLI::App* verb = app.add_subcommand(
      "quantize", "Find the scales with which a model's encoder captions in int8 on CPUs");
  verb->footer(
      "Writes MODEL/int8.safetensors; weights and the model's hash stay as they are. Use photos\n"
      "that the model was trained on or that are like those it will see, never those that it is\n"
      "evaluated on. The same photos give the same file. EfficientNets need none.");
  verb->add_option("MODEL", state->model, "Model folder")->required();
  verb->add_option("--photos", state->photos, "Folder of photos, with all below it (repeatable)")
      ->required()
      ->check(CLI::ExistingDirectory);
  verb->add_option("--list", state->list,
                   "Only photos that this file names, one per line, such as those of training")
      ->check(CLI::ExistingFile);
  verb->add_option("--count", state->count, "Photos to use, evenly spread over all")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  add_threads(*verb, state->threads);
  verb->callback([state, &status] {
    use_threads(state->threads);
    status = quantize(*state);
  });
}

}  // namespace photoscribe
