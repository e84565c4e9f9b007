#include "models/captioner.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <time.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "models/blas.h"
#include "models/device.h"
#include "models/encoder/pixels.h"
#include "models/format/model_store.h"
#include "models/open_model.h"
#include "models/search/caption_network.h"
#include "models/search/evidence.h"

namespace photoscribe {
namespace {

// N photos, S input side, C feature channels, L grid positions.

/// LibTorch reports a full device by a type of its own since 1.13 and by its message before; a full
/// host by its message alone.
bool is_out_of_memory(const c10::Error& error) {
  const std::string_view text = error.what_without_backtrace();
  return dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr ||
         text.find("out of memory") != std::string_view::npos ||
         text.find("not enough memory") != std::string_view::npos ||
         text.find("can't allocate memory") != std::string_view::npos;
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

class TorchCaptioner final : public Captioner {
 public:
  TorchCaptioner(const StoredModel& model, const torch::Device& device, Precision precision,
                 SearchSettings search)
      : architecture_(model.folder.architecture),
        vocabulary_(model.vocabulary),
        device_(device),
        type_(device.is_cuda() ? torch::kFloat16 : torch::kFloat32),
        precision_(precision),
        settings_(search),
        network_(members_of(model), device_, type_, precision),
        evidence_(model.concepts, model.vocabulary),
        pixels_(architecture_.mean, architecture_.std) {
    const auto triple = [&](const std::array<double, 3>& v, double scale) {
      return at::tensor({v[0] * scale, v[1] * scale, v[2] * scale})
          .to(torch::TensorOptions().dtype(torch::kFloat32).device(device_));
    };
    mean_ = triple(architecture_.mean, 255);
    std_ = triple(architecture_.std, 255);
  }

  [[nodiscard]] int input_side_px() const override { return architecture_.input_side_px; }
  [[nodiscard]] std::string_view precision() const override {
    return device_.is_cuda() ? "float16" : to_string(precision_);
  }

  Expected<std::vector<Caption>> caption(std::span<const DecodedImage* const> batch) override {
    if (batch.empty()) return std::vector<Caption>{};
    for (const DecodedImage* image : batch) {
      const int side = architecture_.input_side_px;
      if (image->width_px != side || image->height_px != side || image->channels != 3 ||
          image->pixels.size() !=
              static_cast<std::size_t>(side) * static_cast<std::size_t>(side) * 3) {
        return fail(Errc::model_failure, "caption: an image is not RGB of " + std::to_string(side) +
                                             " x " + std::to_string(side) + " pixels");
      }
    }
    try {
      return write_captions(batch);
    } catch (const c10::Error& error) {
      return caption_error(error);
    } catch (const std::bad_alloc&) {
      return fail(Errc::device_memory, "caption: the host has not enough memory for this batch");
    } catch (const std::exception& error) {
      return fail(Errc::model_failure, "caption: " + first_line(error.what()));
    }
  }

 private:
  tl::unexpected<Error> caption_error(const c10::Error& error) {
    if (is_out_of_memory(error)) {
      release_cached_memory(device_);
      return fail(Errc::device_memory, "caption: " + first_line(error.what_without_backtrace()));
    }
    if (!responds(device_)) {
      return fail(Errc::environment, "caption: " + device_.str() + " no longer responds: " +
                                         first_line(error.what_without_backtrace()));
    }
    return fail(Errc::model_failure, "caption: " + first_line(error.what_without_backtrace()));
  }

  /// (N,S,S,3) bytes on the host, in memory that is reused; pinned for a GPU, so that the copy
  /// overlaps with the work before it.
  torch::Tensor stage(std::span<const DecodedImage* const> batch) {
    const auto n = static_cast<std::int64_t>(batch.size());
    const std::int64_t side = architecture_.input_side_px;
    if (!staging_.defined() || staging_.size(0) < n) {
      staging_ = at::empty({n, side, side, 3},
                           torch::dtype(torch::kUInt8).pinned_memory(device_.is_cuda()));
    }
    auto* to = staging_.data_ptr<std::uint8_t>();
    for (const DecodedImage* image : batch) {
      std::memcpy(to, image->pixels.data(), image->pixels.size());
      to += image->pixels.size();
    }
    return staging_.narrow(0, 0, n);
  }

  /// (N,S,S,3) of `type_` on the device.
  torch::Tensor normalised(std::span<const DecodedImage* const> batch) {
    if (!device_.is_cpu()) {
      const torch::Tensor bytes = stage(batch).to(device_, /*non_blocking=*/true);
      return bytes.to(torch::kFloat32).sub_(mean_).div_(std_).to(type_);
    }
    const std::int64_t side = architecture_.input_side_px, pixels = side * side;
    const torch::Tensor images =
        at::empty({static_cast<std::int64_t>(batch.size()), side, side, 3});
    auto* to = images.data_ptr<float>();
    for (const DecodedImage* image : batch) {
      pixels_.normalise(image->pixels.data(), pixels, to);
      to += pixels * 3;
    }
    return images;
  }

  std::vector<Caption> write_captions(std::span<const DecodedImage* const> batch) {
    const c10::InferenceMode inference;
    std::vector<Caption> captions;
    const torch::Tensor features = network_.encode(normalised(batch));
    for (Hypothesis& one : network_.decode(features, settings_)) {
      Caption& caption = captions.emplace_back();
      caption.text = vocabulary_.text(one.tokens);
      caption.log_prob = one.log_prob;
      caption.tokens = static_cast<int>(one.tokens.size());
      evidence_.add(one, caption);
      for (const FinishedCaption& other : one.alternatives) {
        caption.alternatives.push_back({vocabulary_.text(other.tokens), other.log_prob,
                                        static_cast<int>(other.tokens.size())});
      }
      caption.attention = std::move(one.attention);
    }
    return captions;
  }

  ModelArchitecture architecture_;
  Vocabulary vocabulary_;
  torch::Device device_;
  torch::ScalarType type_;
  Precision precision_;  // of products on a CPU; not automatic
  SearchSettings settings_;
  CaptionNetwork network_;
  EvidenceRule evidence_;
  PixelTable pixels_;         // on a CPU; elsewhere the next three:
  torch::Tensor mean_, std_;  // (3) of bytes
  torch::Tensor staging_;     // (N,S,S,3) bytes, grows to the largest batch
};

/// The CPU time of the only thread, which a busy machine does not stretch; wall-clock time with
/// several.
double clock_s() {
  timespec now{};
  ::clock_gettime(at::get_num_threads() == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// Runs photos through everything, so that the first real batch does not pay for the choice of
/// kernels. Returns the seconds of a later batch.
Expected<double> warm_up(Captioner& captioner) {
  DecodedImage grey;
  grey.width_px = grey.height_px = captioner.input_side_px();
  const auto side = static_cast<std::size_t>(grey.width_px);
  grey.pixels.assign(side * side * 3, 128);
  const std::vector<const DecodedImage*> some(8, &grey);
  double least_s = 0;
  for (int round = 0; round < 3; ++round) {
    const double start_s = clock_s();
    if (const auto captions = captioner.caption(some); !captions) return fail(captions.error());
    const double took_s = clock_s() - start_s;
    least_s = round <= 1 ? took_s : std::min(least_s, took_s);
  }
  return least_s;
}

}  // namespace

Expected<std::unique_ptr<Captioner>> make_captioner(const StoredModel& model,
                                                    const CaptionerConfig& config) {
  if (config.search.beam < 1 || config.search.beam > 64 || config.search.tokens_max < 1 ||
      config.search.tokens_max > 256) {
    return fail(Errc::invalid_config, "search: beam must be 1 to 64, tokens_max 1 to 256");
  }
  const auto device = parse_device(config.device);
  if (!device) return fail(device.error());
  if (device->is_cpu()) {
    if (Status checked = check_precision(config.precision); !checked) return fail(checked.error());
    if (Status checked = check_scales(model, config.precision); !checked)
      return fail(checked.error());
  }
  set_network_threads(config.threads);
  const bool int8 = has_int8() && check_scales(model, Precision::int8);
  const auto candidates = device->is_cpu()
                              ? precisions_to_try(config.precision, has_bfloat16(), int8)
                              : std::vector{Precision::float32};
  std::unique_ptr<Captioner> fastest;
  double least_s = 0;
  for (const Precision precision : candidates) {
    auto opened = guard(
        Errc::model_failure, "model " + config.model_folder, [&]() -> std::unique_ptr<Captioner> {
          return std::make_unique<TorchCaptioner>(model, *device, precision, config.search);
        });
    if (!opened) return opened;
    const auto took_s = warm_up(**opened);
    if (!took_s) return fail(took_s.error());
    const double cost_s = trial_cost_s(precision, *took_s);
    if (fastest != nullptr && cost_s >= least_s) continue;
    fastest = std::move(*opened);
    least_s = cost_s;
  }
  return fastest;
}

StoredModel random_model(const ModelArchitecture& architecture, const Vocabulary& vocabulary,
                         std::uint64_t seed) {
  at::manual_seed(seed);
  StoredModel model{{}, vocabulary, random_decoder(architecture, vocabulary.size()), {}, {}};
  model.folder.name = "random";
  model.folder.architecture = architecture;
  for (const auto& [name, tensor] : random_encoder(architecture.encoder))
    model.tensors.emplace("encoder." + name, tensor);
  return model;
}

std::vector<std::string> available_devices() {
  std::vector<std::string> names;
  for (int i = 0; i < gpu_count(); ++i) names.push_back("cuda:" + std::to_string(i));
  if (names.empty()) names.emplace_back("cpu");
  return names;
}

}  // namespace photoscribe
