// What is typed into a search, as FTS5 gets it, and what FTS5 then finds.
#include "scheduler/store/search_query.h"

#include <gmock/gmock.h>
#include <sqlite3.h>

#include <memory>
#include <vector>

namespace photoscribe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A table as migration 0019 makes it, in memory, by the plain C API.
class Captions {
 public:
  Captions() {
    EXPECT_EQ(sqlite3_open(":memory:", &db_), SQLITE_OK);
    execute(
        "CREATE VIRTUAL TABLE photo_search USING fts5 (edited, caption, original, kept, path, "
        "fields, tokenize = 'porter unicode61 remove_diacritics 2')");
    add("caption", "a dog runs on the beach", "2019/trip/IMG_1.jpg", "");
    add("caption", "two dogs beside a red car", "2019/IMG_2.jpg", "ana lópez");
    add("caption", "a cat in a car with red seats", "2020/IMG_3.jpg", "ben");
    add("edited", "Ana’s café at the beach", "2020/IMG_4 (1).jpg", "ana maria");
  }
  Captions(const Captions&) = delete;
  Captions& operator=(const Captions&) = delete;
  ~Captions() { sqlite3_close(db_); }

  /// Numbers of the photos found; an error of FTS5 is a failed test.
  std::vector<int> find(const std::string& expression) {
    sqlite3_stmt* statement = nullptr;
    EXPECT_EQ(sqlite3_prepare_v2(db_,
                                 "SELECT rowid FROM photo_search WHERE photo_search MATCH ? "
                                 "ORDER BY rowid",
                                 -1, &statement, nullptr),
              SQLITE_OK);
    sqlite3_bind_text(statement, 1, expression.data(), static_cast<int>(expression.size()),
                      SQLITE_TRANSIENT);
    std::vector<int> found;
    int step = 0;
    while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
      found.push_back(sqlite3_column_int(statement, 0));
    }
    EXPECT_EQ(step, SQLITE_DONE) << expression << ": " << sqlite3_errmsg(db_);
    sqlite3_finalize(statement);
    return found;
  }

 private:
  void execute(const std::string& sql) {
    EXPECT_EQ(sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(db_);
  }
  void add(const std::string& column, const std::string& caption, const std::string& path,
           const std::string& photographer) {
    std::string fields = "kexevery";
    std::string word;
    for (const char c : photographer + " ") {
      if (c == ' ' && !word.empty()) fields += " k3x" + word;
      word = c == ' ' ? "" : word + c;
    }
    execute("INSERT INTO photo_search (" + column + ", original, kept, path, fields) VALUES ('" +
            caption + "', '" + (column == "edited" ? "words of a model" : "") + "', '" +
            photographer + "', '" + path + "', '" + fields + "')");
  }
  sqlite3* db_ = nullptr;
};

const KeptColumnIds kKept{{"Photographer", 3}, {"photo credit", 4}};

class SearchQuery : public testing::Test {
 protected:
  std::vector<int> found(const std::string& query, bool original = false) {
    const auto expression = search_expression(query, kKept, original);
    EXPECT_TRUE(expression) << query << ": " << (expression ? "" : expression.error().message);
    return expression && !expression->empty() ? captions_.find(*expression) : std::vector<int>{};
  }
  static std::string refusal(const std::string& query) {
    const auto expression = search_expression(query, kKept);
    if (expression) return "taken: " + *expression;
    EXPECT_EQ(expression.error().code, Errc::usage);
    return expression.error().message;
  }
  Captions captions_;
};

TEST_F(SearchQuery, FindsWordsInAnyFormOrderAndCase) {
  EXPECT_THAT(found("dog"), ElementsAre(1, 2));
  EXPECT_THAT(found("DOGS beach"), ElementsAre(1));
  EXPECT_THAT(found("beach running dog"), ElementsAre(1));
  EXPECT_THAT(found("cafe"), ElementsAre(4));
  EXPECT_THAT(found("ana"), ElementsAre(2, 4)) << "a kept value, too";
  EXPECT_THAT(found("2019"), ElementsAre(1, 2)) << "a folder, too";
}

TEST_F(SearchQuery, PhrasesBeginningsExclusionsAndAlternatives) {
  EXPECT_THAT(found("\"red car\""), ElementsAre(2));
  EXPECT_THAT(found("red car"), ElementsAre(2, 3));
  EXPECT_THAT(found("“red car”"), ElementsAre(2)) << "a telephone's quotes";
  EXPECT_THAT(found("bea*"), ElementsAre(1, 4));
  EXPECT_THAT(found("\"red sea\"*"), ElementsAre(3));
  EXPECT_THAT(found("car -cat"), ElementsAre(2));
  EXPECT_THAT(found("-car"), ElementsAre(1, 4)) << "every photo but these";
  EXPECT_THAT(found("NOT car NOT dog"), ElementsAre(4));
  EXPECT_THAT(found("cat OR café"), ElementsAre(3, 4));
  EXPECT_THAT(found("cat OR dog car"), ElementsAre(2, 3)) << "OR binds closer";
  EXPECT_THAT(found("(dog beach) OR cat"), ElementsAre(1, 3));
  EXPECT_THAT(found("car -(red seats)"), ElementsAre(2));
  EXPECT_THAT(found("cat OR -car"), ElementsAre(1, 3, 4));
  EXPECT_THAT(found("dog AND beach"), ElementsAre(1));
}

TEST_F(SearchQuery, LooksInOneColumn) {
  EXPECT_THAT(found("photographer:ana"), ElementsAre(2, 4));
  EXPECT_THAT(found("PHOTOGRAPHER:\"ana lopez\""), ElementsAre(2));
  EXPECT_THAT(found("photographer:lop*"), ElementsAre(2));
  EXPECT_THAT(found("-photographer:ana"), ElementsAre(1, 3));
  EXPECT_THAT(found("photographer:(ben OR maria) beach"), ElementsAre(4));
  EXPECT_THAT(found("\"photo credit\":x"), IsEmpty());
  EXPECT_THAT(found("caption:ana"), ElementsAre(4));
  EXPECT_THAT(found("edited:beach"), ElementsAre(4));
  EXPECT_THAT(found("path:trip"), ElementsAre(1));
  EXPECT_THAT(found("path:IMG_4"), ElementsAre(4));
  EXPECT_THAT(refusal("photografer:ana"),
              testing::AllOf(HasSubstr("no column \"photografer\""),
                             HasSubstr("did you mean photographer?"), HasSubstr("double quotes")));
  EXPECT_THAT(found("\"photografer:ana\""), IsEmpty());
}

TEST_F(SearchQuery, PrefersTheEditUnlessAskedForTheOriginal) {
  EXPECT_THAT(found("model"), IsEmpty());
  EXPECT_THAT(found("model", true), ElementsAre(4));
  EXPECT_THAT(found("café", true), IsEmpty());
  EXPECT_THAT(found("original:model"), ElementsAre(4));
}

TEST_F(SearchQuery, OddInputsAreSensibleSearches) {
  EXPECT_THAT(found("\"red car"), ElementsAre(2)) << "a quote that stays open";
  EXPECT_THAT(found("(dog (beach"), ElementsAre(1));
  EXPECT_THAT(found("dog) beach)"), ElementsAre(1));
  EXPECT_THAT(found("dog - beach"), ElementsAre(1)) << "a dash between words";
  EXPECT_THAT(found("dog — beach, !"), ElementsAre(1));
  EXPECT_THAT(found("IMG_4 (1)"), ElementsAre(4));
  EXPECT_THAT(found("'dog'; --"), ElementsAre(1, 2));
  EXPECT_THAT(found("OR dog OR"), ElementsAre(1, 2));
  EXPECT_THAT(found("Ana's"), ElementsAre(4)) << "whichever apostrophe";
  EXPECT_THAT(found("NEAR(dog car)"), IsEmpty()) << "no operator of FTS5: the words";
  EXPECT_THAT(found("caption : dog"), IsEmpty()) << "the word caption";
  EXPECT_THAT(found("12:30 https://x.org C:\\photos"), IsEmpty());
  EXPECT_THAT(found("dog 🏖"), ElementsAre(1, 2));
  EXPECT_THAT(found(std::string("dog\0red", 7)), ElementsAre(2)) << "blank";
  EXPECT_THAT(found("caf\xe9 dog"), IsEmpty());
  EXPECT_EQ(search_expression("").value(), "");
  EXPECT_EQ(search_expression(" \t\xc2\xa0").value(), "");
}

TEST_F(SearchQuery, SaysWhatHasNoMeaning) {
  EXPECT_THAT(refusal("🏖"), HasSubstr("nothing to look for"));
  EXPECT_THAT(refusal("\"\" ()"), HasSubstr("nothing to look for"));
  EXPECT_THAT(refusal("su*"), HasSubstr("three letters"));
  EXPECT_THAT(refusal(std::string(1001, 'x')), HasSubstr("1000 characters"));
  std::string many;
  for (int i = 0; i < 65; ++i) many += "w ";
  EXPECT_THAT(refusal(many), HasSubstr("64 words"));
  EXPECT_THAT(refusal(std::string(17, '(') + "x"), HasSubstr("brackets"));
}

}  // namespace
}  // namespace photoscribe
