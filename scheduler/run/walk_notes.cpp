#include "scheduler/run/walk_notes.h"

#include <algorithm>
#include <string>

namespace photoscribe {
namespace {

std::string photos(std::int64_t count, const char* is, const char* are) {
  return std::to_string(count) +
         (count == 1 ? " listed photo " + std::string(is) : " listed photos " + std::string(are));
}

std::string named_here(const std::string& split, std::size_t names, std::size_t found) {
  return split + " names " + std::to_string(names) + " photos, " +
         (found == 0 ? "none" : std::to_string(found)) + " of them " + (found == 1 ? "is" : "are") +
         " here";
}

}  // namespace

void note_walk(const WalkReport& report, std::vector<std::string>& notes) {
  constexpr std::size_t kShown = 20;
  for (std::size_t i = 0; i < std::min(kShown, report.warnings.size()); ++i) {
    notes.push_back(report.warnings[i]);
  }
  if (report.warnings.size() > kShown) {
    notes.push_back(std::to_string(report.warnings.size() - kShown) + " more like these");
  }
  for (const auto& [name, photos] : report.described) {
    notes.push_back(name + ": dates, places and texts of " + std::to_string(photos) +
                    (photos == 1 ? " photo" : " photos") +
                    " are kept (`photoscribe export --columns`; --no-sidecars: none)");
  }
  if (report.filtered > 0) {
    notes.push_back(std::to_string(report.filtered) +
                    " files were left out by --include, --exclude or --split");
  }
}

void note_lists(const ListReport& report, const ScanCounts& counts, PreparedRun& prepared) {
  std::vector<std::string>& notes = prepared.notes;
  if (counts.repeated > 0)
    notes.push_back(photos(counts.repeated, "was", "were") +
                    " named before: the first line of each counts");
  if (report.absent > 0) notes.push_back(photos(report.absent, "is", "are") + " not there");
  if (report.filtered > 0)
    notes.push_back(photos(report.filtered, "was", "were") +
                    " left out by --include, --exclude or --split");
  notes.insert(notes.end(), report.notes.begin(), report.notes.end());
  prepared.not_seen.insert(prepared.not_seen.end(), report.not_seen.begin(), report.not_seen.end());
  prepared.not_seen_count += report.not_seen_count;
}

void note_split(const WalkReport& report, std::size_t names, const RunRequest& request,
                PreparedRun& prepared) {
  const auto found = static_cast<std::size_t>(report.files);
  if (names == 0 || report.reached_limit || found >= names) return;
  if (found > 0) {
    prepared.notes.push_back(named_here(request.split_file, names, found));
    return;
  }
  ++prepared.not_seen_count;
  prepared.not_seen.push_back(
      {request.split_file,
       named_here("--split", names, found) +
           ": it lists file names, such as photo.jpg; does it belong to these photos?"});
}

}  // namespace photoscribe
