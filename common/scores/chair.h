// chair: how often captions name an object that is not there (CHAIR), and how many of the objects
// that people name they name.
//
// Rohrbach et al., "Object Hallucination in Image Captioning", EMNLP 2018, section 2.1. Deviations:
// there is no segmentation, what is there is what the references name or imply (object_lexicon.h),
// so it is somewhat strict where few references are; the list has our objects beside COCO's 80; and
// an object counts once a caption, as in the paper's formula (its script counts repeated words).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/scores/bleu.h"
#include "common/scores/object_lexicon.h"

namespace photoscribe {

/// So many references of a photo name an object before it is one of its main objects.
inline constexpr int kMainReferences = 3;

/// What one caption names, beside its references.
struct ChairObjects {
  ObjectIds named;         // by the caption
  ObjectIds hallucinated;  // of those: neither named nor implied by any reference
  ObjectIds main;          // named by at least kMainReferences references
  ObjectIds main_named;    // of those: named by the caption
};

/// Tokens are those of ptb_tokens().
[[nodiscard]] ChairObjects chair(const ObjectLexicon& lexicon, const Tokens& caption,
                                 std::span<const Tokens> references);
/// The same of words that ObjectLexicon::words_of() gave.
[[nodiscard]] ChairObjects chair(const ObjectLexicon& lexicon, const LexiconWords& caption,
                                 std::span<const LexiconWords> references);

/// Does the caption name something that none of these references names or implies?
[[nodiscard]] bool names_what_is_absent(const ObjectLexicon& lexicon, std::string_view caption,
                                        std::span<const std::string> references);

/// The same in numbers, which add up.
struct ChairCounts {
  std::int64_t captions = 0;
  std::int64_t captions_hallucinating = 0;  // at least one object
  std::int64_t named = 0, hallucinated = 0;
  std::int64_t main = 0, main_named = 0;
  ChairCounts& operator+=(const ChairCounts& other) noexcept;
  [[nodiscard]] ChairCounts operator*(std::int64_t times) const noexcept;
  bool operator==(const ChairCounts&) const = default;
};
[[nodiscard]] ChairCounts counts_of(const ChairObjects& objects) noexcept;

/// Each in [0, 1]; 0 where there is nothing to take a share of.
struct ChairScore {
  double chair_s = 0;  // share of captions that name at least one absent object
  double chair_i = 0;  // share of the named objects that are absent
  double recall = 0;   // share of the photos' main objects that their captions name
};
[[nodiscard]] ChairScore chair_score(const ChairCounts& sum) noexcept;

}  // namespace photoscribe
