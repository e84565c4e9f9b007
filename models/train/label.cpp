#include "models/train/label.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "common/text/utf8.h"
#include "models/encoder/fast_encoder.h"
#include "models/format/model_store.h"
#include "models/train/data/photo_finder.h"
#include "models/train/features.h"
#include "models/train/loss/concept_head.h"
#include "models/train/progress/progress_line.h"

namespace photoscribe {
namespace {

std::string json_line(const std::string& name, const torch::Tensor& probabilities,
                      const std::vector<ConceptEntry>& concepts) {
  nlohmann::ordered_json line{{"id", name}, {"concepts", nlohmann::ordered_json::object()}};
  const float* p = probabilities.data_ptr<float>();
  for (std::size_t m = 0; m < concepts.size(); ++m)
    line["concepts"][concepts[m].words.front()] =
        p[m] < kAbsentBelow ? 0.0 : std::round(1e3 * static_cast<double>(p[m])) / 1e3;
  return line.dump() + "\n";
}

}  // namespace

Status label(const LabelOptions& o) {
  constexpr std::size_t kBatch = 16;
  const auto model = load_model(o.model);
  if (!model) return fail(model.error());
  if (!model->members.empty())
    return fail(Errc::invalid_config, o.model + ": is an ensemble; take one of its members");
  if (model->concepts.empty())
    return fail(Errc::invalid_config, o.model + ": has no classifier of concepts");
  const auto photos = read_split(o.sources, o.split);
  if (!photos) return fail(photos.error());
  const std::string partial = o.output + ".part";
  std::ofstream file(partial);
  std::size_t written = 0;
  const auto labelled = guard(Errc::model_failure, "label " + o.model, [&] {
    const torch::NoGradGuard no_grad;
    const ModelArchitecture& a = model->folder.architecture;
    const FastEncoder encoder(
        Encoder(a.encoder, model->tensors, "encoder."), a.input_side_px,
        o.bfloat16 && has_bfloat16() ? Precision::bfloat16 : Precision::float32);
    ProgressLine progress("labels", "photos");
    for (std::size_t next = 0; next < photos->size() && file;) {
      progress.update(static_cast<std::int64_t>(next), static_cast<std::int64_t>(photos->size()));
      std::vector<torch::Tensor> images;
      std::vector<std::string> names;
      for (; next < photos->size() && images.size() < kBatch; ++next) {
        if (!is_valid_utf8((*photos)[next].name)) {  // JSON has no way to say it
          std::fprintf(stderr, "%s: its name is not UTF-8; left out\n",
                       (*photos)[next].path.c_str());
          continue;
        }
        const auto image = read_photo((*photos)[next].path, a.input_side_px);
        if (!image) continue;
        images.push_back(normalise(*image, a).permute({1, 2, 0}));
        names.push_back((*photos)[next].name);
      }
      if (images.empty()) continue;
      const torch::Tensor mean = encoder.forward(at::stack(images).contiguous()).mean(1);
      const torch::Tensor p = at::sigmoid(concept_log_odds(model->tensors, mean)).contiguous();
      written += names.size();
      for (std::size_t i = 0; i < names.size(); ++i)
        file << json_line(names[i], p[static_cast<std::int64_t>(i)], model->concepts);
    }
  });
  std::error_code failed;
  if (!labelled || written == 0) std::filesystem::remove(partial, failed);
  if (!labelled) return fail(labelled.error());
  if (file && written == 0)
    return fail(Errc::environment, folders_text(o.sources.photos) + ": none of the photos decodes");
  file.close();
  if (file) std::filesystem::rename(partial, o.output, failed);
  if (!file || failed) return fail(Errc::environment, o.output + ": cannot be written");
  std::fprintf(stderr, "%s: %zu of %zu photos, %zu concepts\n", o.output.c_str(), written,
               photos->size(), model->concepts.size());
  return {};
}

}  // namespace photoscribe
