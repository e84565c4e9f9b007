#include "ops/cli/run/thumbnails.h"

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "common/core/scratch_folder.h"
#include "common/text/safe_text.h"
#include "ops/cli/config/locate.h"
#include "ops/cli/run/child_output.h"
#include "ops/cli/terminal/terminal.h"

namespace photoscribe::cli {
namespace {

constexpr std::size_t kBytesAtOnce = 64 << 10;  // of names, on one command line

std::string bytes_of(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

std::vector<std::string> make_thumbnails(const Settings& settings,
                                         const std::vector<std::string>& files) {
  std::vector<std::string> pictures(files.size());
  const auto without = [&pictures](const std::string& why) {
    write_all(STDERR_FILENO, "warning: pictures are missing: " + shown(why) + "\n");
    return pictures;
  };
  const Expected<LoadedConfig> loaded = settings.load();
  if (!loaded) return without(loaded.error().message);
  const Expected<std::string> worker = find_worker(loaded->config);
  if (!worker) return without(worker.error().message);
  const Expected<ScratchFolder> folder = ScratchFolder::make("thumbnails");
  if (!folder) return without(folder.error().message);
  for (std::size_t from = 0, to = 0; from < files.size(); from = to) {
    std::size_t bytes = 0;
    for (to = from; to < files.size() && (to == from || bytes < kBytesAtOnce); ++to) {
      bytes += files[to].size() + 1;
    }
    std::vector<std::string> words = thumbnails_command(*worker, loaded->config);
    words.insert(words.end(), {"--output", folder->path()});
    for (std::size_t i = from; i < to; ++i) words.push_back(files[i]);
    const Expected<ChildOutput> made = run_child(words, std::chrono::minutes(2));
    if (!made || made->exit_status != 0) {  // the other files may work
      (void)without(made ? made->err : made.error().message);
      continue;
    }
    for (std::size_t i = from; i < to; ++i) {
      const std::string file = folder->file(std::to_string(i - from) + ".jpg");
      pictures[i] = bytes_of(file);
      std::error_code ignored;
      std::filesystem::remove(file, ignored);
    }
  }
  return pictures;
}

}  // namespace photoscribe::cli
