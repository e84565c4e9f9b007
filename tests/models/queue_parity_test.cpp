// The same captions from the queue and from photoscribe-train evaluate.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "tests/support/temp_dir.h"

namespace photoscribe {
namespace {

/// A sharp BMP of 64 x 64 pixels: blocks of a few colours under noise, different for each seed.
std::string picture(std::uint32_t seed) {
  constexpr std::uint32_t kSide = 64, kHead = 54;
  std::string bytes(kHead + kSide * kSide * 3, '\0');
  const auto put = [&](std::size_t at, std::uint32_t value) {
    for (std::size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<char>(value >> (8 * i));
  };
  bytes.replace(0, 2, "BM");
  put(2, static_cast<std::uint32_t>(bytes.size()));
  put(10, kHead);
  put(14, 40);
  put(18, kSide);
  put(22, kSide);
  bytes[26] = 1;
  bytes[28] = 24;
  std::uint32_t state = seed * 2'654'435'761U + 1;
  for (std::size_t i = kHead; i < bytes.size(); ++i) {
    state = state * 1'664'525 + 1'013'904'223;
    const std::size_t at = (i - kHead) / 3, block = at / kSide / 16 * 4 + at % kSide / 16;
    const std::uint32_t colour = (seed * 97 + static_cast<std::uint32_t>(block) * 61 +
                                  static_cast<std::uint32_t>((i - kHead) % 3) * 89) %
                                 200;
    bytes[i] = static_cast<char>(colour + (state >> 26));
  }
  return bytes;
}

/// Runs one of our programs with standard output in the file `out`; its exit status.
int run(const std::string& command, const std::string& out) {
  const std::string line = "env -i PATH=/usr/bin:/bin LC_ALL=C.UTF-8 " PHOTOSCRIBE_BIN_DIR "/" +
                           command + " > '" + out + "'";
  return WEXITSTATUS(std::system(line.c_str()));
}

/// Captions by photo from JSON Lines, ignoring everything else.
std::map<std::string, std::string> captions_of(const std::string& path) {
  std::map<std::string, std::string> captions;
  std::ifstream text(path);
  for (std::string line; std::getline(text, line);) {
    const auto item = nlohmann::json::parse(line);
    const std::string name =
        item.contains("id") && item["id"].is_string() ? item["id"] : item["path"];
    captions[name] = item["caption"];
  }
  return captions;
}

TEST(QueueParity, TheQueueWritesTheCaptionsThatDirectEvaluationDoes) {
  const test::TempDir folder;
  std::filesystem::create_directory(folder.file("photos"));
  std::string references, list;
  for (std::uint32_t i = 0; i < 40; ++i) {
    const std::string name = "photo" + std::to_string(i) + ".bmp";
    folder.write("photos/" + name, picture(i));
    references += name + "#0\ta dog runs in the grass .\n";
    list += name + "\n";
  }
  folder.write("references.txt", references);
  folder.write("list.txt", list);
  const std::string at = folder.path().string();
  ASSERT_EQ(run("photoscribe-train init --output " + at + "/model", at + "/made"), 0);

  ASSERT_EQ(run("photoscribe run " + at + "/photos -o " + at + "/a.db --model " + at +
                    "/model --devices cpu --precision float32 --beam 3 --blur-threshold 0",
                at + "/ran"),
            0);
  ASSERT_EQ(run("photoscribe export " + at + "/a.db --format jsonl", at + "/queue.jsonl"), 0);
  ASSERT_EQ(run("photoscribe-train evaluate " + at + "/model --photos " + at +
                    "/photos --captions " + at + "/references.txt --split " + at +
                    "/list.txt --beam 3 --bootstrap 0 --hypotheses " + at + "/direct.jsonl",
                at + "/scores"),
            0);

  const auto by_queue = captions_of(at + "/queue.jsonl"),
             directly = captions_of(at + "/direct.jsonl");
  EXPECT_EQ(by_queue.size(), 40U);
  EXPECT_EQ(by_queue, directly);
  std::map<std::string, int> different;
  for (const auto& item : directly) ++different[item.second];
  EXPECT_GT(different.size(), 1U) << "a model that says one thing proves nothing";
}

}  // namespace
}  // namespace photoscribe
