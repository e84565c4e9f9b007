// chosen_caption: which words of a photo an export writes: a person's where there are some, else
// the model's where they are shown.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "scheduler/store/run_types.h"

namespace photoscribe::cli {

struct CaptionChoice {
  bool original = false;  // the model's, whatever people made of it
  bool include_unsure = false;
  std::optional<double> confidence_min;  // of the model's; a person's caption is right
};

struct ChosenCaption {
  std::string text;
  std::optional<double> confidence;  // none of a person's
  bool edited = false;               // written or approved by a person
};

/// None: the photo has no caption, or none that is to be shown.
[[nodiscard]] std::optional<ChosenCaption> chosen_caption(const ResultRow& row,
                                                          const CaptionChoice& choice);

struct AltTextStyle {
  std::size_t max_characters = 125;
};

/// A caption as an alternative text: begins with a capital, ends with a full stop, and if it is
/// longer than allowed is cut behind a word, with "…" in the full stop's place.
[[nodiscard]] std::string alt_text(const std::string& caption, const AltTextStyle& style);

}  // namespace photoscribe::cli
