// Several runs of one database served at once to workers of their own, on a real server.
#include "scheduler/run/serve.h"

#include <gmock/gmock.h>

#include <fstream>
#include <future>

#include "scheduler/process/child_process.h"
#include "scheduler/run/on_finish.h"
#include "scheduler/run/stored_commands.h"
#include "scheduler/run/submit.h"
#include "tests/scheduler/run/run_batch_fixture.h"
#include "tests/support/redis_server.h"

namespace photoscribe::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

class Serve : public RunBatch {
 protected:
  void SetUp() override {
    RunBatch::SetUp();
    ChildCommand command;
    command.executable = PHOTOSCRIBE_FAKE_WORKER;
    command.arguments = {"--redis", server_.url(), "--batch", "8"};
    for (const std::string& word : slow_until_hurry()) command.arguments.push_back(word);
    hurry();
    command.log_file = folder_.file("worker.log");
    worker_.emplace(*ChildProcess::spawn(command));
  }
  RunRequest photos(const std::string& run, int from, int to) const {
    RunRequest made = request();
    made.run = run;
    made.photos.clear();
    for (int i = from; i < to; ++i) {
      made.photos.push_back(folder_.file("photos/p" + std::to_string(i) + ".jpg"));
    }
    return made;
  }
  void submit_here(const RunRequest& request) {
    StopHandle stop;
    Expected<Store> store = Store::open_writer(request.database);
    ASSERT_TRUE(store) << store.error().message;
    const auto taken = take_submission(*store, request, watcher_, stop);
    ASSERT_TRUE(taken) << taken.error().message;
  }
  Expected<ControlReply> ask(ControlVerb verb, const std::string& run,
                             const std::string& line = "") const {
    ControlRequest asked;
    asked.verb = verb;
    asked.run = run;
    asked.submission = line;
    for (int i = 0; i < 3'000; ++i) {
      auto reply = ask_scheduler(folder_.file("archive.db.state"), asked, std::chrono::seconds(20));
      if (reply || reply.error().code != Errc::run_gone) return reply;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return fail(Errc::run_gone, "the scheduler never listened");
  }
  ServeRequest serving(bool once) const {
    ServeRequest made;
    made.database = folder_.file("archive.db");
    made.redis_url = server_.url();
    made.lease.lease_ms = 300;
    made.lease.beat_ms = 20;
    made.once = once;
    return made;
  }
  void start(bool once) {
    running_ = std::async(std::launch::async, [this, made = serving(once)] {
      return serve_runs(made, watcher_, stop_);
    });
  }
  ServeSummary ended() {
    const Expected<ServeSummary> summary = running_.get();
    if (!summary) throw std::runtime_error(summary.error().message);
    return *summary;
  }
  std::int64_t pending(const std::string& run) const {
    const Expected<Store> opened = Store::open_reader(folder_.file("archive.db"));
    Store& store = const_cast<Store&>(*opened);
    return store.counts((*store.find_run(run))->id)->asked.pending;
  }
  bool ends(const std::string& run) const {
    for (int i = 0; i < 6'000 && pending(run) > 0; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return pending(run) == 0;
  }

  RedisServer server_;
  std::optional<ChildProcess> worker_;
  StopHandle stop_;
  std::future<Expected<ServeSummary>> running_;
};

/// A database with an unfinished run whose on-finish command makes `mark`, as somebody sends it.
RunRequest with_command(RunRequest run, const std::string& mark) {
  run.keep_on_finish = true;
  run.schedule.on_finish = "touch " + mark;
  return run;
}

TEST_F(Serve, ACommandInADatabaseFromElsewhereIsShownAndNotCalled) {
  add_photos(0, 10);
  submit_here(with_command(photos("gift", 0, 10), folder_.file("mark")));
  ::setenv("XDG_STATE_HOME", folder_.file("of-the-receiver").c_str(), 1);

  start(true);
  EXPECT_EQ(ended().runs_finished, 1);

  EXPECT_FALSE(std::filesystem::exists(folder_.file("mark")));
  EXPECT_THAT(watcher_.events, Contains(HasSubstr("touch " + folder_.file("mark"))));
  EXPECT_THAT(watcher_.events, Contains(HasSubstr("--allow-stored-commands")));
}

TEST_F(Serve, ACommandOfOursInAnotherUsersDatabaseIsNotCalled) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs a second user: runs as root";
  add_photos(0, 10);
  submit_here(with_command(photos("ours", 0, 10), folder_.file("mark")));
  ASSERT_EQ(::chown(folder_.file("archive.db").c_str(), 65'534, 65'534), 0);

  start(true);
  EXPECT_EQ(ended().runs_finished, 1);

  EXPECT_FALSE(std::filesystem::exists(folder_.file("mark")));
}

TEST_F(Serve, AStoredCommandIsCalledWhereItIsAllowed) {
  add_photos(0, 10);
  submit_here(with_command(photos("gift", 0, 10), folder_.file("mark")));
  ::setenv("XDG_STATE_HOME", folder_.file("of-the-receiver").c_str(), 1);
  ServeRequest allowed = serving(true);
  allowed.allow_stored_commands = true;

  const auto summary = serve_runs(allowed, watcher_, stop_);

  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_TRUE(std::filesystem::exists(folder_.file("mark")));
}

TEST(StoredCommands, AreKnownByRunAndTextAndOldOnesAreForgottenBeforeNewOnes) {
  const TempDir folder;
  ::setenv("XDG_STATE_HOME", folder.file("state").c_str(), 1);
  folder.write("archive.db", "");
  const std::string database = folder.file("archive.db");
  for (int i = 0; i < 1'000; ++i)
    ASSERT_TRUE(remember_stored_command("run", "command " + std::to_string(i)));

  EXPECT_TRUE(is_stored_by_us(database, "run", "command 999"));
  EXPECT_TRUE(is_stored_by_us(database, "run", "command 800"));
  EXPECT_FALSE(is_stored_by_us(database, "run", "command 0"));
  EXPECT_FALSE(is_stored_by_us(database, "another run", "command 999"));
  EXPECT_FALSE(is_stored_by_us(database, "run", "command 1000"));
}

TEST(ShownOnFinish, ShowsACommandAndOfAnAddressItsHost) {
  EXPECT_EQ(shown_on_finish("sh -c 'id > /tmp/x'"), "sh -c 'id > /tmp/x'");
  EXPECT_EQ(shown_on_finish("https://hooks.example/services/T0/SECRET"), "https://hooks.example/…");
  EXPECT_EQ(shown_on_finish("https://me:word@hooks.example:8443?k=s"),
            "https://hooks.example:8443/…");
}

TEST_F(Serve, DoesEveryUnfinishedRunOfTheDatabaseAndEnds) {
  add_photos(0, 300);
  submit_here(photos("one", 0, 100));
  submit_here(photos("two", 100, 200));
  RunRequest third = photos("three", 200, 300);
  third.keep_on_finish = true;
  third.schedule.on_finish = "sh -c 'echo \"$PHOTOSCRIBE_RUN_NAME $PHOTOSCRIBE_RUN_TOTAL\"'";
  submit_here(third);

  start(true);
  const ServeSummary summary = ended();

  EXPECT_EQ(summary.end, RunEnd::complete);
  EXPECT_EQ(summary.runs_finished, 3);
  EXPECT_EQ(summary.photos, 300);
  for (const char* run : {"one", "two", "three"}) EXPECT_EQ(pending(run), 0) << run;
  EXPECT_EQ(server_.command({"KEYS", "photoscribe:*"}), "[]");
  std::ifstream log(folder_.file("archive.db.state/on_finish.log"));
  std::string line;
  std::getline(log, line);
  EXPECT_EQ(line, "three 100");
}

TEST_F(Serve, TakesSubmissionsAndOrdersWhileItWorks) {
  add_photos(0, 400);
  submit_here(photos("first", 0, 200));
  (void)slow_until_hurry();
  start(false);

  const auto submitted = ask(ControlVerb::submit, "", submission_line(photos("second", 200, 400)));
  ASSERT_TRUE(submitted) << submitted.error().message;
  EXPECT_EQ(submitted->photos, 200);
  EXPECT_TRUE(submitted->served);
  const auto paused = ask(ControlVerb::pause, "second");
  ASSERT_TRUE(paused) << paused.error().message;
  EXPECT_EQ(paused->control, RunControl::paused);
  hurry();
  EXPECT_TRUE(ends("first"));
  EXPECT_GT(pending("second"), 0);
  EXPECT_TRUE(ask(ControlVerb::resume, "second"));
  EXPECT_TRUE(ends("second"));

  // The same run once more, with more photos, while the scheduler waits.
  add_photos(400, 450);
  EXPECT_EQ(ask(ControlVerb::submit, "", submission_line(photos("second", 200, 450)))->photos, 50);
  EXPECT_TRUE(ends("second"));
  EXPECT_TRUE(ask(ControlVerb::drain, "")->served);
  EXPECT_EQ(ended().photos, 450);
}

TEST_F(Serve, RefusesASubmissionWithOtherSettingsAndGoesOnServing) {
  add_photos(0, 60);
  submit_here(photos("one", 0, 30));
  start(true);
  RunRequest other = photos("one", 0, 60);
  other.settings.model_hash = std::string(64, 'b');

  const auto refused = ask(ControlVerb::submit, "", submission_line(other));

  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("other settings"));
  EXPECT_EQ(ended().end, RunEnd::complete);
  EXPECT_EQ(pending("one"), 0);
}

class ServeWatched : public Serve {
 protected:
  RunRequest inbox(bool watch) const {
    RunRequest made = request();
    made.run = "inbox";
    made.photos = {folder_.file("photos")};
    made.watch = watch;
    return made;
  }
  bool recorded(std::int64_t photos) const {
    for (int i = 0; i < 3'000; ++i, std::this_thread::sleep_for(std::chrono::milliseconds(20))) {
      const Expected<Store> opened = Store::open_reader(folder_.file("archive.db"));
      Store& store = const_cast<Store&>(*opened);
      const auto counts = store.counts((*store.find_run("inbox"))->id);
      if (counts->asked.total() == photos && counts->asked.pending == 0) return true;
    }
    return false;
  }
};

TEST_F(ServeWatched, WhatComesIntoTheFoldersIsDoneUntilItIsSubmittedWithoutWatching) {
  add_photos(0, 10);
  start(false);
  ASSERT_TRUE(ask(ControlVerb::submit, "inbox", submission_line(inbox(true))));
  ASSERT_TRUE(recorded(10));
  add_photos(10, 20);
  EXPECT_TRUE(recorded(20));
  EXPECT_TRUE(ask(ControlVerb::pause, "inbox"));
  add_photos(20, 30);
  std::this_thread::sleep_for(std::chrono::milliseconds(400));
  EXPECT_TRUE(ask(ControlVerb::resume, "inbox"));
  EXPECT_TRUE(recorded(30));
  ASSERT_TRUE(ask(ControlVerb::submit, "inbox", submission_line(inbox(false))));
  add_photos(30, 40);
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  stop_.request();
  (void)ended();
  EXPECT_TRUE(recorded(30)) << "and no more";
}

TEST_F(ServeWatched, ASchedulerThatStartsAgainGoesOnWatching) {
  add_photos(0, 10);
  submit_here(inbox(true));
  start(false);
  ASSERT_TRUE(recorded(10));
  stop_.request();
  stop_.request();
  (void)ended();
  add_photos(10, 20);  // while nobody watches
  StopHandle stop;
  auto again = std::async(std::launch::async,
                          [&, made = serving(false)] { return serve_runs(made, watcher_, stop); });
  EXPECT_TRUE(recorded(20));
  add_photos(20, 30);
  EXPECT_TRUE(recorded(30));
  EXPECT_TRUE(ask(ControlVerb::cancel, "inbox"));
  add_photos(30, 40);
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  EXPECT_TRUE(recorded(30)) << "a cancelled run watches nothing";
  stop.request();
  EXPECT_TRUE(again.get());
}

TEST_F(ServeWatched, AFolderThatIsNotThereIsWaitedForAndOnceWatchesNothing) {
  add_photos(0, 10);
  submit_here(inbox(true));
  start(true);
  EXPECT_EQ(ended().runs_finished, 1);
  RunRequest nothing = inbox(true);
  nothing.photos.clear();
  EXPECT_EQ(check_watch(nothing).error().code, Errc::usage);
  const auto carried = parse_submission(submission_line(inbox(true)));
  ASSERT_TRUE(carried);
  EXPECT_TRUE(carried->watch);

  std::filesystem::rename(folder_.file("photos"), folder_.file("away"));
  std::promise<void> told;
  watcher_.heard = [&, is_told = false](const std::string& event) mutable {
    if (is_told || event.find("its folders are not watched yet") == std::string::npos) return;
    is_told = true;
    told.set_value();
  };
  start(false);
  EXPECT_EQ(told.get_future().wait_for(std::chrono::seconds(60)), std::future_status::ready);
  stop_.request();
  (void)ended();
}

TEST_F(Serve, LeavesPausedAndCancelledRunsAlone) {
  add_photos(0, 60);
  submit_here(photos("paused", 0, 30));
  submit_here(photos("cancelled", 30, 60));
  {
    Expected<Store> store = Store::open_writer(folder_.file("archive.db"));
    ASSERT_TRUE(apply_request(*store, ControlRequest{ControlVerb::pause, "paused", {}, {}, ""}));
    ASSERT_TRUE(
        apply_request(*store, ControlRequest{ControlVerb::cancel, "cancelled", {}, {}, ""}));
  }

  start(true);
  EXPECT_EQ(ended().photos, 0);

  EXPECT_EQ(pending("paused") + pending("cancelled"), 60);
}

TEST(Submission, CarriesARequestWhole) {
  RunRequest request;
  request.run = "n\"ame";
  request.photos = {"/a \xff/b", "/c"};
  request.include = {"*.jpg"};
  request.exclude = {"x*"};
  request.lists = {"/l\xff.csv"};
  request.list = {"/root", true, "tab", false, "file", "nr"};
  request.sidecars = false;
  request.all_files = request.redo = request.retry_failed = true;
  request.references_file = "/r.token";
  request.split_file = "train";
  request.limit = 7;
  request.settings.model_hash = std::string(64, 'c');
  request.settings.model_name = "best";
  request.settings.search.beam = 5;
  request.settings.blur.blur_threshold = 33.25;
  request.settings.confidence = ConfidenceModel{1, {2, 3}, {4, 5}, 0.25};
  request.settings.min_confidence = 0.375;
  request.schedule = {12.5, "22:00-06:00", 3, -4, "notify 'x'"};

  const auto read = parse_submission(submission_line(request));

  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(submission_line(*read), submission_line(request));
  EXPECT_EQ(read->photos, request.photos);
  EXPECT_EQ(read->lists, request.lists);
  EXPECT_EQ(read->list, request.list);
  EXPECT_FALSE(read->sidecars);
  EXPECT_EQ(read->schedule, request.schedule);
  EXPECT_EQ(read->settings, request.settings);
}

TEST(Submission, RefusesWhatIsNone) {
  RunRequest good;
  good.settings.model_hash = std::string(64, 'c');
  good.photos = {"/a"};
  good.lists = {"/c"};
  const std::string line = submission_line(good);
  ASSERT_TRUE(parse_submission(line));
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string changed = line;
    const auto at = changed.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return changed.replace(at, from.size(), to);
  };
  for (const std::string& bad :
       {std::string(), std::string("{}"), with("\"2f61\"", "\"6261\""),
        with("\"2f61\"", "\"2f0061\""), with("\"2f63\"", "\"6363\""), with("\"2f61\"", "\"2f6\""),
        with("\"2f61\"", "7"), with("\"weight\":1", "\"weight\":0"),
        with("\"limit\":0", "\"limit\":-1"), with("\"redo\":false", "\"redo\":0"),
        with("\"settings\"", "\"setting\"")}) {
    EXPECT_FALSE(parse_submission(bad)) << bad.substr(0, 80);
  }
}

}  // namespace
}  // namespace photoscribe::test
