#include "models/train/import/pickle.h"

namespace photoscribe {

using Id = Pickle::Id;

const std::vector<Id>& Pickle::items(Id id) const {
  static const std::vector<Id> kNone;
  return is(id, Kind::tuple) || is(id, Kind::list) ? at(id).items : kNone;
}

std::string_view Pickle::name_of(Id id) const {
  if (is(id, Kind::name)) return at(id).text;
  // PyTorch before 1.6 kept a module's class outside, with its source text: ('module', class, …).
  if (is(id, Kind::persistent)) {
    const std::vector<Id>& parts = items(at(id).arguments);
    const bool module =
        parts.size() > 1 && is(parts[0], Kind::text) && at(parts[0]).text == "module";
    return module && is(parts[1], Kind::name) ? at(parts[1]).text : std::string_view();
  }
  if (!is(id, Kind::call) || is(at(id).function, Kind::call)) return {};
  return name_of(at(id).function);
}

std::vector<std::pair<Id, Id>> Pickle::pairs(Id id) const {
  std::vector<std::pair<Id, Id>> all;
  if (!is(id, Kind::dictionary) && !is(id, Kind::call)) return all;
  // Python 2 gave an OrderedDict its items as an argument: a list of lists of two.
  if (name_of(id) == "collections OrderedDict" && !items(at(id).arguments).empty())
    for (const Id pair : items(items(at(id).arguments)[0]))
      if (items(pair).size() == 2) all.emplace_back(items(pair)[0], items(pair)[1]);
  const std::vector<Id>& put = at(id).items;
  for (std::size_t i = 0; i + 1 < put.size(); i += 2) all.emplace_back(put[i], put[i + 1]);
  return all;
}

std::optional<Id> Pickle::find(Id id, std::string_view key) const {
  for (const auto& [name, value] : pairs(id))
    if (is(name, Kind::text) && at(name).text == key) return value;
  return std::nullopt;
}

Id Pickle::attributes(Id id) const {
  if (!is(id, Kind::call)) return kNothing;
  const Id state = at(id).state;
  if (is(state, Kind::dictionary) || is(state, Kind::call)) return state;
  const std::vector<Id>& parts = items(state);  // (attributes, slots)
  return !parts.empty() && is(parts[0], Kind::dictionary) ? parts[0] : kNothing;
}

}  // namespace photoscribe
