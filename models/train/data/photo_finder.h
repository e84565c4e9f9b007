// photo_finder: finds the photos that captions name. Private to models/train.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace photoscribe {

class PhotoFinder {
 public:
  explicit PhotoFinder(std::vector<std::string> folders);

  /// The path of the photo called `name`, which may include folders, as may `folder` before it.
  /// First FOLDER/NAME and NAME in each of the folders, and NAME itself when it begins with a
  /// slash; else the file of that name anywhere below, the one whose last folders match best.
  /// Nothing when there is none, or when several match equally well (ambiguities() then says
  /// which).
  [[nodiscard]] std::optional<std::string> find(std::string_view folder, const std::string& name);

  /// "a.jpg is 2019/a.jpg as well as 2020/a.jpg": for names that match several files, the first
  /// few.
  [[nodiscard]] const std::vector<std::string>& ambiguities() const noexcept {
    return ambiguities_;
  }
  /// Some file names in the folders, for messages.
  [[nodiscard]] std::vector<std::string> examples(std::size_t count);

 private:
  using Paths = std::vector<std::string>;
  [[nodiscard]] Paths in_folders(const std::string& name) const;
  [[nodiscard]] Paths by_ending(const std::string& wanted);
  [[nodiscard]] std::optional<std::string> unique_path(const std::string& name, const Paths& found);
  void index_subfolders();

  std::vector<std::string> folders_;
  bool is_indexed_ = false;
  std::unordered_map<std::string, Paths> paths_by_name_;  // by the last part of the name
  std::vector<std::string> ambiguities_;
};

/// "DIR", or "DIR and 2 other folders".
[[nodiscard]] std::string folders_text(const std::vector<std::string>& folders);

}  // namespace photoscribe
