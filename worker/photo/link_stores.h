// link_stores: where links may lead that leave their root: the caches beside a folder of photos in
// which Hugging Face, DVC and others keep the files themselves.
//
// Given by whoever starts the worker, never by a task or by Redis. Nothing outside them is opened.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "worker/photo/open_beneath.h"

namespace photoscribe {

/// Folders, and single files.
class LinkStores {
 public:
  /// Absolute, without links.
  explicit LinkStores(std::vector<std::string> places) : places_(std::move(places)) {}

  /// What `path` (absolute) leads to, for O_PATH alone. The error is an errno: EXDEV when that lies
  /// in none of the places, ENODEV when it leads nowhere and one of them is gone.
  [[nodiscard]] tl::expected<FileDescriptor, int> open(const std::string& path) const;

 private:
  std::vector<std::string> places_;
};

}  // namespace photoscribe
