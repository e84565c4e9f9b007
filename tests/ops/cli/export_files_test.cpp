// export of files beside photos and of text in them: the program on real photos, read by exiftool.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "scheduler/process/program.h"
#include "tests/ops/cli/exiftool.h"
#include "tests/ops/cli/program.h"
#include "tests/scheduler/store/store_fixture.h"

namespace photoscribe::cli {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
namespace fs = std::filesystem;

std::string bytes_of(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

FoundFile found_file(const fs::path& root, const std::string& path) {
  struct stat there {};
  EXPECT_EQ(::stat((root / path).c_str(), &there), 0) << path;
  FoundFile found;
  found.path = path;
  found.size_bytes = there.st_size;
  found.mtime_ns = std::int64_t{there.st_mtim.tv_sec} * 1'000'000'000 + there.st_mtim.tv_nsec;
  found.inode = static_cast<std::int64_t>(there.st_ino);
  return found;
}

class ExportFiles : public test::StoreTest {
 protected:
  /// Photos of every kind, captioned "a photo of NAME" with a confidence; one is blurred.
  void SetUp() override {
    StoreTest::SetUp();
    fs::create_directories(photos() / "sub");
    for (const char* name : {"street.jpg", "street.png", "meadow.webp", "street.tif", "street.bmp",
                             "street_blurred.jpg"}) {
      fs::copy_file(PHOTOSCRIBE_SOURCE_DIR "/tests/data/photos/" + std::string(name),
                    photos() / name);
    }
    fs::copy_file(photos() / "street.jpg", photos() / "sub" / "it's <1>.jpg");
    EXPECT_EQ(scan_photos().added, 7);
    std::vector<Result> results;
    for (const Task& task : take()) {
      if (task.path == "street_blurred.jpg") {
        results.push_back(test::blurred(task));
      } else {
        results.push_back(test::captioned(task, "a photo of " + task.path));
      }
    }
    record(results);
    store_.reset();  // and its lock
  }

  fs::path photos() const { return folder_.path() / "photos"; }

  ScanCounts scan_photos() {
    if (!store_) reopen();
    std::vector<FoundFile> files;
    for (const auto& one : fs::recursive_directory_iterator(photos())) {
      const std::string path = fs::relative(one.path(), photos()).string();
      const std::string kind = one.path().extension().string();
      if (one.is_regular_file() && kind != ".xmp" && kind != ".txt")
        files.push_back(found_file(photos(), path));
    }
    Scan scan = test::must(store().begin_scan(run_, {{"photos", photos().string()}}, false));
    test::must(scan.add(files));
    const std::vector<Scan::Walked> walked{{0, ""}};
    return test::must(scan.finish(walked, {}));
  }

  ChildOutput exported(std::vector<std::string> words, int status) {
    words.insert(words.begin(), {"export", database()});
    const ChildOutput out = photoscribe(words);
    EXPECT_EQ(out.exit_status, status) << out.out << out.err;
    return out;
  }

  json summary(std::vector<std::string> words, int status = 0) {
    words.emplace_back("--json");
    return json::parse(exported(std::move(words), status).out);
  }

  /// Every file of the folder, with its bytes.
  std::map<std::string, std::string> tree() const {
    std::map<std::string, std::string> all;
    for (const auto& one : fs::recursive_directory_iterator(photos())) {
      if (one.is_regular_file()) all[one.path().string()] = bytes_of(one.path());
    }
    return all;
  }

  /// Changes rows from outside; how many.
  int change(const std::string& sql) const {
    sqlite3* db = nullptr;
    EXPECT_EQ(sqlite3_open(database().c_str(), &db), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
    const int rows = sqlite3_changes(db);
    sqlite3_close(db);
    return rows;
  }

  std::string undo_log() const {
    for (const auto& one : fs::directory_iterator(folder_.path())) {
      if (one.path().string().find(".undo-") != std::string::npos) return one.path();
    }
    return {};
  }
};

TEST_F(ExportFiles, SidecarsAreReadByExiftoolAndUndone) {
  const auto before = tree();
  const ChildOutput dry = exported({"--format", "xmp", "--dry-run"}, 0);
  EXPECT_THAT(dry.out, AllOf(HasSubstr("Would write 6 sidecars"), HasSubstr("street.jpg.xmp")));
  const json rehearsed = summary({"--format", "xmp", "--dry-run"});  // one object, no list
  EXPECT_EQ(rehearsed["new"], 6);
  EXPECT_EQ(tree(), before);

  const json first = summary({"--format", "xmp"});
  EXPECT_EQ(first["new"], 6);
  EXPECT_EQ(first["no_caption"], 1);
  EXPECT_FALSE(fs::exists(photos() / "street_blurred.jpg.xmp"));
  if (has_exiftool()) {
    const std::string odd = (photos() / "sub" / "it's <1>.jpg.xmp").string();
    const std::string plain = (photos() / "street.png.xmp").string();
    auto read = read_by_exiftool({odd, plain});
    EXPECT_EQ(read[odd]["Description"], "a photo of sub/it's <1>.jpg");
    EXPECT_EQ(read[odd]["AltTextAccessibility"], "a photo of sub/it's <1>.jpg");
    EXPECT_EQ(read[plain]["Description"], "a photo of street.png");
    EXPECT_EQ(read[plain]["Model"], "test aaaaaaaaaaaa");
  }
  EXPECT_EQ(summary({"--format", "xmp"})["unchanged"], 6);

  const ChildOutput undone = exported({"--undo", undo_log()}, 0);
  EXPECT_THAT(undone.out, HasSubstr("6 removed"));
  EXPECT_EQ(tree(), before);
}

TEST_F(ExportFiles, SidecarsOfOthersAreMergedAndRestored) {
  const std::string theirs =
      "<x:xmpmeta xmlns:x='adobe:ns:meta/'>\n"
      " <rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\n"
      "  <rdf:Description rdf:about='' xmlns:xmp='http://ns.adobe.com/xap/1.0/' xmp:Rating='4'\n"
      "    xmlns:dc='http://purl.org/dc/elements/1.1/'>\n"
      "   <dc:description><rdf:Alt><rdf:li xml:lang='x-default'>Rex</rdf:li></rdf:Alt>"
      "</dc:description>\n"
      "  </rdf:Description>\n </rdf:RDF>\n</x:xmpmeta>\n";
  const std::string file = (photos() / "street.jpg.xmp").string();
  std::ofstream(file) << theirs;
  ::chmod(file.c_str(), 0640);
  const auto before = tree();

  const json done = summary({"--format", "xmp"});
  EXPECT_EQ(done["merged"], 1);
  EXPECT_EQ(done["kept_descriptions"], 1);
  EXPECT_THAT(bytes_of(file), AllOf(HasSubstr("Rex"), HasSubstr("xmp:Rating='4'"),
                                    HasSubstr("a photo of street.jpg")));
  struct stat now {};
  ASSERT_EQ(::stat(file.c_str(), &now), 0);
  EXPECT_EQ(now.st_mode & 0777, 0640U);

  exported({"--undo", undo_log()}, 0);
  EXPECT_EQ(tree(), before);
  EXPECT_EQ(summary({"--format", "xmp", "--overwrite", "--undo-log", folder_.file("log")})["new"],
            5);
  EXPECT_THAT(bytes_of(file), Not(HasSubstr("Rex")));
}

TEST_F(ExportFiles, WordsInThePhotoChangeNothingElseAndCaptionNothingAnew) {
  const std::string jpeg = (photos() / "street.jpg").string();
  ::chmod(jpeg.c_str(), 0604);
  const bool attributes = ::setxattr(jpeg.c_str(), "user.tag", "boat", 4, 0) == 0;
  std::map<std::string, struct stat> was;
  for (const auto& [file, bytes] : tree()) ::stat(file.c_str(), &was[file]);
  const auto before = tree();

  const json done = summary({"--format", "xmp", "--in-place"}, 1);
  EXPECT_EQ(done["new"], 5);
  ASSERT_EQ(done["left_alone"].size(), 1U);
  EXPECT_THAT(std::string(done["left_alone"][0]["reason"]), HasSubstr("only JPEG, PNG, WebP"));

  struct stat now {};
  ASSERT_EQ(::stat(jpeg.c_str(), &now), 0);
  EXPECT_EQ(now.st_mode & 0777, 0604U);
  EXPECT_EQ(now.st_mtim.tv_sec, was[jpeg].st_mtim.tv_sec);
  EXPECT_EQ(now.st_mtim.tv_nsec, was[jpeg].st_mtim.tv_nsec);
  if (attributes) {
    char tag[8] = "";
    EXPECT_EQ(::getxattr(jpeg.c_str(), "user.tag", tag, sizeof tag), 4);
  }
  if (has_exiftool()) {
    std::vector<std::string> files;
    for (const char* name : {"street.jpg", "street.png", "meadow.webp", "street.tif"})
      files.push_back((photos() / name).string());
    for (auto& [file, read] : read_by_exiftool(files)) {
      EXPECT_EQ(read["Description"], "a photo of " + fs::path(file).filename().string()) << file;
      EXPECT_TRUE(read["Warning"].is_null()) << file << read["Warning"];
    }
  }

  const ScanCounts again = scan_photos();
  EXPECT_EQ(again.changed, 0);
  EXPECT_EQ(again.unchanged, 7);
  store_.reset();
  EXPECT_EQ(summary({"--format", "xmp", "--in-place"}, 1)["unchanged"], 5);

  exported({"--undo", undo_log()}, 0);
  EXPECT_EQ(tree(), before);
  EXPECT_EQ(scan_photos().changed, 0);
}

TEST_F(ExportFiles, AKilledExportLeavesARowThatTheNextOneMends) {
  const std::string jpeg = (photos() / "street.jpg").string();
  const auto old_size = fs::file_size(jpeg);
  EXPECT_EQ(summary({"--format", "xmp", "--in-place"}, 1)["new"], 5);
  // As if it had been killed after the renames.
  EXPECT_EQ(change("UPDATE image SET size_bytes = " + std::to_string(old_size) +
                   " WHERE path = x'7374726565742e6a7067'"),
            1);
  EXPECT_EQ(summary({"--format", "xmp", "--in-place"}, 1)["unchanged"], 5);
  EXPECT_EQ(scan_photos().changed, 0);
}

// One photo under two roots: the second change of it is refused when the first has been made.
TEST_F(ExportFiles, WhatIsRefusedInTheEndIsNotCounted) {
  reopen();
  const FoundFile once = found_file(photos(), "street.jpg");
  FoundFile again = once;
  again.root = 1;
  Scan scan = test::must(store().begin_scan(
      run_, {{"photos", photos().string()}, {"again", photos().string() + "/."}}, false));
  test::must(scan.add(std::vector{once, again}));
  test::must(scan.finish({}, {}));
  std::vector<Result> results;
  for (const Task& task : take()) results.push_back(test::captioned(task, "a photo"));
  record(results);
  store_.reset();
  const json report = summary({"--format", "xmp", "--in-place"}, 1);
  EXPECT_EQ(report.at("merged"), 0) << report;
  EXPECT_EQ(report.at("new"), 5) << report;
}

TEST_F(ExportFiles, Issue16AnUndoThatIsKilledBeforeItNotesASizeIsMendedByTheNextOne) {
  const std::string jpeg = (photos() / "street.jpg").string(), original = bytes_of(jpeg);
  EXPECT_EQ(summary({"--format", "xmp", "--in-place"}, 1)["new"], 5);
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(database().c_str(), &db), SQLITE_OK);
  // A writer waits for this transaction: photos are restored, but their sizes cannot be recorded.
  ASSERT_EQ(sqlite3_exec(db, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  ProgramOptions undo;
  undo.executable = program();
  undo.words = {"photoscribe", "export", database(), "--undo", undo_log()};
  undo.environment = {"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8"};
  const pid_t child = Program(std::move(undo)).start({-1, -1, 2});
  for (int i = 0; i < 6'000 && bytes_of(jpeg) != original; ++i) ::usleep(10'000);
  EXPECT_EQ(bytes_of(jpeg), original);
  ::kill(child, SIGKILL);
  EXPECT_EQ(shell_status_of(reap(child)), 128 + SIGKILL);
  sqlite3_exec(db, "ROLLBACK", nullptr, nullptr, nullptr);
  sqlite3_close(db);

  exported({"--undo", undo_log()}, 0);

  EXPECT_EQ(scan_photos().changed, 0) << "nothing is captioned again";
  store_.reset();
  exported({"--undo", undo_log()}, 0);  // once more changes nothing
  EXPECT_EQ(scan_photos().changed, 0);
}

TEST_F(ExportFiles, IptcIsReadByExiftool) {
  const json done = summary({"--format", "iptc", "--in-place"}, 1);
  EXPECT_EQ(done["new"], 2);
  if (has_exiftool()) {
    const std::string jpeg = (photos() / "street.jpg").string();
    auto read = read_by_exiftool({jpeg});
    EXPECT_EQ(read[jpeg]["Caption-Abstract"], "a photo of street.jpg");
    EXPECT_EQ(read[jpeg]["CodedCharacterSet"], "UTF8");
  }
  EXPECT_EQ(scan_photos().changed, 0);
}

TEST_F(ExportFiles, WhatMayNotBeWrittenIsLeftAloneWithAReason) {
  fs::create_hard_link(photos() / "street.png", folder_.path() / "other_name.png");
  const std::string real = (folder_.path() / "real.webp").string();
  fs::rename(photos() / "meadow.webp", real);
  fs::create_symlink(real, photos() / "meadow.webp");
  std::ofstream(photos() / "street.tif", std::ios::app) << "x";
  fs::remove(photos() / "street.bmp");
  const auto before = tree();
  const json done = summary({"--format", "xmp", "--in-place"}, 1);
  std::string reasons;
  for (const json& one : done["left_alone"]) reasons += std::string(one["reason"]) + "\n";
  EXPECT_THAT(reasons,
              AllOf(HasSubstr("hard links"), HasSubstr("it is a symbolic link"),
                    HasSubstr("changed since it was captioned"), HasSubstr("No such file")));
  EXPECT_EQ(done["new"], 2);
  EXPECT_EQ(bytes_of(real), bytes_of(PHOTOSCRIBE_SOURCE_DIR "/tests/data/photos/meadow.webp"));
}

TEST_F(ExportFiles, HumanTextInThePhotoIsNotHiddenByASidecar) {
  const std::string jpeg = (photos() / "street.jpg").string();
  const auto times = fs::last_write_time(jpeg);
  std::string bytes = bytes_of(jpeg);
  const std::string packet =
      std::string("http://ns.adobe.com/xap/1.0/\0", 29) +
      "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description "
      "rdf:about='' xmlns:dc='http://purl.org/dc/elements/1.1/'><dc:description><rdf:Alt><rdf:li "
      "xml:lang='x-default'>Rex</rdf:li></rdf:Alt></dc:description></rdf:Description></rdf:RDF>";
  const auto size = packet.size() + 2;
  bytes.insert(
      2,
      std::string{'\xff', '\xe1', static_cast<char>(size >> 8), static_cast<char>(size)} + packet);
  std::ofstream(jpeg, std::ios::binary) << bytes;
  fs::last_write_time(jpeg, times);
  scan_photos();
  for (const Task& task : take()) record({test::captioned(task, "a dog")});
  store_.reset();
  const json done = summary({"--format", "xmp"});
  EXPECT_EQ(done["kept_descriptions"], 1);
  EXPECT_THAT(bytes_of(jpeg + ".xmp"),
              AllOf(Not(HasSubstr("dc:description")), HasSubstr("AltTextAccessibility")));
}

TEST_F(ExportFiles, AReadOnlyArchiveIsMirrored) {
  const std::string into = folder_.file("mirror");
  const auto before = tree();
  EXPECT_EQ(summary({"--format", "xmp", "--into", into})["new"], 6);
  EXPECT_TRUE(fs::exists(into + "/sub/it's <1>.jpg.xmp"));
  EXPECT_EQ(tree(), before);
  EXPECT_EQ(summary({"--format", "txt", "--into", into}, 1)["new"], 3);  // street.* share a name
}

TEST_F(ExportFiles, LightroomsNamesAreGivenOnce) {
  const json done = summary({"--format", "xmp", "--style", "lightroom"}, 1);
  EXPECT_EQ(done["new"], 3);  // street.xmp, meadow.xmp, sub/…
  EXPECT_EQ(done["left_alone"][0]["photos"], 3);
  const json again = summary({"--format", "xmp", "--style", "lightroom"}, 1);
  EXPECT_EQ(again["unchanged"], 3);
}

TEST_F(ExportFiles, TextFilesOfOthersStay) {
  std::ofstream(photos() / "meadow.txt") << "mine";
  const json done = summary({"--format", "txt"}, 1);
  EXPECT_EQ(done["kept"], 1);
  EXPECT_EQ(bytes_of(photos() / "meadow.txt"), "mine");
  EXPECT_EQ(bytes_of(photos() / "sub" / "it's <1>.txt"), "a photo of sub/it's <1>.jpg\n");
}

TEST_F(ExportFiles, EditsArePreferredUnlessTheOriginalIsAsked) {
  EXPECT_EQ(change("INSERT INTO caption_edit (root_id, path, action, caption, edited_by, "
                   "edited_unix_ms) SELECT root_id, path, 'set', 'Rex, our dog', 'ana', 1 FROM "
                   "image WHERE path = x'7374726565742e6a7067'"),
            1);
  summary({"--format", "xmp", "--min-confidence", "0.9"});
  EXPECT_THAT(bytes_of(photos() / "street.jpg.xmp"),
              AllOf(HasSubstr("Rex, our dog"), HasSubstr("<photoscribe:Edited>True<")));
  EXPECT_FALSE(fs::exists(photos() / "street.png.xmp"));  // it has no confidence
  summary({"--format", "xmp", "--original"});
  EXPECT_THAT(bytes_of(photos() / "street.jpg.xmp"), HasSubstr("a photo of street.jpg"));
}

TEST_F(ExportFiles, FlagsThatDoNotFitAreUsageErrors) {
  exported({"--format", "iptc"}, 2);
  exported({"--format", "csv", "--in-place"}, 2);
  exported({"--format", "xmp", "--in-place", "--into", "x"}, 2);
  exported({"--format", "xmp", "-o", "x"}, 2);
  exported({"--undo", database()}, 2);
}

}  // namespace
}  // namespace photoscribe::cli
