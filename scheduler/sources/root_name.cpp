#include "scheduler/sources/root_name.h"

namespace photoscribe {

std::string root_name_for(const std::string& folder, const std::set<std::string>& taken) {
  std::string name;
  for (const char c : folder.substr(folder.rfind('/') + 1)) {
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    const bool plain = (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9');
    if (plain || lower == '_' || lower == '-') {
      if (name.size() < 40) name += lower;
    } else if (!name.empty() && name.back() != '-') {
      name += '-';
    }
  }
  while (!name.empty() && name.back() == '-') name.pop_back();
  while (!name.empty() && name.front() == '-') name.erase(0, 1);  // would read as an option
  if (name.empty()) name = "photos";
  if (!taken.contains(name)) return name;
  for (int number = 2;; ++number) {
    std::string numbered = name + "-" + std::to_string(number);
    if (!taken.contains(numbered)) return numbered;
  }
}

}  // namespace photoscribe
