// splits: which photos are learnt from and which are judged by, out of the files that people have.
// Private to models/train.
//
// Captions come in any form of caption_file.h or as the edits of an archive's database, from one
// file or from several; photos from one
// folder or several, at the places that the captions name or anywhere below (photo_finder.h). What
// a split is: the names in a list, a split that the captions themselves have, or, where nobody
// says, a share of the photos that a hash of their names picks, so that it is the same in every run
// and a photo stays where it is when others are added.
#pragma once

#include <string>
#include <vector>

#include "common/core/error.h"
#include "models/train/data/dataset.h"

namespace photoscribe {

struct CaptionSources {
  std::vector<std::string> photos = {};    // folders; none: nobody asks where photos lie
  std::vector<std::string> captions = {};  // files, taken together
  bool skip_missing = false;  // leave out what a list names and is not there, instead of failing
};

struct SplitChoice {
  /// A list of names, one a line; behind a tab may stand how often an epoch shows that photo. Or
  /// the name of a split of the captions, or several joined by +. Empty: read_splits() chooses.
  std::string train = {}, dev = {};
  std::vector<std::string> dev_captions = {};  // of the photos to judge by; none: the same files
  double dev_share = 0.1;                      // of the photos, where nobody says which
  bool overlap = false;                        // photos may be in both
};

struct Splits {
  std::vector<CaptionedPhoto> train, dev;
  std::string held_out;  // how dev came about, when nobody named it: for people
};

/// At most this many photos are held out by themselves: scores hardly get surer, epochs longer.
inline constexpr std::size_t kDevMax = 5'000;

/// One split, in the list's order or the captions'; `split` empty: all photos that have captions
/// and are there. What is left out is said on standard error. Fails with invalid_config, naming
/// file and line: a name in a list without captions or photo, an empty list, a file that is not
/// understood; with usage: a split that the captions do not have.
[[nodiscard]] Expected<std::vector<CaptionedPhoto>> read_split(const CaptionSources& sources,
                                                               const std::string& split);

/// Both. Train, where nobody names it: the captions' splits train and restval, else all photos that
/// are not in dev. Dev: all of `dev_captions`, else the captions' split val, else a share of train.
/// Fails as read_split(), and with invalid_config when a photo is in both or a split is empty.
[[nodiscard]] Expected<Splits> read_splits(const CaptionSources& sources,
                                           const SplitChoice& choice);

/// Writes the names of the photos, one a line, as a list that read_split() takes.
[[nodiscard]] Status write_list(const std::string& path, const std::vector<CaptionedPhoto>& photos);

}  // namespace photoscribe
