// status and export, as processes, on databases made through Store.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <span>
#include <sstream>

#include "ops/cli/run/writer.h"
#include "tests/ops/cli/program.h"
#include "tests/scheduler/store/store_fixture.h"

namespace photoscribe::cli {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

/// Records of RFC 4180: fields may hold newlines and doubled quotes.
std::vector<std::vector<std::string>> parse_csv(const std::string& text) {
  std::vector<std::vector<std::string>> records(1, std::vector<std::string>(1));
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string& field = records.back().back();
    const char c = text[i];
    if (quoted) {
      if (c != '"') {
        field += c;
      } else if (i + 1 < text.size() && text[i + 1] == '"') {
        field += text[++i];
      } else {
        quoted = false;
      }
    } else if (c == '"') {
      quoted = true;
    } else if (c == ',') {
      records.back().emplace_back();
    } else if (c == '\r' && text[i + 1] == '\n') {
      records.emplace_back(1);
      ++i;
    } else {
      field += c;
    }
  }
  records.pop_back();  // behind the last line end
  return records;
}

class DatabaseVerbs : public test::StoreTest {
 protected:
  /// One photo of each state; names that are hard to print.
  void SetUp() override {
    StoreTest::SetUp();
    scan({test::file("a\n\"b\",.jpg"), test::file("caf\xe9.jpg"), test::file("empty.jpg"),
          test::file("late.jpg")});
    std::vector<Task> tasks = take();
    std::sort(tasks.begin(), tasks.end(),
              [](const Task& x, const Task& y) { return x.path < y.path; });
    record({test::captioned(tasks[0], "a dog, \"rex\", runs", 123.5),
            test::blurred(tasks[1], 20.25), test::failed(tasks[2], Reason::empty, "zero bytes")});
    test::must(store().add_event(run(), "warning", "worker_died", "worker 1 ended (signal 9)"));
  }

  ChildOutput exported(const std::vector<std::string>& words) {
    std::vector<std::string> all{"export", database()};
    all.insert(all.end(), words.begin(), words.end());
    ChildOutput output = photoscribe(all);
    EXPECT_EQ(output.exit_status, 0) << output.err;
    return output;
  }
};

TEST_F(DatabaseVerbs, DoctorFindsAndMendsWhatContradictsItself) {
  const auto doctor = [&](std::vector<std::string> more) {
    std::vector<std::string> words{"doctor", "-o", database(), "--run", "default", "--json"};
    words.insert(words.end(), more.begin(), more.end());
    return photoscribe(words);
  };
  store_.reset();  // and its lock
  EXPECT_THAT(doctor({}).out, HasSubstr("counts are right"));
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(database().c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db,
                         "DELETE FROM bleu; DELETE FROM result WHERE outcome = 'done';"
                         "UPDATE image SET state = 'pending' WHERE state = 'blurred';"
                         "UPDATE run_count SET images = images + 5 WHERE state = 'failed'",
                         nullptr, nullptr, nullptr),
            SQLITE_OK);
  sqlite3_close(db);

  const ChildOutput found = doctor({});
  EXPECT_EQ(found.exit_status, 3);
  EXPECT_THAT(found.out, HasSubstr("1 final without a result; 1 whose state contradicts"));
  EXPECT_THAT(doctor({"--mend"}).out, HasSubstr(": mended"));
  const ChildOutput again = doctor({});
  EXPECT_THAT(again.out, HasSubstr("counts are right"));
  EXPECT_THAT(again.out, HasSubstr("4 missing, 0 changed"));  // made-up photos
  const json status = json::parse(photoscribe({"status", database(), "--json"}).out);
  EXPECT_EQ(status["runs"][0]["pending"], 2);
  EXPECT_EQ(status["runs"][0]["blurred"], 1);
  EXPECT_EQ(status["runs"][0]["done"], 0);
}

TEST_F(DatabaseVerbs, ExportsCsvThatReadsBack) {
  const auto records = parse_csv(exported({"--format", "csv"}).out);

  ASSERT_EQ(records.size(), 5U);
  for (const auto& record : records) EXPECT_EQ(record.size(), 36U);
  EXPECT_EQ(records[0][2], "uri");
  EXPECT_EQ(records[1][2], "/archive/photos/a\n\"b\",.jpg");
  EXPECT_EQ(records[1][7], "a dog, \"rex\", runs");
  EXPECT_EQ(records[1][5], "123.5");
  EXPECT_EQ(records[1][17], "2023-11-14T22:13:20.123Z");
  EXPECT_EQ(records[2][2], "/archive/photos/caf%E9.jpg");
  EXPECT_EQ(records[2][3], "blurred");
  EXPECT_EQ(records[3][4], "empty");
  EXPECT_EQ(records[4][3], "pending");
}

TEST_F(DatabaseVerbs, ExportsTheSameRowsAsTheView) {
  const auto records = parse_csv(exported({"--format", "csv"}).out);

  std::vector<std::string> joined;
  for (std::size_t i = 1; i < records.size(); ++i) {
    std::string row;
    for (const std::string& field : std::span(records[i]).first(18)) {
      row += (row.empty() ? "" : "|") + (field.empty() ? "-" : field);
    }
    joined.push_back(row);
  }
  std::vector<std::string> view = test::plain_rows(
      database(),
      "SELECT run, root, uri, state, reason, blur_score, blur_threshold, caption, log_prob, "
      "bleu1, bleu2, bleu3, bleu4, width, height, model, worker, finished_at FROM caption_result");
  for (std::string& row : view) {  // SQLite writes 100.0 where the shortest number is 100
    if (const auto at = row.find("|100.0|"); at != std::string::npos) row.replace(at, 7, "|100|");
  }
  EXPECT_THAT(joined, testing::UnorderedElementsAreArray(view));
}

TEST_F(DatabaseVerbs, ExportsJsonLinesWithTheBytesOfNames) {
  std::istringstream lines(exported({"--format", "jsonl", "--state", "blurred"}).out);
  std::string line, rest;
  std::getline(lines, line);

  EXPECT_FALSE(std::getline(lines, rest));
  const json object = json::parse(line);
  EXPECT_EQ(object["path_base64"], "Y2Fm6S5qcGc=");
  EXPECT_EQ(object["blur_score"], 20.25);
  EXPECT_EQ(object["caption"], nullptr);
}

TEST_F(DatabaseVerbs, ExportsAnUnsureCaptionOnlyWhenAskedTo) {
  RunSettings judged = test::settings();
  judged.confidence = ConfidenceModel{};  // 0.5 for every caption
  judged.min_confidence = 0.75;
  EXPECT_EQ(test::must(store().ensure_run("default", judged)).became_unsure, 1);
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(database().c_str(), &db), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(db,
                         "INSERT INTO result_alternative SELECT result_id, 0, 'a dog of another "
                         "kind', -9, 5 FROM result WHERE caption IS NOT NULL",
                         nullptr, nullptr, nullptr),
            SQLITE_OK)
      << sqlite3_errmsg(db);
  sqlite3_close(db);
  EXPECT_THAT(exported({"--columns", "path,alternatives"}).out, Not(HasSubstr("another kind")));
  const std::string words = "a dog";  // of the caption, and of the search's other one

  for (const char* format : {"csv", "jsonl", "table", "coco"}) {
    EXPECT_THAT(exported({"--format", format}).out, Not(HasSubstr(words))) << format;
    EXPECT_THAT(exported({"--format", format, "--state", "done"}).out, Not(HasSubstr(words)));
    EXPECT_THAT(exported({"--format", format, "--include-unsure"}).out, HasSubstr(words)) << format;
    EXPECT_THAT(exported({"--format", format, "--state", "unsure"}).out, HasSubstr(words));
  }
  const auto plain = parse_csv(exported({"--format", "csv"}).out);
  ASSERT_EQ(plain.size(), 5U) << "the photo itself is there";
  EXPECT_EQ(plain[1][3], "unsure");
  EXPECT_EQ(plain[1][8], "") << "no log-probability of a caption that is not shown";
  EXPECT_EQ(parse_csv(exported({"--format", "csv", "--include-unsure"}).out)[1][3], "unsure");
  const json status = json::parse(photoscribe({"status", database(), "--json"}).out);
  EXPECT_EQ(status["runs"][0]["unsure"], 1);
  EXPECT_EQ(status["runs"][0]["done"], 0);
  EXPECT_EQ(status["runs"][0]["min_confidence"], 0.75);
  EXPECT_EQ(status["runs"][0]["settings"]["min_confidence"], 0.75);
  EXPECT_EQ(status["runs"][0]["settings"]["search"]["beam"], 3);
  EXPECT_THAT(photoscribe({"status", database()}).out,
              AllOf(HasSubstr("0 captioned, 1 unsure, "), HasSubstr(", min_confidence 0.75\n")));
}

TEST_F(DatabaseVerbs, ExportsCocoResultsIntoAFile) {
  const std::string file = folder_.file("coco.json");

  EXPECT_EQ(exported({"--format", "coco", "-o", file}).out, "");

  std::ifstream in(file);
  const json results = json::parse(in);
  ASSERT_EQ(results.size(), 1U);
  EXPECT_EQ(results[0]["caption"], "a dog, \"rex\", runs");
  EXPECT_EQ(results[0]["file_name"], "a\n\"b\",.jpg");
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    EXPECT_THAT(entry.path().filename().string(), Not(HasSubstr(".part")));
  }
}

TEST_F(DatabaseVerbs, CsvOnATerminalEscapesWhatWouldDriveIt) {
  const int master = ::posix_openpt(O_RDWR | O_NOCTTY);
  ASSERT_TRUE(::grantpt(master) == 0 && ::unlockpt(master) == 0);
  const std::string terminal = ::ptsname(master);
  const int held = ::open(terminal.c_str(), O_RDWR | O_NOCTTY);

  const auto ended = run_child({"sh", "-c", "exec \"$0\" \"$@\" >" + terminal, program(), "export",
                                database(), "--format", "csv"},
                               std::chrono::seconds(20));
  std::string seen(1 << 14, '\0');
  seen.resize(static_cast<std::size_t>(::read(master, seen.data(), seen.size())));

  ASSERT_TRUE(ended && ended->exit_status == 0);
  EXPECT_THAT(seen, HasSubstr("/a\\n\"\"b\"\",.jpg"));
  ::close(held);
  ::close(master);
}

TEST_F(DatabaseVerbs, ReportsOnARunAsTablesNumbersAndAPage) {
  const std::string page = folder_.file("report.html");

  const ChildOutput tables = photoscribe({"report", database()});
  const ChildOutput numbers = photoscribe({"report", database(), "--json", "--html", page});
  const ChildOutput unknown = photoscribe({"report", database(), "--run", "nosuch"});

  EXPECT_EQ(tables.exit_status, 0) << tables.err;
  EXPECT_THAT(tables.out, HasSubstr("4 photos: 1 captioned, 1 blurred, 1 failed, 1 to do."));
  EXPECT_EQ(json::parse(numbers.out)["counts"]["done"], 1);
  std::ifstream in(page);
  EXPECT_THAT(std::string(std::istreambuf_iterator<char>(in), {}), HasSubstr("rex"));
  EXPECT_EQ(unknown.exit_status, 2);
  EXPECT_THAT(unknown.err, HasSubstr("there are: default"));
}

TEST_F(DatabaseVerbs, CopiesADatabaseThatIsBeingWritten) {
  const std::string copy = folder_.file("copy.db");
  ASSERT_NE(store_, std::nullopt);  // holds the writer's lock

  const ChildOutput made = photoscribe({"backup", database(), copy});
  const ChildOutput again = photoscribe({"backup", database(), copy});

  EXPECT_EQ(made.exit_status, 0) << made.err;
  EXPECT_THAT(made.out, HasSubstr("copy.db"));
  EXPECT_EQ(test::plain_rows(copy, "SELECT * FROM caption_result"),
            test::plain_rows(database(), "SELECT * FROM caption_result"));
  EXPECT_EQ(again.exit_status, 2);
  EXPECT_THAT(again.err, HasSubstr("exists already"));
  EXPECT_EQ(photoscribe({"backup", database()}).exit_status, 2);
}

TEST_F(DatabaseVerbs, ShowsATableWithoutControlCharacters) {
  const std::string table = exported({}).out;

  EXPECT_THAT(table, HasSubstr("a\\n\"b\",.jpg"));
  EXPECT_THAT(table, HasSubstr("caf\\xE9.jpg"));
  EXPECT_THAT(table, HasSubstr("a dog, \"rex\", runs"));
  EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), 5);
}

TEST_F(DatabaseVerbs, ExportsTheFirstFewWhenAsked) {
  EXPECT_EQ(parse_csv(exported({"--format", "csv", "--limit", "2"}).out).size(), 3U);
  EXPECT_EQ(parse_csv(exported({"--format", "csv", "--limit", "9"}).out).size(), 5U);
}

TEST_F(DatabaseVerbs, LeavesNothingWhenAnExportCannotBeWritten) {
  const ChildOutput output =
      photoscribe({"export", database(), "-o", folder_.file("no/such/folder.csv")});

  EXPECT_EQ(output.exit_status, 3);
  EXPECT_THAT(output.err, HasSubstr("no/such/folder.csv"));
}

TEST_F(DatabaseVerbs, NamesTheRunsWhenOneIsNotThere) {
  const ChildOutput output = photoscribe({"export", database(), "--run", "other"});

  EXPECT_EQ(output.exit_status, 2);
  EXPECT_THAT(output.err, HasSubstr("there are: default"));
}

TEST_F(DatabaseVerbs, StatusListsCountsReasonsAndEvents) {
  store_.reset();  // nobody is at work

  const ChildOutput text = photoscribe({"status", database()});
  const ChildOutput machine = photoscribe({"status", database(), "--json"});

  EXPECT_EQ(text.exit_status, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("no scheduler is running"));
  EXPECT_THAT(text.out, HasSubstr("4 photos: 1 captioned, 1 blurred, 1 failed, 1 to do"));
  EXPECT_THAT(text.out, HasSubstr("failed, empty: 1, such as /archive/photos/empty.jpg"));
  EXPECT_THAT(text.out, HasSubstr("worker 1 ended (signal 9)"));
  const json object = json::parse(machine.out);
  EXPECT_EQ(object["writer_pid"], nullptr);
  EXPECT_EQ(object["runs"][0]["pending"], 1);
  EXPECT_EQ(object["runs"][0]["failures"]["empty"]["count"], 1);
  EXPECT_EQ(object["runs"][0]["events"][0]["kind"], "worker_died");
}

TEST_F(DatabaseVerbs, KnowsWhoIsAtWork) {
  EXPECT_EQ(current_writer(database()), getpid());

  store_.reset();

  EXPECT_EQ(current_writer(database()), std::nullopt);
}

}  // namespace
}  // namespace photoscribe::cli
