// member_numbers: what rows call the members of one archive: a second member of a name has `#2`
// behind it, the next `#3` (member_name.h).
//
// Each name costs a few steps however many members have it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>

namespace photoscribe {

class MemberNumbers {
 public:
  /// Whether a name is somebody else's.
  using IsTaken = std::function<bool(const std::string& name)>;

  /// What the next member called `name` is called in its row. A hash that two names share costs one
  /// of them a number, no more.
  [[nodiscard]] std::string name_of(const std::string& name, const IsTaken& is_taken = {});

  /// How many names were tried so far.
  [[nodiscard]] std::int64_t tried() const noexcept { return tried_; }

 private:
  std::unordered_map<std::uint64_t, std::int32_t> last_;  // by a name's hash: the last number given
  std::int64_t tried_ = 0;
};

}  // namespace photoscribe
