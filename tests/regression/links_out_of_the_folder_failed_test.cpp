// Reported: in a Hugging Face or DVC cache every photo failed, since each is a link out of the
// folder; and two names that differ in bytes alone shared a uri.
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/end_to_end/fixture.h"

namespace photoscribe::test {
namespace {

namespace fs = std::filesystem;

class Files : public EndToEnd {
 protected:
  /// `store/blobs/0 …`, and links to them as `snapshot/0.jpg …`: a Hugging Face cache.
  void make_snapshot(int count) const {
    for (const char* name : {"store", "store/blobs", "snapshot"})
      fs::create_directory(folder_.file(name));
    for (int i = 0; i < count; ++i) {
      const std::string number = std::to_string(i);
      folder_.write("store/blobs/" + number, clear_jpeg(i));
      fs::create_symlink("../store/blobs/" + number, folder_.file("snapshot/" + number + ".jpg"));
    }
  }
  [[nodiscard]] Finished run(std::vector<std::string> photos) const {
    std::vector<std::string> words{"run",       "-o",  database(),      "--model", model(),
                                   "--devices", "cpu", "--no-progress", "--json"};
    words.insert(words.end(), photos.begin(), photos.end());
    return photoscribe(words);
  }
  static nlohmann::json summary(const Finished& got) {
    return nlohmann::json::parse(got.out, nullptr, false);
  }
};

TEST_F(Files, LinksOutOfTheFolderAreSaidAtTheStartAndReadOnceTheirStoreIsNamed) {
  make_snapshot(3);

  const Finished refused = run({folder_.file("snapshot")});
  const Finished followed =
      run({folder_.file("snapshot"), "--follow-links", folder_.file("store")});
  const Finished again = run({folder_.file("snapshot")});

  EXPECT_EQ(refused.exit_status, 1);
  EXPECT_EQ(summary(refused)["end"], "incomplete");
  EXPECT_EQ(summary(refused)["not_seen"]["count"], 3);
  EXPECT_EQ(summary(refused)["failed"], 0);
  EXPECT_NE(refused.err.find("--follow-links"), std::string::npos) << refused.err;
  EXPECT_EQ(followed.exit_status, 0) << followed.err << followed.out;
  EXPECT_EQ(summary(followed)["done"], 3);
  EXPECT_EQ(again.exit_status, 0) << "kept with the run: " << again.err;
  EXPECT_EQ(summary(again)["total"], 3);
}

TEST_F(Files, ANamedLinkIsReadWhereverItLeads) {
  make_snapshot(2);

  const Finished one = run({folder_.file("snapshot/1.jpg")});

  EXPECT_EQ(one.exit_status, 0) << one.err << one.out;
  EXPECT_EQ(summary(one)["done"], 1);
}

TEST_F(Files, LinksIntoAnotherFolderThatWasNamedAreRead) {
  make_snapshot(2);

  const Finished both = run({folder_.file("snapshot"), folder_.file("store/blobs")});

  EXPECT_EQ(both.exit_status, 0) << both.err << both.out;
  EXPECT_EQ(summary(both)["done"], 2);
}

TEST_F(Files, NamesThatDifferInBytesAloneHaveDifferentUris) {
  write_photo("%FF.jpg", clear_jpeg(1));
  write_photo("\xff.jpg", clear_jpeg(2));

  EXPECT_EQ(run({photos()}).exit_status, 0);

  EXPECT_EQ(query_one(database(), "SELECT count(DISTINCT uri) FROM caption_result"), "2");
  EXPECT_EQ(count("uri LIKE '%25FF.jpg'"), "1");
}

}  // namespace
}  // namespace photoscribe::test
