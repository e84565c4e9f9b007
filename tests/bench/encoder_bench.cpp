// A model's encoder alone, for ops/bench/network.
//
//   encoder_bench layers MODEL                  what it is made of, as JSON
//   encoder_bench input  MODEL COUNT FILE [DIR] COUNT photos as it takes them, of DIR or noise
//   encoder_bench serve  MODEL FILE PRECISION THREADS FEATURES
//
// `serve` writes the features of all photos of FILE to FEATURES, says {"backend": …} and then, for
// each line "BATCH SECONDS" of standard input, runs for so long and says how many photos that were
// and what time they took. PRECISION is that of --precision; auto is tried as a worker does.
// Files are plain float32: photos (N,S,S,3), features (N,L,C).
#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "models/captioner.h"
#include "models/encoder/fast_encoder.h"
#include "models/encoder/int8_layers.h"
#include "models/format/model_store.h"
#include "models/train/features.h"
#include "tests/support/must.h"

namespace {

using namespace photoscribe;
using test::must;
using Clock = std::chrono::steady_clock;

double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

const char* name_of(Activation activation) {
  switch (activation) {
    case Activation::none:
      return "none";
    case Activation::relu:
      return "relu";
    case Activation::relu6:
      return "relu6";
    case Activation::silu:
      return "silu";
    case Activation::sigmoid:
      return "sigmoid";
  }
  return "";
}

const char* name_of(LayerKind kind) {
  switch (kind) {
    case LayerKind::convolution:
      return "convolution";
    case LayerKind::max_pool:
      return "max_pool";
    case LayerKind::mean:
      return "mean";
    case LayerKind::scale:
      return "scale";
  }
  return "";
}

/// Every layer with the padding that it has in this model, and what a step of eight bits counts.
void print_layers(const std::string& folder) {
  const StoredModel model = must(load_model(folder));
  const ModelArchitecture& a = model.folder.architecture;
  const Int8Scales scales = model.int8_scales.value_or(Int8Scales{});
  nlohmann::json layers = nlohmann::json::array();
  std::int64_t side = a.input_side_px, shortcut_side = side;
  for (const EncoderLayer& layer : encoder_layers(a.encoder)) {
    if (layer.keeps_residual) shortcut_side = side;
    const bool gate = layer.lane == Lane::gate, shortcut = layer.lane == Lane::shortcut;
    const Padding padding = padding_of(layer, gate ? 1 : shortcut ? shortcut_side : side);
    layers.push_back({{"kind", name_of(layer.kind)},
                      {"name", layer.name},
                      {"lane", gate       ? "gate"
                               : shortcut ? "shortcut"
                                          : "main"},
                      {"in", layer.in},
                      {"out", layer.out},
                      {"kernel", layer.kernel},
                      {"stride", layer.stride},
                      {"groups", layer.groups},
                      {"before", padding.before},
                      {"after", padding.after},
                      {"activation", name_of(layer.activation)},
                      {"keeps_residual", layer.keeps_residual},
                      {"adds_residual", layer.adds_residual}});
    if (layer.kind == LayerKind::convolution && !scales.empty()) {
      layers.back()["scale"] = scale_of(scales, layer);
      layers.back()["unsigned"] = is_unsigned(layer);
    }
    const bool moves = layer.kind == LayerKind::convolution || layer.kind == LayerKind::max_pool;
    if (shortcut) shortcut_side = padding.out;
    if (moves && layer.lane == Lane::main) side = padding.out;
  }
  const nlohmann::json all = {{"encoder", a.encoder}, {"side", a.input_side_px},
                              {"grid", side},         {"channels", a.feature_channels},
                              {"layers", layers},     {"photos_scale", scales.photos}};
  std::printf("%s\n", all.dump().c_str());
}

void write_floats(const std::string& path, const torch::Tensor& numbers) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(static_cast<const char*>(numbers.data_ptr()),
             static_cast<std::streamsize>(numbers.nbytes()));
  if (!file.flush()) throw std::runtime_error(path + ": cannot be written");
}

/// The first photos of `photos` by name that decode, or noise.
void write_input(const std::string& folder, std::int64_t count, const std::string& path,
                 const std::string& photos) {
  const ModelArchitecture a = must(read_model_folder(folder)).architecture;
  at::manual_seed(1);
  torch::Tensor all = at::randn({count, a.input_side_px, a.input_side_px, 3});
  std::vector<std::string> names;
  if (!photos.empty())
    for (const auto& entry : std::filesystem::recursive_directory_iterator(photos))
      if (entry.is_regular_file()) names.push_back(entry.path().string());
  std::sort(names.begin(), names.end());
  std::int64_t done = 0;
  for (std::size_t i = 0; i < names.size() && done < count; ++i)
    if (const auto photo = read_photo(names[i], a.input_side_px))
      all[done++].copy_(normalise(*photo, a).permute({1, 2, 0}));
  if (!photos.empty() && done < count)
    throw std::runtime_error(photos + ": only " + std::to_string(done) + " photos decode");
  write_floats(path, all);
}

torch::Tensor read_input(const std::string& path, std::int64_t side) {
  const auto bytes = static_cast<std::int64_t>(std::filesystem::file_size(path));
  torch::Tensor all = at::empty({bytes / (side * side * 3 * 4), side, side, 3});
  std::ifstream file(path, std::ios::binary);
  if (!file.read(static_cast<char*>(all.data_ptr()), static_cast<std::streamsize>(all.nbytes())))
    throw std::runtime_error(path + ": cannot be read");
  return all;
}

/// What is asked for, or what a worker would take.
Precision chosen(const StoredModel& model, const std::string& precision, int threads) {
  const auto asked = precision_from_string(precision);
  if (!asked) throw std::runtime_error(precision + ": not a precision");
  CaptionerConfig config;
  config.model_folder = model.folder.folder;
  config.threads = threads;
  config.search = model.folder.search;
  config.precision = *asked;
  return *precision_from_string(must(open_captioner(config))->precision());
}

void serve(const std::string& folder, const std::string& input, const std::string& precision,
           int threads, const std::string& output) {
  const StoredModel model = must(load_model(folder));
  const ModelArchitecture& a = model.folder.architecture;
  const Precision taken = chosen(model, precision, threads);
  const c10::InferenceMode inference;
  const FastEncoder encoder(Encoder(a.encoder, model.tensors, "encoder."), a.input_side_px, taken,
                            model.int8_scales.value_or(Int8Scales{}));
  const torch::Tensor photos = read_input(input, a.input_side_px);
  write_floats(output, encoder.forward(photos));
  std::printf("%s\n", nlohmann::json{{"backend", encoder.backend()}}.dump().c_str());
  std::fflush(stdout);
  std::int64_t batch = 0;
  for (double seconds = 0; std::cin >> batch >> seconds;) {
    const auto begun = Clock::now();
    const auto since = [begun] {
      return std::chrono::duration<double>(Clock::now() - begun).count();
    };
    const double cpu_begun = cpu_seconds();
    std::int64_t done = 0;
    do {  // once at least
      const std::int64_t first = done % (photos.size(0) - batch + 1);
      static_cast<void>(encoder.forward(photos.narrow(0, first, batch)));
      done += batch;
    } while (since() < seconds);
    const nlohmann::json said{
        {"photos", done}, {"wall_s", since()}, {"cpu_s", cpu_seconds() - cpu_begun}};
    std::printf("%s\n", said.dump().c_str());
    std::fflush(stdout);
  }
}

int run(const std::vector<std::string>& words) {
  const std::string what = words.size() > 2 ? words[1] : "";
  if (what == "layers") {
    print_layers(words[2]);
  } else if (what == "input" && words.size() >= 5) {
    write_input(words[2], std::stoll(words[3]), words[4], words.size() > 5 ? words[5] : "");
  } else if (what == "serve" && words.size() == 7) {
    serve(words[2], words[3], words[4], std::stoi(words[5]), words[6]);
  } else {
    std::fprintf(stderr, "encoder_bench layers|input|serve MODEL …: see its first lines\n");
    return 2;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  photoscribe::choose_blas_kernels(argv);
  try {
    return run({argv, argv + argc});
  } catch (const std::exception& e) {
    std::fprintf(stderr, "encoder_bench: %s\n", e.what());
    return 1;
  }
}
