// Opening, transactions, errors and the lock, on real files.
#include "common/sqlite/database.h"

#include <gmock/gmock.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "common/sqlite/lock_file.h"
#include "common/sqlite/storage.h"
#include "tests/support/temp_dir.h"

namespace photoscribe::sqlite {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class DatabaseTest : public ::testing::Test {
 protected:
  std::string path(const std::string& name = "a.db") const { return folder_.file(name); }

  static Database must(Expected<Database> opened) {
    if (!opened) throw std::runtime_error(opened.error().message);
    return std::move(*opened);
  }
  Database writer(const std::string& name = "a.db") {
    return must(Database::open(path(name), Mode::read_write, 50));
  }
  static std::int64_t number(Database& db, const char* sql) {
    return db
        .read("look",
              [&] {
                auto row = db.query(sql);
                row.step();
                return row.integer(0);
              })
        .value();
  }

  test::TempDir folder_;
};

TEST_F(DatabaseTest, WritesAheadAndSyncsFully) {
  auto db = writer();

  EXPECT_EQ(db.handle().execAndGet("PRAGMA journal_mode").getString(), "wal");
  EXPECT_EQ(db.handle().execAndGet("PRAGMA synchronous").getInt(), 2);
  EXPECT_EQ(db.handle().execAndGet("PRAGMA foreign_keys").getInt(), 1);
}

TEST_F(DatabaseTest, RollsBackWhatFails) {
  auto db = writer();
  ASSERT_TRUE(db.write("make", [&] { db.execute("CREATE TABLE t (x INTEGER NOT NULL)"); }));

  const auto thrown = db.write("fill", [&] {
    db.query("INSERT INTO t VALUES (?)").with(1).run();
    db.query("INSERT INTO t VALUES (?)").with(std::nullopt).run();
  });
  const auto returned = db.write("fill", [&]() -> Status {
    db.query("INSERT INTO t VALUES (?)").with(1).run();
    return fail(Errc::usage, "changed my mind");
  });

  ASSERT_FALSE(thrown);
  EXPECT_EQ(thrown.error().code, Errc::store_failure);
  EXPECT_THAT(thrown.error().message, HasSubstr("fill"));
  EXPECT_THAT(thrown.error().message, HasSubstr("NOT NULL"));
  EXPECT_EQ(returned.error().code, Errc::usage);
  EXPECT_EQ(number(db, "SELECT count(*) FROM t"), 0);
}

TEST_F(DatabaseTest, BindsAndReadsBytesThatAreNotText) {
  auto db = writer();
  const std::string bytes("\0\xff'\n", 4);
  ASSERT_TRUE(db.write("make", [&] {
    db.execute("CREATE TABLE t (b BLOB, e BLOB, n TEXT, r REAL) STRICT");
    db.query("INSERT INTO t VALUES (?, ?, ?, ?)")
        .with(Blob{bytes}, Blob{""}, std::optional<std::string>(), 0.1)
        .run();
  }));

  ASSERT_TRUE(db.read("look", [&] {
    auto row = db.query("SELECT b, e, n, r, e IS NULL FROM t");
    ASSERT_TRUE(row.step());
    EXPECT_EQ(row.text(0), bytes);
    EXPECT_EQ(row.text(1), "");
    EXPECT_EQ(row.optional_text(2), std::nullopt);
    EXPECT_EQ(row.real(3), 0.1);
    EXPECT_EQ(row.integer(4), 0);
  }));
}

TEST_F(DatabaseTest, SaysBusyWhenAnotherWrites) {
  auto db = writer();
  auto other = writer();
  other.execute("BEGIN IMMEDIATE");

  const auto refused = db.write("record", [] {});

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::store_busy);
  EXPECT_TRUE(is_transient(refused.error().code));
}

TEST_F(DatabaseTest, SaysFullAndKeepsWhatWasCommitted) {
  auto db = writer();
  ASSERT_TRUE(db.write("make", [&] {
    db.execute("CREATE TABLE t (b BLOB)");
    db.query("INSERT INTO t VALUES (zeroblob(100))").run();
  }));
  db.execute("PRAGMA max_page_count = 8");

  const auto refused = db.write("record", [&] {
    db.query("INSERT INTO t VALUES (zeroblob(?))").with(50).run();
    db.query("INSERT INTO t VALUES (zeroblob(?))").with(1'000'000).run();
  });

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::store_full);
  EXPECT_THAT(refused.error().message, HasSubstr("free some"));
  EXPECT_EQ(number(db, "SELECT count(*) FROM t"), 1);
  db.execute("PRAGMA max_page_count = 100000");  // space was made: it goes on
  EXPECT_TRUE(
      db.write("record", [&] { db.query("INSERT INTO t VALUES (zeroblob(1000000))").run(); }));
}

TEST_F(DatabaseTest, RefusesToWriteWhenOpenedForReading) {
  ASSERT_TRUE(writer().write("make", [] {}));
  auto db = must(Database::open(path(), Mode::read_only));

  const auto refused = db.write("record", [&] { db.execute("CREATE TABLE t (x)"); });

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::store_failure);
}

TEST_F(DatabaseTest, SavesWhatItHasWhenItsFileIsTakenAwayUnderIt) {
  for (const bool replaced : {false, true}) {
    auto db = writer();
    ASSERT_TRUE(db.write("make", [&] {
      db.execute("CREATE TABLE IF NOT EXISTS t (x INTEGER); INSERT INTO t VALUES (7)");
    }));
    std::filesystem::remove(path());
    if (replaced) std::ofstream(path()) << "another file";

    const auto written = db.write("add", [&] { db.execute("INSERT INTO t VALUES (8)"); });
    const auto again = db.write("add", [&] { db.execute("INSERT INTO t VALUES (9)"); });

    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code, Errc::store_failure);
    EXPECT_THAT(written.error().message, HasSubstr("a.db.rescued"));
    EXPECT_EQ(again.error().message, written.error().message);  // saved once
    auto rescued = writer(replaced ? "a.db.rescued-2" : "a.db.rescued");
    EXPECT_EQ(number(rescued, "SELECT sum(x) FROM t"), 7);
    if (replaced) {
      std::ifstream kept(path());
      std::string text;
      std::getline(kept, text);
      EXPECT_EQ(text, "another file");
    }
    std::filesystem::remove(path());
  }
}

TEST_F(DatabaseTest, FiresNoTriggerOfAFileFromElsewhere) {
  auto db = writer();
  const auto made = db.write("make", [&] {
    db.execute(
        "CREATE TABLE photo (name TEXT); CREATE TABLE victim (name TEXT); INSERT INTO victim "
        "VALUES "
        "('kept'); CREATE TRIGGER trap AFTER INSERT ON photo BEGIN DELETE FROM victim; END");
  });
  ASSERT_TRUE(made) << made.error().message;

  ASSERT_TRUE(db.write("add", [&] { db.query("INSERT INTO photo VALUES ('a')").run(); }));

  EXPECT_EQ(number(db, "SELECT count(*) FROM victim"), 1);
}

TEST_F(DatabaseTest, ReadsWhileAnotherWrites) {
  auto db = writer();
  ASSERT_TRUE(db.write("make", [&] { db.execute("CREATE TABLE t (x)"); }));
  auto reader = must(Database::open(path(), Mode::read_only));
  db.execute("BEGIN IMMEDIATE; INSERT INTO t VALUES (1)");

  EXPECT_EQ(number(reader, "SELECT count(*) FROM t"), 0);
  db.execute("COMMIT");
  EXPECT_EQ(number(reader, "SELECT count(*) FROM t"), 1);
}

TEST_F(DatabaseTest, ReadsADatabaseThatNobodyCanWrite) {
  ASSERT_TRUE(writer().write("make", [&] {}));
  {
    auto db = writer();
    ASSERT_TRUE(
        db.write("make", [&] { db.execute("CREATE TABLE t (x); INSERT INTO t VALUES (7)"); }));
  }
  using std::filesystem::perms;
  const auto readable = perms::owner_read | perms::group_read | perms::others_read;
  std::filesystem::permissions(path(), readable);
  std::filesystem::permissions(
      folder_.path(), readable | perms::owner_exec | perms::group_exec | perms::others_exec);
  const uid_t me = ::geteuid();
  if (me == 0) {
    ASSERT_EQ(::seteuid(65534), 0);  // permissions mean nothing to root
  }
  {
    auto db = must(Database::open(path(), Mode::read_only));
    EXPECT_EQ(number(db, "SELECT x FROM t"), 7);
  }
  const auto refused = Database::open(path(), Mode::read_write);
  if (me == 0) {
    ASSERT_EQ(::seteuid(me), 0);
  }

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::store_failure);
  EXPECT_THAT(refused.error().message, HasSubstr("permissions"));
  std::filesystem::permissions(folder_.path(), perms::owner_all);
}

TEST_F(DatabaseTest, SaysWhatIsWrongWithAFile) {
  folder_.write("text.db", std::string(5000, 'x'));
  const auto not_a_database = Database::open(path("text.db"), Mode::read_write);
  const auto absent = Database::open(path("absent.db"), Mode::read_only);
  const auto no_folder = Database::open(path("no/such/a.db"), Mode::read_write);
  const auto a_folder = Database::open(folder_.path().string(), Mode::read_write);

  for (const auto* refused : {&not_a_database, &absent, &no_folder, &a_folder}) {
    ASSERT_FALSE(*refused);
    EXPECT_EQ(refused->error().code, Errc::store_failure);
    EXPECT_THAT(refused->error().message, Not(HasSubstr("\n")));
  }
  EXPECT_THAT(not_a_database.error().message, HasSubstr("not a SQLite database"));
  EXPECT_THAT(absent.error().message, HasSubstr("absent.db"));
  EXPECT_FALSE(std::filesystem::exists(path("absent.db")));
}

TEST_F(DatabaseTest, TakesNamesThatLookLikeUris) {
  const auto here = std::filesystem::current_path();
  std::filesystem::current_path(folder_.path());
  auto db = must(Database::open("file:a?b#c%20.db", Mode::read_write));
  ASSERT_TRUE(db.write("make", [&] { db.execute("CREATE TABLE t (x)"); }));
  std::filesystem::current_path(here);

  EXPECT_TRUE(std::filesystem::exists(path("file:a?b#c%20.db")));
}

TEST_F(DatabaseTest, SaysCorruptForADamagedFile) {
  {
    auto db = writer();
    ASSERT_TRUE(db.write("make", [&] {
      db.execute("CREATE TABLE t (x)");
      for (int i = 0; i < 200; ++i) db.query("INSERT INTO t VALUES (zeroblob(200))").run();
    }));
  }
  {
    std::fstream file(path(), std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(4096);
    file << std::string(8192, '\x7f');
  }
  auto db = writer();

  const auto refused = db.read("look", [&] {
    auto row = db.query("SELECT x FROM t");
    while (row.step()) {
    }
  });

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::store_failure);
  EXPECT_THAT(refused.error().message, HasSubstr("damaged"));
}

TEST_F(DatabaseTest, CopiesItselfWhileAnotherWrites) {
  auto db = writer();
  ASSERT_TRUE(
      db.write("make", [&] { db.execute("CREATE TABLE t (x); INSERT INTO t VALUES (1)"); }));
  auto other = writer();
  other.execute("BEGIN IMMEDIATE; INSERT INTO t VALUES (2)");

  ASSERT_TRUE(backup(db, path("copy.db")));
  other.execute("COMMIT");

  auto copy = must(Database::open(path("copy.db"), Mode::read_only));
  EXPECT_EQ(number(copy, "SELECT count(*) FROM t"), 1);
  EXPECT_EQ(backup(db, path("copy.db")).error().code, Errc::usage);
  EXPECT_EQ(backup(db, path("no/such.db")).error().code, Errc::environment);
  EXPECT_FALSE(std::filesystem::exists(path("copy.db.unfinished")));
}

TEST(Storage, KnowsFileSystemsThatBreakDatabases) {
  EXPECT_EQ(unsafe_file_system(0x6969), "NFS");
  EXPECT_EQ(unsafe_file_system(0x65735546), "FUSE");
  EXPECT_EQ(unsafe_file_system(static_cast<long>(0xFF534D42)), "CIFS");
  EXPECT_EQ(unsafe_file_system(static_cast<int>(0xFF534D42)), "CIFS");  // sign-extended
  EXPECT_EQ(unsafe_file_system(0xEF53), std::nullopt);                  // ext4
  EXPECT_EQ(unsafe_file_system(0x01021994), std::nullopt);              // tmpfs
}

TEST(Text, ShowsBytesThatAreNotUtf8) {
  EXPECT_EQ(text_of("caf\xc3\xa9 \xf0\x9f\x98\x80"), "caf\xc3\xa9 \xf0\x9f\x98\x80");
  EXPECT_EQ(text_of("caf\xe9"), "caf%E9");
  EXPECT_EQ(text_of("\xc0\xaf"), "%C0%AF");                // overlong
  EXPECT_EQ(text_of("\xed\xa0\x80"), "%ED%A0%80");         // surrogate
  EXPECT_EQ(text_of("\xf4\x90\x80\x80"), "%F4%90%80%80");  // beyond Unicode
  EXPECT_EQ(text_of("a\xe2\x82"), "a%E2%82");              // cut off
  EXPECT_EQ(text_of(std::string_view("a\0b", 3)), "a%00b");
}

class LockFileTest : public DatabaseTest {};

TEST_F(LockFileTest, IsHeldByOneAndNamesTheHolder) {
  auto first = LockFile::take(path());
  ASSERT_TRUE(first);

  const auto second = LockFile::take(path());

  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::store_locked);
  EXPECT_THAT(second.error().message, HasSubstr("process " + std::to_string(::getpid())));
}

TEST_F(LockFileTest, IsFreeAfterItsOwner) {
  { ASSERT_TRUE(LockFile::take(path())); }

  EXPECT_FALSE(std::filesystem::exists(path() + ".lock"));
  EXPECT_TRUE(LockFile::take(path()));
}

TEST_F(LockFileTest, IsFreeAfterItsOwnerWasKilled) {
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    auto lock = LockFile::take(path());
    [[maybe_unused]] const auto written = ::write(ready[1], lock ? "1" : "0", 1);
    for (;;) ::pause();
  }
  char got = 0;
  ASSERT_EQ(::read(ready[0], &got, 1), 1);
  ASSERT_EQ(got, '1');
  EXPECT_THAT(LockFile::take(path()).error().message,
              HasSubstr("process " + std::to_string(child)));

  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);

  EXPECT_TRUE(std::filesystem::exists(path() + ".lock"));
  EXPECT_TRUE(LockFile::take(path()));
  ::close(ready[0]);
  ::close(ready[1]);
}

}  // namespace
}  // namespace photoscribe::sqlite
