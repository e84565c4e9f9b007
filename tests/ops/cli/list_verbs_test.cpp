// Lists of photos, from `submit --list` to `export --columns` and `export --join`, as processes.
#include <gmock/gmock.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/ops/cli/program.h"
#include "tests/scheduler/store/store_fixture.h"

namespace photoscribe::cli {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

class ListVerbs : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(folder_.path() / "photos/2019");
    for (const char* name : {"photos/2019/a,1.jpg", "photos/b.jpg", "photos/extra.jpg"})
      folder_.write(name, name);
  }
  std::string database() const { return folder_.file("archive.db"); }

  ChildOutput submit(const std::vector<std::string>& words) {
    std::vector<std::string> all{"submit", "-o", database(), "--json"};
    all.insert(all.end(), words.begin(), words.end());
    return photoscribe(all);
  }
  ChildOutput exported(const std::vector<std::string>& words) {
    std::vector<std::string> all{"export", database()};
    all.insert(all.end(), words.begin(), words.end());
    return photoscribe(all);
  }
  /// Captions the pending photos "a picture of PATH"; missing ones fail.
  void caption() {
    Store store = test::must(Store::open_writer(database()));
    const RunId run = test::must(store.find_run("default"))->id;
    for (const Task& task : test::must(store.take_tasks(run, 100))) {
      const bool there = ::access(folder_.file("photos/" + task.path).c_str(), F_OK) == 0;
      test::must(store.record(
          run, test::incoming({there ? test::captioned(task, "a \"picture\", " + task.path)
                                     : test::failed(task, Reason::missing)})));
    }
  }

  const std::string csv_ =
      "asset,file,Photographer,caption\r\n"
      "00A7,\"2019/a,1.jpg\",\"Ana \"\"A\"\"\",\"theirs\r\nin two lines\"\r\n"
      "00B2,b.jpg\r\n"
      "\r\n"
      "00C9,gone.jpg,Zo\xeb,\r\n"
      "00D1,b.jpg,Again,x";
  test::TempDir folder_;
};

TEST_F(ListVerbs, ACsvListGoesInAndItsRowsComeBackWithOursBehindThem) {
  const std::string list = folder_.write("assets.csv", csv_);
  const ChildOutput submitted =
      submit({"--list", list, "--root", folder_.file("photos"), "--id-column", "asset"});
  ASSERT_EQ(submitted.exit_status, 0) << submitted.err;
  EXPECT_EQ(json::parse(submitted.out)["photos"], 3);
  EXPECT_THAT(submitted.err, AllOf(HasSubstr("1 listed photo was named before"),
                                   HasSubstr("1 listed photo is not there")));
  caption();

  EXPECT_EQ(exported({"--columns", "id,Photographer,kept.caption,state,caption"}).out,
            "id,Photographer,kept.caption,state,caption\r\n"
            "00A7,\"Ana \"\"A\"\"\",\"theirs\r\nin two lines\",done,\"a \"\"picture\"\", "
            "2019/a,1.jpg\"\r\n"
            "00B2,Again,x,done,\"a \"\"picture\"\", b.jpg\"\r\n"
            "00C9,Zo\xc3\xab,,failed,\r\n");
  EXPECT_EQ(exported({"--columns", "id,width,reason", "--format", "jsonl"}).out,
            "{\"id\":\"00A7\",\"width\":640,\"reason\":null}\n"
            "{\"id\":\"00B2\",\"width\":640,\"reason\":null}\n"
            "{\"id\":\"00C9\",\"width\":null,\"reason\":\"missing\"}\n");
  EXPECT_EQ(exported({"--columns", "path,id", "--format", "tsv"}).out,
            "path\tid\n2019/a,1.jpg\t00A7\nb.jpg\t00B2\ngone.jpg\t00C9\n");
  const json first = json::parse(exported({"--format", "jsonl", "--limit", "1"}).out);
  EXPECT_EQ(first["kept"]["Photographer"], "Ana \"A\"");

  // Every byte of theirs, and ours.
  const std::string joined =
      "asset,file,Photographer,caption,photoscribe_caption,state\r\n"
      "00A7,\"2019/a,1.jpg\",\"Ana \"\"A\"\"\",\"theirs\r\nin two lines\",\"a \"\"picture\"\", "
      "2019/a,1.jpg\",done\r\n"
      "00B2,b.jpg,,,\"a \"\"picture\"\", b.jpg\",done\r\n"
      "\r\n"
      "00C9,gone.jpg,Zo\xeb,,,failed\r\n"
      "00D1,b.jpg,Again,x,\"a \"\"picture\"\", b.jpg\",done";
  const ChildOutput by_root =
      exported({"--join", list, "--root", folder_.file("photos"), "--columns", "caption,state"});
  EXPECT_EQ(by_root.out, joined) << by_root.err;
  EXPECT_EQ(by_root.err, "");
  EXPECT_EQ(exported({"--join", list, "--columns", "caption,state"}).out, joined);
}

TEST_F(ListVerbs, AJoinNamesWhatHasNoOtherHalf) {
  const std::string list = folder_.write("assets.csv", "asset,file\nA,b.jpg\nB,2019/a,1.jpg\n");
  ASSERT_EQ(submit({folder_.file("photos")}).exit_status, 0);
  const std::string other = folder_.write("other.jsonl",
                                          "{\"file\": \"b.jpg\", \"state\":1}\n\n"
                                          "{\"file\":\"nowhere.jpg\"}\nno json\n");

  const ChildOutput joined = exported({"--join", other, "--columns", "state,path"});
  EXPECT_EQ(joined.exit_status, 0);
  EXPECT_EQ(
      joined.out,
      "{\"file\": \"b.jpg\", \"state\":1,\"photoscribe_state\":\"pending\",\"path\":\"b.jpg\"}"
      "\n\n{\"file\":\"nowhere.jpg\",\"state\":null,\"path\":null}\nno json\n");
  EXPECT_THAT(joined.err,
              AllOf(HasSubstr("2 rows of " + other +
                              " without a photo of the run:\n"
                              "  line 3: nowhere.jpg\n  line 4: is not a JSON object\n"),
                    HasSubstr("2 photos of the run in no row of " + other + ":\n"),
                    HasSubstr("/photos/extra.jpg\n")));
  EXPECT_THAT(exported({"--join", list, "--id-column", "asset"}).err,
              HasSubstr("no photo of the run has an id"));
}

TEST_F(ListVerbs, AJoinByIdFindsPhotosWhereverTheyAre) {
  const std::string list =
      folder_.write("list.tsv", "nr\tpath\n7\t" + folder_.file("photos/b.jpg") + "\n");
  ASSERT_EQ(submit({"--list", list, "--id-column", "nr"}).exit_status, 0);
  const std::string moved =
      folder_.write("moved.csv", "nr;path;x\n8;/gone/c.jpg;1\n7;/gone/b.jpg;2\n");

  const ChildOutput joined =
      exported({"--join", moved, "--id-column", "nr", "--columns", "path,state"});
  EXPECT_EQ(joined.out,
            "nr;path;x;photoscribe_path;state\n8;/gone/c.jpg;1;;\n7;/gone/b.jpg;2;b.jpg;pending\n")
      << joined.err;
  EXPECT_THAT(joined.err, HasSubstr("line 2: 8\n"));

  const std::string excel =
      folder_.write("excel.csv", "\xef\xbb\xbfsep=;\r\nnr;path\r\n7;b.jpg\r\n");
  EXPECT_EQ(exported({"--join", excel, "--columns", "state"}).out,
            "\xef\xbb\xbfsep=;\r\nnr;path;state\r\n7;b.jpg;pending\r\n");
}

TEST_F(ListVerbs, AChangedListAddsAndTheSameOneChangesNothing) {
  const std::string list = folder_.write("list.txt", folder_.file("photos/b.jpg") + "\n");
  ASSERT_EQ(submit({"--list", list}).exit_status, 0);
  caption();
  EXPECT_EQ(json::parse(submit({"--list", list}).out)["photos"], 0);

  folder_.write("list.txt",
                folder_.file("photos/b.jpg") + "\n" + folder_.file("photos/2019/a,1.jpg") + "\n");
  const json again = json::parse(submit({"--list", list}).out);
  EXPECT_EQ(again["photos"], 1);
  EXPECT_EQ(again["pending"], 1);
  EXPECT_EQ(
      test::plain_rows(database(), "SELECT state FROM caption_result_latest ORDER BY uri DESC"),
      (std::vector<std::string>{"done", "pending"}));
}

TEST_F(ListVerbs, SayWhatToDoWhereTheyCannotDoIt) {
  const std::string list = folder_.write("list.txt", "b.jpg\n");
  const auto refused = [&](const std::vector<std::string>& words) {
    const ChildOutput output = submit(words);
    EXPECT_EQ(output.exit_status, 2) << output.out;
    return output.err;
  };
  EXPECT_THAT(refused({"--list", list}), HasSubstr("--root DIR"));
  EXPECT_THAT(refused({"--list", "-"}), HasSubstr("write it to a file"));
  EXPECT_THAT(refused({folder_.file("photos"), "--root", "/x"}), HasSubstr("--list FILE"));
  EXPECT_THAT(refused({"--list", list, "--header", "--no-header"}), HasSubstr("--no-header"));
  EXPECT_THAT(refused({"--list", list, "--root", folder_.file("photos"), "--id-column", "x"}),
              HasSubstr("no such column"));
  EXPECT_THAT(refused({list}), HasSubstr("--list FILE"));

  ASSERT_EQ(submit({"--list", list, "--root", folder_.file("photos")}).exit_status, 0);
  const auto no_export = [&](const std::vector<std::string>& words) {
    const ChildOutput output = exported(words);
    EXPECT_EQ(output.exit_status, 2) << output.out;
    return output.err;
  };
  EXPECT_THAT(no_export({"--columns", "captoin"}), HasSubstr("did you mean caption?"));
  EXPECT_THAT(no_export({"--columns", "path", "--format", "coco"}), HasSubstr("--columns is for"));
  EXPECT_THAT(no_export({"--join", list}), HasSubstr("has no columns"));
  EXPECT_THAT(no_export({"--root", "/x"}), HasSubstr("--join FILE"));
}

TEST_F(ListVerbs, ARunTakesItsListFromStandardInput) {
  const std::string script = "printf '%s\\0' " + folder_.file("photos/b.jpg") + " | " + program() +
                             " run --list - -o " + database() + " --dry-run --json";
  const auto output =
      run_child({"env", "-i", "PATH=/usr/bin:/bin", "sh", "-c", script}, std::chrono::seconds(50));
  ASSERT_TRUE(output);
  ASSERT_EQ(output->exit_status, 0) << output->err;
  EXPECT_EQ(json::parse(output->out)["total"], 1) << output->out;
}

}  // namespace
}  // namespace photoscribe::cli
