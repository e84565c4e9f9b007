// listed_members: the members of archives that a list names, `photos.tar!2019/a.jpg`. Private to
// scheduler/sources.
//
// A list has any order, so they wait until there are many or the lists end; then each archive is
// listed once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "scheduler/sources/sources.h"

namespace photoscribe {

/// Of an absolute path that no file has: the length of that of the archive which may have such a
/// member; 0: none.
[[nodiscard]] std::size_t archive_in(const std::string& whole);

class ListedMembers {
 public:
  /// `file`: what is known of the member `whole`, whose archive's path has `archive_size` bytes.
  void add(const std::string& whole, std::size_t archive_size, FoundFile file);
  [[nodiscard]] bool is_full() const noexcept { return waiting_ >= kWaitingMax; }
  [[nodiscard]] bool empty() const noexcept { return waiting_ == 0; }

  struct Resolved {
    std::vector<FoundFile> files;   // those that are not there are no members
    std::vector<NotSeen> not_seen;  // in archives that cannot be read
  };
  /// Lists the archives of those that wait.
  [[nodiscard]] Resolved resolve();

 private:
  static constexpr std::int64_t kWaitingMax = 200'000;
  using Members = std::multimap<std::string, FoundFile, std::less<>>;
  static void resolve(const std::string& archive, Members& wanted, Resolved& found);

  std::map<std::string, Members> archives_;
  std::int64_t waiting_ = 0;
};

}  // namespace photoscribe
