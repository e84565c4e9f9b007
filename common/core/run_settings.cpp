#include "common/core/run_settings.h"

#include "common/core/types.h"

namespace photoscribe {

std::string_view to_string(BlurMode mode) noexcept {
  switch (mode) {
    case BlurMode::normalised:
      return "normalised";
    case BlurMode::tile_max:
      return "tile_max";
    case BlurMode::edges:
      return "edges";
    case BlurMode::learned:
      return "learned";
    case BlurMode::full:
      break;
  }
  return "full";
}

Expected<BlurMode> blur_mode_from_string(std::string_view name) {
  for (const BlurMode mode : kBlurModes) {
    if (name == to_string(mode)) return mode;
  }
  return fail(Errc::invalid_config, "blur mode \"" + std::string(name) +
                                        "\": choose full, normalised, tile_max, edges or learned");
}

std::vector<SettingField> setting_fields(RunSettings& s) {
  using enum Written;
  return {
      {"model_hash", &s.model_hash, 0, 64, "", Alters::results},
      {"model_name", &s.model_name, 0, 0, "", Alters::nothing, Default::ours, never},
      {"blur.mode", &s.blur.mode, 0, 0,
       "full: variance of the Laplacian of the whole photo; normalised: of the photo "
       "shrunk first; tile_max: of its sharpest tile; edges: steepness of edges, less noise; "
       "learned: 100 x the probability of being clear, by a fitted model"},
      {"blur.blur_threshold", &s.blur.blur_threshold, 0, 1e12,
       "a photo that scores below it is blurred and gets no caption (grey levels squared; "
       "mode learned: per cent, and 20 where it is not given)"},
      // Every mode's score is stored, so another mode rejudges; other sizes give other scores.
      {"blur.normalised_side_px", &s.blur.normalised_side_px, 16, 65'535,
       "longer side after shrinking, mode normalised", Alters::results},
      {"blur.tile_px", &s.blur.tile_px, 16, 65'535, "side of a tile, mode tile_max",
       Alters::results},
      {"confidence", &s.confidence, 0, 0, "", Alters::nothing, Default::of_model, never,
       unless_default},
      {"min_confidence", &s.min_confidence, 0, 1,
       "a caption less likely to be right is unsure: kept but not shown; 0: none is; model: "
       "what model.yaml says",
       Alters::nothing, Default::of_model, never, unless_default, "confidence.min"},
      {"search.beam", &s.search.beam, 1, 64,
       "hypotheses kept per photo; 1: greedy; model: what model.yaml says", Alters::results,
       Default::of_model},
      {"search.length_alpha", &s.search.length_alpha, 0, 10,
       "hypotheses are ranked by log-probability / words^length_alpha", Alters::results,
       Default::of_model},
      {"search.tokens_max", &s.search.tokens_max, 1, 256, "words of a caption", Alters::results,
       Default::of_model},
      {"search.alternatives", &s.search.alternatives, 0, kAlternativesMax,
       "other captions that the search finished, so many at most, are kept beside the one chosen; "
       "0: none",
       Alters::results, Default::ours, unless_default, unless_default},
      {"search.attention", &s.search.attention, 0, 1,
       "1: where the model looked for each word is kept, 50 to 200 bytes a word; 0: it is not",
       Alters::results, Default::ours, unless_default, unless_default},
      {"limits.pixels_max", &s.limits.pixels_max, 1, 1LL << 32,
       "width x height; a larger photo is refused before memory is taken"},
      {"limits.file_bytes_max", &s.limits.file_bytes_max, 1, 1LL << 40,
       "a larger file is refused unread"},
      {"limits.image_timeout_s", &s.limits.image_timeout_s, 1, 86'400,
       "a photo that takes longer has failed, and its worker is replaced"},
      {"min_concept_probability", &s.min_concept_probability, 0, 1,
       "of what the model's classifier sees in a photo, only what is at least this probable is "
       "kept with its result; 0: all, up to 16",
       Alters::results, Default::ours, unless_default, unless_default, "concepts.min_probability"},
      {"near_duplicates", &s.near_duplicates, 0, kNearDuplicatesMax,
       "bits of 64 in which a photo's look may differ from one whose caption it takes; 0: "
       "every photo is captioned by itself",
       Alters::shared_results, Default::ours, always, unless_default, "reuse.near_duplicates"},
      {"preprocessing_version", &s.preprocessing_version, 1, 1'000'000, "", Alters::results},
  };
}

}  // namespace photoscribe
