// named_objects: which objects a caption names, how probable the classifier of concepts finds each,
// and which concepts of a photo are kept. Pure, but for a table of this thread.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "common/core/confidence.h"

namespace photoscribe {

/// The objects of the built-in list (object_lexicon.h) that the caption names. Several concepts may
/// speak for one object ("man", "cyclist": person): it is there unless all of them are wrong (a
/// noisy or, Pearl 1988, section 4.3.2, of what each alone would say).
[[nodiscard]] std::vector<NamedObject> named_objects(std::string_view caption,
                                                     std::span<const Concept> concepts);

/// A concept's probability as the database keeps it: with four decimals. Captions are judged by
/// these, so that they are judged the same later.
[[nodiscard]] double kept_probability(const Concept& one) noexcept;

/// Leaves out the concepts below `min_probability`, but not those that speak for an object that the
/// caption names: its confidence depends on them.
void keep_probable(std::vector<Concept>& concepts, double min_probability,
                   std::string_view caption);

}  // namespace photoscribe
