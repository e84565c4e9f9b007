// object_list: the text of a list of objects into an ObjectLexicon. Private to common/scores.
#pragma once

#include <string>
#include <string_view>

#include "common/scores/object_lexicon.h"

namespace photoscribe {

extern const char* const kBuiltInObjects;  // objects.txt

/// Fills one lexicon from one text, line by line.
class ObjectListReader {
 public:
  ObjectListReader(std::string_view text, const std::string& name) : text_(text), file_(name) {}
  [[nodiscard]] Expected<ObjectLexicon> read();

 private:
  enum class Section { coco, ours, implied, animals, kin, colours, modifiers, nothing };

  [[nodiscard]] tl::unexpected<Error> wrong(const std::string& why) const;
  Status take(std::string_view line);
  Status enter(std::string_view heading);
  Status add_object(std::string_view line);
  Status add_implied(std::string_view line);
  Status add_words(std::string_view line);
  Status add_phrase(ObjectLexicon::Phrases& phrases, std::string_view text,
                    std::optional<int> object);
  std::int32_t number_of(std::string_view word);
  void mark(std::string_view word, std::uint16_t flag);
  void mark_grammar();

  std::string_view text_;
  const std::string& file_;
  std::int64_t line_ = 0;  // where the line that is being read begins
  Section section_ = Section::ours;
  ObjectLexicon lexicon_;
};

}  // namespace photoscribe
