#include "common/scores/chair.h"

#include <algorithm>
#include <iterator>

#include "common/scores/tokenize.h"

namespace photoscribe {
namespace {

/// From what the references name and support, each list by ascending id.
ChairObjects compared(const ObjectLexicon& lexicon, ObjectIds named,
                      std::span<const ObjectIds> in_references,
                      std::span<const ObjectIds> supported) {
  const auto objects = static_cast<std::size_t>(lexicon.size());
  std::vector<bool> there(objects);
  std::vector<int> references_naming(objects);
  for (const ObjectIds& ids : supported)
    for (const int id : ids) there[static_cast<std::size_t>(id)] = true;
  for (const ObjectIds& ids : in_references)
    for (const int id : ids) ++references_naming[static_cast<std::size_t>(id)];
  ChairObjects result;
  result.named = std::move(named);
  std::copy_if(result.named.begin(), result.named.end(), std::back_inserter(result.hallucinated),
               [&](int id) { return !there[static_cast<std::size_t>(id)]; });
  for (int id = 0; id < lexicon.size(); ++id)
    if (references_naming[static_cast<std::size_t>(id)] >= kMainReferences)
      result.main.push_back(id);
  std::set_intersection(result.main.begin(), result.main.end(), result.named.begin(),
                        result.named.end(), std::back_inserter(result.main_named));
  return result;
}

template <class Caption>
ChairObjects chair_of(const ObjectLexicon& lexicon, const Caption& caption,
                      std::span<const Caption> references) {
  std::vector<ObjectIds> in_references, supported;
  for (const Caption& reference : references) {
    in_references.push_back(lexicon.objects_in(reference));
    supported.push_back(lexicon.supported_by(reference));
  }
  return compared(lexicon, lexicon.objects_in(caption), in_references, supported);
}

double share(std::int64_t part, std::int64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0;
}

}  // namespace

ChairObjects chair(const ObjectLexicon& lexicon, const Tokens& caption,
                   std::span<const Tokens> references) {
  return chair_of(lexicon, caption, references);
}

ChairObjects chair(const ObjectLexicon& lexicon, const LexiconWords& caption,
                   std::span<const LexiconWords> references) {
  return chair_of(lexicon, caption, references);
}

bool names_what_is_absent(const ObjectLexicon& lexicon, std::string_view caption,
                          std::span<const std::string> references) {
  std::vector<Tokens> tokens;
  for (const std::string& reference : references) tokens.push_back(ptb_tokens(reference));
  return !chair(lexicon, ptb_tokens(caption), tokens).hallucinated.empty();
}

ChairCounts& ChairCounts::operator+=(const ChairCounts& other) noexcept {
  captions += other.captions;
  captions_hallucinating += other.captions_hallucinating;
  named += other.named;
  hallucinated += other.hallucinated;
  main += other.main;
  main_named += other.main_named;
  return *this;
}

ChairCounts ChairCounts::operator*(std::int64_t times) const noexcept {
  return {captions * times, captions_hallucinating * times,
          named * times,    hallucinated * times,
          main * times,     main_named * times};
}

ChairCounts counts_of(const ChairObjects& objects) noexcept {
  return {1,
          objects.hallucinated.empty() ? 0 : 1,
          std::ssize(objects.named),
          std::ssize(objects.hallucinated),
          std::ssize(objects.main),
          std::ssize(objects.main_named)};
}

ChairScore chair_score(const ChairCounts& sum) noexcept {
  return {share(sum.captions_hallucinating, sum.captions), share(sum.hallucinated, sum.named),
          share(sum.main_named, sum.main)};
}

}  // namespace photoscribe
