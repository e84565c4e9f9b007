// chosen_caption: which caption of a photo an export writes: a person's if there is one, else the
// model's if it may be shown.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "scheduler/store/run_types.h"

namespace photoscribe::cli {

struct CaptionChoice {
  bool original = false;  // the model's, even if a person edited it
  bool include_unsure = false;
  std::optional<double> confidence_min;  // of the model's; a person's caption always passes
};

struct ChosenCaption {
  std::string text;
  std::optional<double> confidence;  // none for a person's
  bool edited = false;               // written or approved by a person
};

/// None: the photo has no caption, or none that may be shown.
[[nodiscard]] std::optional<ChosenCaption> chosen_caption(const ResultRow& row,
                                                          const CaptionChoice& choice);

struct AltTextStyle {
  std::size_t max_characters = 125;
};

/// A caption as an alternative text: it begins with a capital and ends with a full stop. If it is
/// longer than allowed, it is cut after a word and ends with "…" instead.
[[nodiscard]] std::string alt_text(const std::string& caption, const AltTextStyle& style);

}  // namespace photoscribe::cli
