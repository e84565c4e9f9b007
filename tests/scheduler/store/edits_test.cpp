// What people make of captions: beside a run, after --redo, with a move, and taken back.
#include "scheduler/store/edits.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "scheduler/store/change_roots.h"
#include "tests/scheduler/store/store_fixture.h"

namespace photoscribe {
namespace {

using test::captioned;
using test::must;
using test::plain_rows;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class EditsTest : public test::StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    scan({test::file("2019/beach/a.jpg"), test::file("2019/b.jpg"), test::file("2020/b.jpg"),
          test::file("caf\xe9%.jpg")});
    for (const Task& task : take()) record({captioned(task, "model " + task.path.substr(0, 4))});
  }

  Edits edits() { return must(Edits::open(database())); }
  std::vector<PhotoAt> find(std::vector<std::string> names) { return must(edits().find(names)); }
  std::string refusal(const std::string& name) {
    const auto found = edits().find(std::vector<std::string>{name});
    if (found) return "found " + found->front().uri;
    EXPECT_EQ(found.error().code, Errc::usage);
    return found.error().message;
  }
  void set(const std::string& name, const std::string& caption, const std::string& by = "ana") {
    must(edits().add(std::vector<NewEdit>{{find({name})[0], EditAction::set, caption}}, by));
  }
  std::string shown(const std::string& name) {
    return must(edits().now(find({name})))[0].shown().value_or("-");
  }
  std::vector<std::string> rows(const std::string& sql) { return plain_rows(database(), sql); }
  std::vector<std::string> edited() {
    return rows(
        "SELECT uri, caption, edited_caption, edited_by FROM caption_result_latest "
        "WHERE edited_caption IS NOT NULL ORDER BY uri");
  }
};

TEST_F(EditsTest, FindsAPhotoByAnythingThatNamesIt) {
  const std::string uri = "/archive/photos/2019/beach/a.jpg";
  for (const char* name :
       {"/archive/photos/2019/beach/a.jpg", "file:///archive/photos/2019/beach/a.jpg",
        "2019/beach/a.jpg", "beach/a.jpg", "a.jpg", "./2019/../2019/beach/a.jpg",
        "photos/2019/beach/a.jpg", "1"}) {
    EXPECT_EQ(find({name})[0].uri, uri) << name;
  }
  EXPECT_EQ(find({"caf%E9%25.jpg"})[0].path, "caf\xe9%.jpg");
  EXPECT_EQ(find({"/archive/photos/caf%E9%25.jpg"})[0].path, "caf\xe9%.jpg");
  EXPECT_EQ(find({"caf\xe9%.jpg"})[0].path, "caf\xe9%.jpg");
  EXPECT_EQ(find({"a.jpg", "1", "beach/a.jpg"}).size(), 1U) << "one photo, once";
}

TEST_F(EditsTest, NamesTheCandidatesOfAnAmbiguousNameAndTheNearestOfAnUnknownOne) {
  EXPECT_THAT(refusal("b.jpg"), testing::AllOf(HasSubstr("may be any of 2 photos"),
                                               HasSubstr("/archive/photos/2019/b.jpg, "
                                                         "/archive/photos/2020/b.jpg")));
  EXPECT_THAT(refusal("aa.jpg"), HasSubstr("did you mean a.jpg?"));
  EXPECT_THAT(refusal("each/a.jpg"), HasSubstr("no photo is called")) << "no half name";
  EXPECT_THAT(refusal("4711"), HasSubstr("number"));
  EXPECT_THAT(refusal(""), HasSubstr("without a name"));
}

TEST_F(EditsTest, ShowsTheEditBesideTheModelsCaption) {
  set("a.jpg", "Ana at the beach");
  set("a.jpg", "Ana and Ben at the beach", "ben");

  EXPECT_THAT(edited(), ElementsAre("/archive/photos/2019/beach/a.jpg|model 2019|"
                                    "Ana and Ben at the beach|ben"));
  EXPECT_THAT(rows("SELECT count(*) FROM caption_result WHERE edited_at GLOB '20*-*-*T*Z'"),
              ElementsAre("1"));
  EXPECT_EQ(shown("a.jpg"), "Ana and Ben at the beach");
  EXPECT_THAT(must(edits().log(std::nullopt, 10)).size(), 2U);
}

TEST_F(EditsTest, SurviveARedoAndAnotherModel) {
  set("a.jpg", "Ana at the beach");
  RunSettings other = test::settings();
  other.model_hash = std::string(64, 'b');
  must(store().ensure_run("default", other, true));
  scan({test::file("2019/beach/a.jpg")}, false, true);
  for (const Task& task : take()) record({captioned(task, "the other model's")});

  EXPECT_THAT(edited(), ElementsAre("/archive/photos/2019/beach/a.jpg|the other model's|"
                                    "Ana at the beach|ana"));
}

TEST_F(EditsTest, UndoGoesBackStepByStep) {
  set("a.jpg", "one");
  set("a.jpg", "two");
  must(edits().undo(find({"a.jpg"}), "ana"));
  EXPECT_EQ(shown("a.jpg"), "one");
  set("a.jpg", "three");
  must(edits().undo(find({"a.jpg"}), "ana"));
  EXPECT_EQ(shown("a.jpg"), "one");
  must(edits().undo(find({"a.jpg"}), "ana"));
  EXPECT_EQ(shown("a.jpg"), "model 2019");
  EXPECT_EQ(must(edits().undo(find({"a.jpg"}), "ana")).undone, 0);
  EXPECT_EQ(must(edits().log(std::nullopt, 100)).size(), 6U) << "nothing is ever erased";
}

TEST_F(EditsTest, UndoTakesBackOnesOwnLastChangeAsAWhole) {
  const auto photos = find({"a.jpg", "2019/b.jpg", "2020/b.jpg"});
  std::vector<NewEdit> all;
  for (const PhotoAt& photo : photos) all.push_back({photo, EditAction::set, "imported"});
  must(edits().add(all, "ana"));
  set("2020/b.jpg", "by ben", "ben");

  const UndoneEdits undone = must(edits().undo_last("ana", "ana"));

  EXPECT_EQ(undone.undone, 2);
  EXPECT_THAT(undone.left, ElementsAre("/archive/photos/2020/b.jpg"));
  EXPECT_EQ(shown("a.jpg"), "model 2019");
  EXPECT_EQ(shown("2020/b.jpg"), "by ben");
  EXPECT_EQ(must(edits().undo_last("ana", "ana")).undone, 0);
  EXPECT_EQ(must(edits().undo_last("", "ana")).undone, 1) << "of anybody";
  EXPECT_EQ(shown("2020/b.jpg"), "imported");
}

TEST_F(EditsTest, AddsBesideAWriterThatHoldsTheLock) {
  // store() holds the lock all the time.
  set("a.jpg", "while a run writes");
  scan({test::file("2019/beach/a.jpg"), test::file("new.jpg")}, false);
  record({captioned(take()[0], "a new one")});
  EXPECT_EQ(shown("a.jpg"), "while a run writes");
  EXPECT_EQ(counts().asked.done, 2);
}

TEST_F(EditsTest, MoveCarriesThemAlong) {
  set("a.jpg", "Ana at the beach");
  Scan one = must(store().begin_scan(run_, {{"moved", "/net/photos"}}));
  must(one.add(std::vector<FoundFile>{test::file("2019/beach/a.jpg"), test::file("2019/b.jpg")}));
  must(one.finish(std::vector<Scan::Walked>(1), {}));
  set("/net/photos/2019/b.jpg", "edited at the new place");
  store_.reset();

  must(move_roots(database(), "/archive/photos", "/net/photos"));

  EXPECT_THAT(rows("SELECT uri, edited_caption FROM caption_result_latest "
                   "WHERE edited_caption IS NOT NULL ORDER BY uri"),
              ElementsAre("/net/photos/2019/b.jpg|edited at the new place",
                          "/net/photos/2019/beach/a.jpg|Ana at the beach"));
}

TEST_F(EditsTest, ForgetTakesThemOnlyWithTheLastRowOfThePhoto) {
  set("a.jpg", "Ana at the beach");
  store_.reset();

  // A run's rows go; what people wrote is of the photo.
  EXPECT_EQ(must(forget_photos(database(), {"", "default", false})).edited, 0);
  EXPECT_THAT(rows("SELECT caption FROM caption_edit"), ElementsAre("Ana at the beach"));
  reopen();
  scan({test::file("2019/beach/a.jpg"), test::file("2019/b.jpg")});
  EXPECT_EQ(shown("a.jpg"), "Ana at the beach");

  store_.reset();
  EXPECT_EQ(must(count_forgotten(database(), {"photos", "", false})).edited, 1);
  EXPECT_EQ(must(forget_photos(database(), {"photos", "", false})).edited, 1);
  EXPECT_THAT(rows("SELECT * FROM caption_edit"), IsEmpty());
  EXPECT_THAT(rows("SELECT * FROM root"), IsEmpty());
}

TEST_F(EditsTest, AreReadFromADatabaseThatCannotBeWritten) {
  set("a.jpg", "Ana at the beach");
  Edits reader = must(Edits::open_reader(database()));
  EXPECT_EQ(must(reader.log(std::nullopt, 9)).size(), 1U);
  const auto photo = must(reader.find(std::vector<std::string>{"a.jpg"}))[0];
  EXPECT_FALSE(reader.add(std::vector<NewEdit>{{photo, EditAction::set, "no"}}, "ana"));
}

TEST(CheckedCaption, IsALineOfTextWithoutBlanksAround) {
  EXPECT_EQ(checked_caption("  Ana, Ben – 1. Mai 🏖 \n").value(), "Ana, Ben – 1. Mai 🏖");
  EXPECT_THAT(checked_caption(" \n").error().message, HasSubstr("empty"));
  EXPECT_THAT(checked_caption("two\nlines").error().message, HasSubstr("line break"));
  EXPECT_THAT(checked_caption("esc \x1b[2J").error().message, HasSubstr("control"));
  EXPECT_THAT(checked_caption("caf\xe9").error().message, HasSubstr("UTF-8"));
  EXPECT_THAT(checked_caption(std::string(2001, 'x')).error().message, HasSubstr("2001"));
  EXPECT_TRUE(checked_caption(std::string(2000, 'x')));
  EXPECT_FALSE(checked_editor(std::string(101, 'x')));
}

}  // namespace
}  // namespace photoscribe
