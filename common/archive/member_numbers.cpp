#include "common/archive/member_numbers.h"

namespace photoscribe {
namespace {

std::uint64_t hash_of(const std::string& name) { return std::hash<std::string>()(name); }

}  // namespace

std::string MemberNumbers::name_of(const std::string& name, const IsTaken& is_taken) {
  const auto is_free = [&](const std::string& tried) {
    ++tried_;
    return (!is_taken || !is_taken(tried)) && last_.try_emplace(hash_of(tried), 1).second;
  };
  if (is_free(name)) return name;
  std::int32_t number = last_.try_emplace(hash_of(name), 1).first->second;
  std::string numbered;
  do {
    numbered = name + "#" + std::to_string(++number);
  } while (!is_free(numbered));
  last_[hash_of(name)] = number;
  return numbered;
}

}  // namespace photoscribe
