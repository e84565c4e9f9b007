// splits: which photos are for training and which for evaluation, from the files that people have.
// Private to models/train.
//
// Captions come in any form of caption_file.h or as the edits of an archive's database, from one
// file or several; photos from one folder or several, at the places that the captions name or
// anywhere below (photo_finder.h). A split is the names in a list, a split of the captions, or, by
// default, a share of the photos chosen by a hash of their names, so that it is the same in every
// run and a photo stays where it is when others are added.
#pragma once

#include <string>
#include <vector>

#include "common/core/error.h"
#include "models/train/data/dataset.h"

namespace photoscribe {

struct CaptionSources {
  std::vector<std::string> photos = {};    // folders; none: photos are not looked up
  std::vector<std::string> captions = {};  // files, taken together
  bool skip_missing = false;  // leave out what a list names but does not exist, instead of failing
};

struct SplitChoice {
  /// A list of names, one per line, optionally followed by a tab and how often an epoch shows that
  /// photo. Or the name of a split of the captions, or several joined by +. Empty: read_splits()
  /// chooses.
  std::string train = {}, dev = {};
  std::vector<std::string> dev_captions = {};  // of the photos for evaluation; none: the same files
  double dev_share = 0.1;                      // of the photos, if none are named
  bool overlap = false;                        // photos may be in both
};

struct Splits {
  std::vector<CaptionedPhoto> train, dev;
  std::string held_out;  // how dev was chosen, when it was not named; in words
};

/// At most this many photos are held out by default: more make scores hardly more certain, and
/// epochs longer.
inline constexpr std::size_t kDevMax = 5'000;

/// One split, in the list's order or the captions'; `split` empty: all photos that have captions
/// and exist. What is left out is reported on standard error. Fails with invalid_config, naming
/// file and line: a name in a list without captions or photo, an empty list, a file that cannot be
/// parsed; with usage: a split that the captions do not have.
[[nodiscard]] Expected<std::vector<CaptionedPhoto>> read_split(const CaptionSources& sources,
                                                               const std::string& split);

/// Both. Train, if not named: the captions' splits train and restval, else all photos that are not
/// in dev. Dev: all of `dev_captions`, else the captions' split val, else a share of train. Fails
/// as read_split(), and with invalid_config when a photo is in both or a split is empty.
[[nodiscard]] Expected<Splits> read_splits(const CaptionSources& sources,
                                           const SplitChoice& choice);

/// Writes the names of the photos, one a line, as a list that read_split() takes.
[[nodiscard]] Status write_list(const std::string& path, const std::vector<CaptionedPhoto>& photos);

}  // namespace photoscribe
