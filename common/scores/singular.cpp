#include "common/scores/singular.h"

#include <algorithm>
#include <array>

namespace photoscribe {
namespace {

struct Irregular {
  std::string_view plural, singular;
};

constexpr std::array<Irregular, 58> kIrregular{{
    {"people", "person"},
    {"men", "man"},
    {"women", "woman"},
    {"children", "child"},
    {"mice", "mouse"},
    {"geese", "goose"},
    {"feet", "foot"},
    {"teeth", "tooth"},
    {"oxen", "ox"},
    {"knives", "knife"},
    {"wives", "wife"},
    {"lives", "life"},
    {"leaves", "leaf"},
    {"loaves", "loaf"},
    {"shelves", "shelf"},
    {"bookshelves", "bookshelf"},
    {"halves", "half"},
    {"calves", "calf"},
    {"wolves", "wolf"},
    {"scarves", "scarf"},
    {"hooves", "hoof"},
    {"elves", "elf"},
    {"thieves", "thief"},
    {"selves", "self"},
    {"firemen", "fireman"},
    {"policemen", "policeman"},
    {"fishermen", "fisherman"},
    {"cookies", "cookie"},
    {"ties", "tie"},
    {"neckties", "necktie"},
    {"bowties", "bowtie"},
    {"pies", "pie"},
    {"movies", "movie"},
    {"brownies", "brownie"},
    {"smoothies", "smoothie"},
    {"veggies", "veggie"},
    {"hoodies", "hoodie"},
    {"selfies", "selfie"},
    {"doggies", "doggie"},
    {"magpies", "magpie"},
    {"beanies", "beanie"},
    {"zombies", "zombie"},
    {"shoes", "shoe"},
    {"horseshoes", "horseshoe"},
    {"snowshoes", "snowshoe"},
    {"toes", "toe"},
    {"canoes", "canoe"},
    {"buses", "bus"},
    {"minibuses", "minibus"},
    {"busses", "bus"},
    {"lenses", "lens"},
    {"axes", "axe"},
    {"dice", "die"},
    {"cacti", "cactus"},
    {"news", "news"},
    {"gas", "gas"},
    {"canvas", "canvas"},
    {"christmas", "christmas"},
}};

}  // namespace

std::string singular_of(std::string_view word) {
  const auto irregular = std::find_if(kIrregular.begin(), kIrregular.end(),
                                      [&](const Irregular& one) { return one.plural == word; });
  if (irregular != kIrregular.end()) return std::string(irregular->singular);
  const auto without = [&](std::size_t letters) {
    return std::string(word.substr(0, word.size() - letters));
  };
  if (word.size() > 4 && word.ends_with("men")) return without(2) + "an";  // cameramen
  if (word.size() < 4 || !word.ends_with('s')) return std::string(word);
  for (const std::string_view end : {"ss", "us", "is", "'s"})
    if (word.ends_with(end)) return std::string(word);
  if (word.ends_with("ies")) return without(3) + "y";
  for (const std::string_view end : {"sses", "xes", "zzes", "ches", "shes", "oes"})
    if (word.ends_with(end)) return without(2);
  return without(1);
}

}  // namespace photoscribe
