// The verbs for a finished model: inspect and bench-network.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <time.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <numeric>
#include <random>

#include "models/blas.h"
#include "models/captioner.h"
#include "models/decoder/kernels.h"
#include "models/format/model_store.h"
#include "models/search/caption_network.h"
#include "models/train/features.h"
#include "models/train/verbs/verb_options.h"

namespace photoscribe {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void print_name(const ModelFolder& folder) {
  std::printf("name         %s\nhash         %s\n", folder.name.c_str(), folder.hash.c_str());
}

void print_search(const SearchSettings& search) {
  std::printf("search       beam %d, length_alpha %g, at most %d words\n", search.beam,
              search.length_alpha, search.tokens_max);
}

void print_model(const StoredModel& model, bool list) {
  const ModelArchitecture& a = model.folder.architecture;
  std::int64_t encoder = 0, decoder = 0;
  for (const auto& [name, tensor] : model.tensors)
    (name.starts_with("encoder.") ? encoder : decoder) += tensor.numel();
  std::printf("encoder      %s, %d px, %.2f million parameters\n", a.encoder.c_str(),
              a.input_side_px, static_cast<double>(encoder) / 1e6);
  std::printf("decoder      %s, %d hidden, %.2f million parameters\n", a.decoder.c_str(),
              a.hidden_size, static_cast<double>(decoder) / 1e6);
  std::printf("vocabulary   %lld words\n", static_cast<long long>(model.vocabulary.size()));
  if (a.concepts > 0) {
    std::printf("concepts     %d, the likeliest %d used; weight %g, undecided at p = %g\n",
                a.concepts, a.concept_slots, a.concept_weight, a.concept_undecided);
    if (a.concept_said_min > 0)
      std::printf("             named in the caption from p = %g on\n", a.concept_said_min);
  }
  if (!list) return;
  for (const ConceptEntry& entry : model.concepts) {
    std::string words, classes;
    for (const std::string& word : entry.words) words += (words.empty() ? "" : ", ") + word;
    for (const int one : entry.classes) classes += " " + std::to_string(one);
    std::printf("concept      %s%s%s\n", words.c_str(), classes.empty() ? "" : " |",
                classes.c_str());
  }
  for (const auto& [name, tensor] : model.tensors) {
    std::string shape;
    for (const std::int64_t extent : tensor.sizes())
      shape += (shape.empty() ? "" : " x ") + std::to_string(extent);
    std::printf("%-44s %-20s mean %9.5f  std %9.5f\n", name.c_str(), shape.c_str(),
                tensor.to(torch::kFloat32).mean().item<double>(),
                tensor.to(torch::kFloat32).std(false).item<double>());
  }
}

Status inspect(const std::string& folder, bool list) {
  const auto model = load_model(folder);
  if (!model) return fail(model.error());
  print_name(model->folder);
  print_search(model->folder.search);
  for (const StoredModel* member : members_of(*model)) {
    if (!model->members.empty()) {
      std::printf("\nmember       %s\n", member->folder.folder.c_str());
      print_name(member->folder);
    }
    print_model(*member, list);
  }
  return {};
}

struct BenchOptions {
  CaptionerConfig captioner;
  std::string photos;  // folder; empty: noise
  int batch = 32;
  double seconds = 5;
};

double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// `count` images: the first photos of `folder` by name, as often as needed, or noise.
std::vector<DecodedImage> bench_images(const std::string& folder, int side, std::size_t count) {
  std::vector<std::string> names;
  if (!folder.empty()) {
    for (const auto& entry : std::filesystem::directory_iterator(folder))
      names.push_back(entry.path().string());
    std::sort(names.begin(), names.end());
    names.resize(std::min(names.size(), count));
  }
  std::vector<DecodedImage> images;
  for (const std::string& name : names)
    if (auto photo = read_photo(name, side)) images.push_back(std::move(*photo));
  const std::size_t real = images.size();
  std::mt19937 random(1);
  while (images.size() < count) {
    if (real > 0) {
      images.push_back(images[images.size() % real]);
      continue;
    }
    DecodedImage noise{side, side, 3, {}};
    noise.pixels.resize(static_cast<std::size_t>(side) * static_cast<std::size_t>(side) * 3);
    for (auto& byte : noise.pixels) byte = static_cast<std::uint8_t>(random());
    images.push_back(std::move(noise));
  }
  return images;
}

/// Photos per second of encoder and search together, without decoding and blur check.
Status bench_network(BenchOptions o) {
  const auto folder = read_model_folder(o.captioner.model_folder);
  if (!folder) return fail(folder.error());
  const SearchSettings asked = o.captioner.search;
  o.captioner.search = folder->search;
  if (asked.beam > 0) o.captioner.search.beam = asked.beam;
  o.captioner.search.attention = asked.attention;
  auto captioner = open_captioner(o.captioner);
  if (!captioner) return fail(captioner.error());
  const auto side = static_cast<std::size_t>((*captioner)->input_side_px());
  const auto images =
      bench_images(o.photos, static_cast<int>(side), static_cast<std::size_t>(o.batch));
  std::vector<const DecodedImage*> batch;
  for (const DecodedImage& image : images) batch.push_back(&image);
  std::int64_t photos = 0;
  if (const auto warm = (*captioner)->caption(batch); !warm) return fail(warm.error());
  const auto start = Clock::now();
  const double cpu_start = cpu_seconds();
  while (seconds_since(start) < o.seconds) {
    if (const auto made = (*captioner)->caption(batch); !made) return fail(made.error());
    photos += o.batch;
  }
  std::printf(
      "network alone: %.1f photos/s, %.2f ms of CPU a photo (%s, %s, batch %d, beam %d, %d CPU "
      "threads)\n",
      static_cast<double>(photos) / seconds_since(start),
      1e3 * (cpu_seconds() - cpu_start) / static_cast<double>(photos), o.captioner.device.c_str(),
      o.photos.empty() ? "noise" : "real photos", o.batch, o.captioner.search.beam,
      at::get_num_threads());
  if (o.captioner.device != "cpu") return {};

  const auto model = load_model(o.captioner.model_folder);
  if (!model) return fail(model.error());
  return guard(Errc::model_failure, "bench-network", [&] {
    const torch::NoGradGuard no_grad;
    const CaptionNetwork network(members_of(*model), torch::kCPU, torch::kFloat32,
                                 *precision_from_string((*captioner)->precision()));
    const auto s = static_cast<std::int64_t>(side);
    const torch::Tensor noise = at::randn({o.batch, s, s, 3});
    static_cast<void>(network.encode(noise));
    std::int64_t encoded = 0;
    const auto begin = Clock::now();
    const double cpu_begin = cpu_seconds();
    for (; seconds_since(begin) < o.seconds; encoded += o.batch)
      static_cast<void>(network.encode(noise));
    std::printf("encoder alone: %.1f photos/s, %.2f ms of CPU a photo (%s)\n",
                static_cast<double>(encoded) / seconds_since(begin),
                1e3 * (cpu_seconds() - cpu_begin) / static_cast<double>(encoded),
                network.backend());
    std::printf("loops of the search: vectors of %d bytes\n", kernel_vector_bytes());
  });
}

}  // namespace

void add_threads(CLI::App& verb, int& threads) {
  verb.add_option("--threads", threads, "Threads of the network; 0: as many as there are cores")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
}

void add_precision(CLI::App& verb, Precision& precision, const std::vector<std::string>& choices) {
  verb.add_option_function<std::string>(
          "--precision",
          [&precision](const std::string& name) { precision = *precision_from_string(name); },
          "Number format of the CPU's matrix products")
      ->check(CLI::IsMember(choices))
      ->default_str(std::string(to_string(precision)));
}

void use_threads(int threads) { set_network_threads(threads); }

void add_inspect(CLI::App& app, Status& status) {
  struct State {
    std::string model;
    bool list = false;
  };
  const auto state = std::make_shared<State>();
  CLI::App* verb = app.add_subcommand("inspect", "Describe a model");
  verb->add_option("MODEL", state->model, "Model folder")->required();
  verb->add_flag("--tensors", state->list, "List every tensor");
  verb->callback([state, &status] { status = inspect(state->model, state->list); });
}

void add_bench_network(CLI::App& app, Status& status) {
  const auto state = std::make_shared<BenchOptions>();
  state->captioner.search.beam = 0;  // the model's own
  CLI::App* verb =
      app.add_subcommand("bench-network", "Measure photos per second of the network alone");
  verb->add_option("MODEL", state->captioner.model_folder, "Model folder")->required();
  verb->add_option("--photos", state->photos,
                   "Folder of photos to use; default: noise, whose captions may be longer")
      ->check(CLI::ExistingDirectory);
  verb->add_option("--device", state->captioner.device)->capture_default_str();
  verb->add_option("--batch", state->batch)->check(CLI::Range(1, 4096))->capture_default_str();
  verb->add_option("--beam", state->captioner.search.beam, "0: the model's own")
      ->check(CLI::Range(0, 64))
      ->capture_default_str();
  verb->add_option("--keep-attention", state->captioner.search.attention,
                   "1: also keep the attention map of each word")
      ->check(CLI::Range(0, 1))
      ->capture_default_str();
  verb->add_option("--seconds", state->seconds)->capture_default_str();
  add_threads(*verb, state->captioner.threads);
  add_precision(*verb, state->captioner.precision, {"auto", "float32", "bfloat16", "int8"});
  verb->callback([state, &status] { status = bench_network(*state); });
}

}  // namespace photoscribe
