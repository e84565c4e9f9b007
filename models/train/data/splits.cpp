#include "models/train/data/splits.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "common/core/fnv1a.h"
#include "common/core/output_file.h"
#include "common/scores/caption_file.h"
#include "common/scores/tokenize.h"
#include "models/train/data/archive_captions.h"
#include "models/train/data/photo_finder.h"

namespace photoscribe {
namespace {

/// The contents of some caption files, each of which is read once.
struct References {
  std::string files;  // for messages
  std::vector<NamedReferences> photos;
  std::unordered_map<std::string, std::size_t> place;  // by name
  std::set<std::string> splits;
};

struct Chosen {
  const NamedReferences* photo = nullptr;
  int times = 1;
  std::string path = {};
};
using Choice = std::vector<Chosen>;

/// A count of problems and the first few names, for messages.
class Some {
 public:
  void add(const std::string& name) {
    constexpr std::size_t kNamed = 3;
    if (++count_ <= kNamed) names_ += (names_.empty() ? "" : ", ") + name;
  }
  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  [[nodiscard]] std::string names() const { return names_ + (count_ > 3 ? ", …" : ""); }

 private:
  std::size_t count_ = 0;
  std::string names_;
};

void note(const std::string& text) { std::fprintf(stderr, "note: %s\n", text.c_str()); }

std::string count_of(std::size_t count, const char* what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

bool is_list(const std::string& split) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(split, ignored);
}

Expected<References> read_all(const std::vector<std::string>& files) {
  References all;
  for (const std::string& file : files) {
    LeftOut left_out;
    auto read = is_archive(file) ? read_archive(file) : read_references(file, {}, false, &left_out);
    if (!read) return fail(read.error());
    if (left_out.count > 0) note(file + ": " + to_text(left_out));
    all.files += (all.files.empty() ? "" : " and ") + file;
    for (NamedReferences& one : *read) {
      if (!one.split.empty()) all.splits.insert(one.split);
      const auto [found, is_new] = all.place.try_emplace(one.file_name, all.photos.size());
      if (is_new) {
        all.photos.push_back(std::move(one));
      } else {
        auto& known = all.photos[found->second].captions;
        known.insert(known.end(), one.captions.begin(), one.captions.end());
      }
    }
  }
  return all;
}

/// "NAME" or "NAME<TAB>TIMES": removes the tab and what follows, and returns that; nothing when it
/// is not a number from 0 to 1,000.
std::optional<int> take_times(std::string& line) {
  const auto tab = line.rfind('\t');
  if (tab == std::string::npos) return 1;
  int times = -1;
  const char* end = line.data() + line.size();
  const auto read = std::from_chars(line.data() + tab + 1, end, times);
  if (read.ec != std::errc{} || read.ptr != end || times < 0 || times > 1'000) return std::nullopt;
  line.resize(tab);
  return times;
}

/// The photo that a list calls `name`: by its whole name, or by its last part.
const NamedReferences* named(const References& all, const std::string& name) {
  auto found = all.place.find(name);
  if (found == all.place.end()) found = all.place.find(name.substr(name.rfind('/') + 1));
  return found == all.place.end() ? nullptr : &all.photos[found->second];
}

/// The photos that the list names, in its order.
Expected<Choice> in_order_of(const std::string& list, const References& all, bool skip_missing) {
  std::ifstream file(list);
  if (!file) return fail(Errc::invalid_config, list + ": cannot be opened");
  Choice chosen;
  Some unknown;
  std::size_t number = 0, names = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty()) continue;
    ++names;
    const auto times = take_times(line);
    if (!times)
      return fail(
          Errc::invalid_config,
          list + ", line " + std::to_string(number) +
              ": the number after the tab, how often an epoch shows the photo, must be 0 to 1000");
    const NamedReferences* const found = named(all, line);
    if (found == nullptr) {
      unknown.add("line " + std::to_string(number) + ": " + line);
    } else {
      chosen.push_back({found, *times});
    }
  }
  const std::string problem = list + ": " + std::to_string(unknown.count()) + " of its " +
                              count_of(names, "photo") + " have no caption in " + all.files + " (" +
                              unknown.names() + ")";
  if (unknown.count() > 0 && (!skip_missing || chosen.empty()))
    return fail(Errc::invalid_config,
                problem + "; remove them from the list, or skip them with --skip-missing");
  if (unknown.count() > 0) note(problem + ": left out");
  if (chosen.empty()) return fail(Errc::invalid_config, list + ": names no photo");
  return chosen;
}

Choice everything(const References& all) {
  Choice chosen;
  for (const NamedReferences& photo : all.photos) chosen.push_back({&photo});
  return chosen;
}

std::string listed(const std::set<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

/// The photos in the splits of these names, joined by +.
Expected<Choice> of_splits(const std::string& names, const References& all) {
  std::set<std::string> wanted;
  for (std::size_t at = 0; at <= names.size();) {
    const std::size_t plus = std::min(names.find('+', at), names.size());
    const std::string one = names.substr(at, plus - at);
    if (!all.splits.contains(one)) {
      return fail(Errc::usage,
                  names + ": is not a file, and " + all.files +
                      (all.splits.empty()
                           ? " has no splits; give a list of photos, one name per line"
                           : " has no split \"" + one + "\"; there are: " + listed(all.splits)));
    }
    wanted.insert(one);
    at = plus + 1;
  }
  Choice chosen;
  for (const NamedReferences& photo : all.photos)
    if (wanted.contains(photo.split)) chosen.push_back({&photo});
  return chosen;
}

Expected<Choice> choose(const std::string& split, const References& all, bool skip_missing) {
  if (split.empty()) return everything(all);
  return is_list(split) ? in_order_of(split, all, skip_missing) : of_splits(split, all);
}

/// The error when none of the photos exists: what the captions call them, and what files there are.
tl::unexpected<Error> none_there(const CaptionSources& sources, const std::string& files,
                                 const Some& missing, PhotoFinder& finder) {
  Some existing;
  for (const std::string& name : finder.examples(3)) existing.add(name);
  return fail(Errc::invalid_config,
              folders_text(sources.photos) + ": holds no photo that " + files + " names (" +
                  missing.names() + "); " +
                  (existing.count() == 0 ? "it has no files" : "it has " + existing.names()));
}

/// Finds the photos. Missing ones are removed, with a note; if a list named them (`list`, else
/// empty), that is an error.
Status locate(Choice& chosen, const CaptionSources& sources, const std::string& files,
              const std::string& list, PhotoFinder& finder) {
  if (sources.photos.empty()) {
    for (Chosen& one : chosen) one.path = one.photo->file_name;
    return {};
  }
  Some missing;
  const std::size_t all = chosen.size();
  std::erase_if(chosen, [&](Chosen& one) {
    auto path = finder.find(one.photo->folder, one.photo->file_name);
    if (!path) missing.add(one.photo->file_name);
    one.path = std::move(path).value_or("");
    return one.path.empty();
  });
  if (!finder.ambiguities().empty())
    return fail(Errc::invalid_config,
                finder.ambiguities().front() +
                    "; name the folder in the captions, or only one of them with --photos");
  if (missing.count() == 0) return {};
  if (chosen.empty()) return none_there(sources, files, missing, finder);
  const bool listed = !list.empty();
  const std::string problem = (listed ? list : files) + ": " + std::to_string(missing.count()) +
                              " of the " + count_of(all, "photo") +
                              (listed ? "" : " with captions") + " are not in " +
                              folders_text(sources.photos) + " (" + missing.names() + ")";
  if (listed && !sources.skip_missing)
    return fail(
        Errc::invalid_config,
        problem + "; name their folder with another --photos, or skip them with --skip-missing");
  note(problem + ": left out");
  return {};
}

/// FNV-1a with a final mix: names of one camera differ in a digit or two.
std::uint64_t hash_of(const std::string& name) {
  std::uint64_t hash = fnv1a(name);
  hash ^= hash >> 33;
  hash *= 0xff51afd7ed558ccdULL;
  hash ^= hash >> 33;
  hash *= 0xc4ceb9fe1a85ec53ULL;
  return hash ^ (hash >> 33);
}

/// Takes about that share out of `train`, at least one photo and at most kDevMax, and returns it.
Choice hold_out(Choice& train, double share) {
  std::vector<std::pair<std::uint64_t, std::size_t>> order;
  for (std::size_t i = 0; i < train.size(); ++i)
    order.emplace_back(hash_of(train[i].photo->file_name), i);
  std::sort(order.begin(), order.end());
  const double below = std::ldexp(share, 64);
  const auto wanted =
      static_cast<std::size_t>(std::count_if(order.begin(), order.end(), [below](const auto& one) {
        return static_cast<double>(one.first) < below;
      }));
  const std::size_t count = std::clamp<std::size_t>(wanted, 1, std::min(kDevMax, train.size() - 1));
  std::vector<bool> out(train.size(), false);
  for (std::size_t i = 0; i < count; ++i) out[order[i].second] = true;
  Choice dev, rest;
  for (std::size_t i = 0; i < train.size(); ++i)
    (out[i] ? dev : rest).push_back(std::move(train[i]));
  train = std::move(rest);
  return dev;
}

std::unordered_set<std::string> paths_of(const Choice& chosen) {
  std::unordered_set<std::string> paths;
  for (const Chosen& one : chosen) paths.insert(one.path);
  return paths;
}

Status refuse_overlap(const Choice& train, const Choice& dev) {
  const auto learnt = paths_of(train);
  Some both;
  for (const Chosen& one : dev)
    if (learnt.contains(one.path)) both.add(one.photo->file_name);
  if (both.count() == 0) return {};
  return fail(Errc::invalid_config, count_of(both.count(), "photo") + " of " +
                                        std::to_string(dev.size()) +
                                        " for evaluation are also trained on (" + both.names() +
                                        "), which makes scores too good; remove them from one of "
                                        "the two, or allow it with --allow-overlap");
}

/// Captions as words; photos without any are removed, with a note.
std::vector<CaptionedPhoto> to_words(const Choice& chosen, const std::string& files) {
  std::vector<CaptionedPhoto> photos;
  Some wordless;
  for (const Chosen& one : chosen) {
    CaptionedPhoto photo{one.photo->file_name, {}, one.times, one.path};
    for (const std::string& caption : one.photo->captions)
      if (Tokens tokens = ptb_tokens(caption); !tokens.empty())
        photo.captions.push_back(std::move(tokens));
    if (photo.captions.empty()) {
      wordless.add(photo.name);
    } else {
      photos.push_back(std::move(photo));
    }
  }
  if (wordless.count() > 0)
    note(files + ": " + count_of(wordless.count(), "photo") + " without a caption of words (" +
         wordless.names() + "): left out");
  return photos;
}

/// The default of train, from the splits that the captions have.
std::string own_train(const References& all) {
  if (!all.splits.contains("train")) return {};
  return all.splits.contains("restval") ? "train+restval" : "train";
}

}  // namespace

Expected<std::vector<CaptionedPhoto>> read_split(const CaptionSources& sources,
                                                 const std::string& split) {
  const auto all = read_all(sources.captions);
  if (!all) return fail(all.error());
  auto chosen = choose(split, *all, sources.skip_missing);
  if (!chosen) return fail(chosen.error());
  PhotoFinder finder(sources.photos);
  const std::string list = is_list(split) ? split : "";
  if (Status s = locate(*chosen, sources, all->files, list, finder); !s) return fail(s.error());
  auto photos = to_words(*chosen, all->files);
  if (photos.empty()) return fail(Errc::invalid_config, all->files + ": no caption has a word");
  return photos;
}

Expected<Splits> read_splits(const CaptionSources& sources, const SplitChoice& choice) {
  const auto all = read_all(sources.captions);
  if (!all) return fail(all.error());
  std::optional<References> apart;
  if (!choice.dev_captions.empty()) {
    auto read = read_all(choice.dev_captions);
    if (!read) return fail(read.error());
    apart = std::move(*read);
  }
  const References& judges = apart ? *apart : *all;
  const bool has_val = !apart && judges.splits.contains("val") && !is_list(choice.train);
  const std::string train_split = choice.train.empty() ? own_train(*all) : choice.train,
                    dev_split = choice.dev.empty() && has_val ? "val" : choice.dev;
  const bool dev_named = apart.has_value() || !dev_split.empty();

  PhotoFinder finder(sources.photos);
  const auto take = [&](const std::string& split, const References& from) -> Expected<Choice> {
    auto chosen = choose(split, from, sources.skip_missing);
    if (!chosen) return chosen;
    const std::string list = is_list(split) ? split : "";
    if (Status s = locate(*chosen, sources, from.files, list, finder); !s) return fail(s.error());
    return chosen;
  };
  auto train = take(train_split, *all);
  if (!train) return fail(train.error());
  Expected<Choice> dev = dev_named ? take(dev_split, judges) : Choice{};
  if (!dev) return fail(dev.error());

  Splits splits;
  if (dev_named && train_split.empty()) {
    const auto judged = paths_of(*dev);
    std::erase_if(*train, [&](const Chosen& one) { return judged.contains(one.path); });
  }
  if (!dev_named && train->size() > 1) {
    *dev = hold_out(*train, choice.dev_share);
    splits.held_out =
        count_of(dev->size(), "photo") + " of " + std::to_string(train->size() + dev->size()) +
        " held out for evaluation, chosen by a hash of their names (--dev-share, --dev)";
  }
  if (train->empty() || dev->empty())
    return fail(Errc::invalid_config,
                all->files + ": " + count_of(train->size() + dev->size(), "photo") +
                    " with captions in all: at least one to train on and one for evaluation are "
                    "needed (and a few hundred for useful captions)");
  if (!choice.overlap)
    if (Status s = refuse_overlap(*train, *dev); !s) return fail(s.error());
  splits.train = to_words(*train, all->files);
  splits.dev = to_words(*dev, judges.files);
  if (splits.train.empty() || splits.dev.empty())
    return fail(Errc::invalid_config, all->files + ": no caption has a word");
  return splits;
}

Status write_list(const std::string& path, const std::vector<CaptionedPhoto>& photos) {
  const auto out = OutputFile::open(path, OutputFile::Unfinished::is_reused);
  if (!out) return fail(out.error());
  for (const CaptionedPhoto& photo : photos) {
    const std::string times = photo.times == 1 ? "" : "\t" + std::to_string(photo.times);
    if (Status s = (*out)->add(photo.name + times + "\n"); !s) return s;
  }
  return (*out)->finish();
}

}  // namespace photoscribe
