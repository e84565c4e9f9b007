// named_objects: which objects a caption names, and how probable the classifier of concepts finds
// each. Pure, but for a table of this thread.
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

}  // namespace photoscribe
