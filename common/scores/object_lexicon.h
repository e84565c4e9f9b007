// object_lexicon: which objects a caption names: COCO's 80 (class A) and some two hundred everyday
// things and scenes that captions make up (class B), each with its synonyms.
//
// The list is text (objects.txt, whose head says how it is written); it is built in, and a user may
// bring an own one. Words are taken in the singular, the longest phrase wins ("hot dog" is no dog),
// and some words are read in their context: an animal's "baby", "mother" or "family" is no person,
// "orange" before a noun is a colour, "without a hat" names no hat, and some phrases name nothing
// ("toilet paper").
// It looks at words alone: it knows no grammar and no photo.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/core/error.h"

namespace photoscribe {

/// A token as the list sees it: numbers of its vocabulary, -1 for words that it does not have.
struct LexiconWord {
  std::int32_t as_is = -1, singular = -1;
};
using LexiconWords = std::vector<LexiconWord>;

/// Objects, by ascending id, each once.
using ObjectIds = std::vector<int>;

enum class ObjectClass : std::uint8_t {
  coco,  // A: one of the 80 of COCO's detection task
  ours,  // B, and all of a list without headings
};

class ObjectLexicon {
 public:
  /// The list that is built in, read at the first call.
  [[nodiscard]] static const ObjectLexicon& built_in();

  /// Reads a list; `name` is for messages. invalid_config, with the line, for what it cannot mean.
  [[nodiscard]] static Expected<ObjectLexicon> parse(std::string_view text,
                                                     const std::string& name);
  /// The same of a file; `environment` when it cannot be read.
  [[nodiscard]] static Expected<ObjectLexicon> read(const std::string& file);

  /// Ids are 0 … size() - 1, in the order of the list.
  [[nodiscard]] int size() const noexcept { return static_cast<int>(objects_.size()); }
  [[nodiscard]] const std::string& name(int id) const { return at(id).name; }
  [[nodiscard]] ObjectClass class_of(int id) const { return at(id).kind; }
  [[nodiscard]] std::optional<int> find(std::string_view name) const;

  /// What the caption names. Tokens are those of ptb_tokens(); letter case does not matter.
  [[nodiscard]] ObjectIds objects_in(std::span<const std::string> tokens) const;
  [[nodiscard]] ObjectIds objects_in(std::string_view caption) const;
  [[nodiscard]] ObjectIds objects_in(std::span<const LexiconWord> words) const;

  /// What a reference vouches for: what it names, and what its words imply ("surfing": water). This
  /// stands for the segmentation that the paper has and we have not.
  [[nodiscard]] ObjectIds supported_by(std::span<const std::string> tokens) const;
  [[nodiscard]] ObjectIds supported_by(std::span<const LexiconWord> words) const;

  /// For callers that number their tokens: look each token up once, then ask with words. A
  /// hyphenated token is several words.
  [[nodiscard]] LexiconWords words_of(std::string_view token) const;

  /// First 12 hexadecimal digits of the list's SHA-256.
  [[nodiscard]] const std::string& hash() const noexcept { return hash_; }

 private:
  friend class ObjectListReader;
  ObjectLexicon() = default;
  struct Object {
    std::string name;
    ObjectClass kind = ObjectClass::ours;
    bool animal = false;
  };
  struct Phrase {
    std::vector<std::int32_t> words;
    ObjectIds objects;  // none: it names nothing
  };
  struct Match {
    const Phrase* phrase = nullptr;
    std::size_t words = 0;
  };
  using Phrases = std::vector<std::vector<Phrase>>;  // by first word
  enum Flag : std::uint16_t {
    kKin = 1,          // of [kin]
    kColour = 2,       // of [colours]
    kNounEnds = 4,     // before it a noun phrase is over: "and", "in", "sitting"
    kPredicate = 8,    // after it a colour is an adjective: "is", "painted", "wearing"
    kJoins = 16,       // "and", "or", "with"
    kPossessive = 32,  // "its", "her"
    kModifier = 128,   // of [modifiers]
    kNegates = 256,    // "no", "without"
    kSmall = 64,       // may stand between "its" and "baby": articles, numbers, "little"
  };

  [[nodiscard]] const Object& at(int id) const { return objects_.at(static_cast<std::size_t>(id)); }
  [[nodiscard]] LexiconWords words_of(std::span<const std::string> tokens) const;
  [[nodiscard]] Match longest(std::span<const LexiconWord> words, std::size_t from) const;
  [[nodiscard]] bool has(std::span<const LexiconWord> words, std::size_t at, int flags) const;
  [[nodiscard]] bool names_animal(const Phrase& phrase) const;
  [[nodiscard]] bool is_adjective(std::span<const LexiconWord> words, std::size_t at) const;
  [[nodiscard]] bool is_denied(std::span<const LexiconWord> words, std::size_t at) const;
  [[nodiscard]] bool kin_before_animal(std::span<const LexiconWord> words, std::size_t at) const;
  [[nodiscard]] bool kin_after_animal(std::span<const LexiconWord> words, std::size_t at,
                                      std::size_t animal_end, bool animal_has_kin,
                                      bool only_animals) const;

  std::vector<Object> objects_;
  std::unordered_map<std::string, std::int32_t> vocabulary_;
  std::vector<std::uint16_t> flags_;  // by word
  Phrases named_, implied_;
  std::string hash_;
};

}  // namespace photoscribe
