// Lists in every form, told apart by their content.
#include "scheduler/sources/list_reader.h"

#include <gmock/gmock.h>

#include <map>

#include "tests/scheduler/store/store_fixture.h"

namespace photoscribe::test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

class Lists : public ::testing::Test {
 protected:
  /// Every entry as "path|column=value,…" or "line N: fault".
  std::vector<std::string> read(const std::string& bytes, const ListOptions& options = {}) {
    const std::string name = folder_.write("list", bytes);
    const ListFile file = must(ListFile::open(name));
    ListReader reader = must(ListReader::open(file, options));
    shape_ = reader.shape();
    std::vector<std::string> all;
    for (ListEntry entry; must(reader.next(entry));) {
      if (!entry.fault.empty())
        all.push_back("line " + std::to_string(entry.line) + ": " + entry.fault);
      if (entry.path.empty()) continue;
      std::string text = entry.path;
      for (const auto& [column, value] : entry.kept)
        (text += text.find('|') == std::string::npos ? "|" : ",") += column + "=" + value;
      all.push_back(text);
    }
    return all;
  }

  std::string refused(const std::string& bytes, const ListOptions& options = {}) {
    const ListFile file = must(ListFile::open(folder_.write("list", bytes)));
    const auto reader = ListReader::open(file, options);
    return reader ? "" : reader.error().message;
  }

  TempDir folder_;
  ListShape shape_;
};

TEST_F(Lists, OfPathsAreReadALineEachWhateverTheirBytes) {
  EXPECT_THAT(read("/a/b.jpg\n\nc d.jpg\n/caf\xe9/x, y.jpg\n  lead.jpg\nlast.jpg"),
              ElementsAre("/a/b.jpg", "c d.jpg", "/caf\xe9/x, y.jpg", "  lead.jpg", "last.jpg"));
  EXPECT_EQ(shape_.form, ListForm::plain);
  EXPECT_THAT(read("\xef\xbb\xbf/a.jpg\r\n/b.jpg\r\n"), ElementsAre("/a.jpg", "/b.jpg"));
  EXPECT_THAT(read("file:///a%20b/c.jpg\n"), ElementsAre("/a b/c.jpg"));
  EXPECT_THAT(read("/a, b.jpg\n/c, d.jpg\n"), ElementsAre("/a, b.jpg", "/c, d.jpg"));
  EXPECT_THAT(read("/a;1.jpg\n/b;2.jpg\n/c.jpg\n"), ElementsAre("/a;1.jpg", "/b;2.jpg", "/c.jpg"));
  EXPECT_THAT(read("{2019} a.jpg\n[x] b.jpg\n"), ElementsAre("{2019} a.jpg", "[x] b.jpg"));
  EXPECT_THAT(read(""), IsEmpty());
}

TEST_F(Lists, OfFindPrint0AreToldByTheirNuls) {
  const std::string bytes("/a\nb.jpg\0/c.jpg\0", 17);
  EXPECT_THAT(read(bytes), ElementsAre("/a\nb.jpg", "/c.jpg"));
  ListOptions options;
  options.from0 = true;
  EXPECT_THAT(read("/only\n.jpg", options), ElementsAre("/only\n.jpg"));
}

TEST_F(Lists, AsCsvHaveQuotesWithNewlinesAndKeepOtherColumns) {
  EXPECT_THAT(read("id,path,\"photo grapher\",note\r\n"
                   "7,\"a,1.jpg\",Ana,\"two\r\nlines \"\"here\"\"\"\r\n"
                   "8,b.jpg\r\n"
                   "9,c.jpg,Bob,,\r\n"),
              ElementsAre("a,1.jpg|id=7,photo grapher=Ana,note=two\r\nlines \"here\"", "b.jpg|id=8",
                          "c.jpg|id=9,photo grapher=Bob,note="));
  EXPECT_EQ(shape_.delimiter, ',');
  EXPECT_TRUE(shape_.header);
}

TEST_F(Lists, AsCsvFindTheirDelimiterHeaderAndPathColumn) {
  EXPECT_THAT(read("Asset\tFile Name\nA1\tx.jpg\nA2\ty.jpg\n"),
              ElementsAre("x.jpg|Asset=A1", "y.jpg|Asset=A2"));
  EXPECT_THAT(read("nr;where;who\n1;/p/x.jpg;Zo\xeb\n"),
              ElementsAre("/p/x.jpg|nr=1,who=Zo\xc3\xab"));
  EXPECT_THAT(read("1,/p/x.jpg\n2,/p/y.jpg\n"),
              ElementsAre("/p/x.jpg|column_1=1", "/p/y.jpg|column_1=2"));
  EXPECT_FALSE(shape_.header);
  EXPECT_THAT(read("filename\na.jpg\nb.jpg\n"), ElementsAre("a.jpg", "b.jpg"));
  EXPECT_THAT(read("root,uri\np,/a%20b/%25.jpg\n"), ElementsAre("/a b/%.jpg|root=p"));
}

TEST_F(Lists, ThatWeExportedNamePhotosAndNothingElse) {
  EXPECT_THAT(read("run,root,uri,state,blur_threshold,path\nr,p,/a%20b/%25.jpg,done,100,x.jpg\n"),
              ElementsAre("/a b/%.jpg"));
  EXPECT_THAT(read("{\"run\":\"r\",\"root\":\"p\",\"uri\":\"/a%ff.jpg\",\"path\":\"x\",\"state\":"
                   "\"done\",\"blur_threshold\":100,\"concepts\":[]}\n"),
              ElementsAre("/a\xff.jpg"));
}

TEST_F(Lists, OfExcelAreReadAsItWritesThem) {
  EXPECT_THAT(read("\xef\xbb\xbfsep=;\r\nnr;file\r\n1;a,b.jpg\r\n"), ElementsAre("a,b.jpg|nr=1"));
  EXPECT_THAT(read("nr;file\r1;a.jpg\r2;b.jpg\r"), ElementsAre("a.jpg|nr=1", "b.jpg|nr=2"));
  EXPECT_THAT(read("/a.jpg\r/b.jpg"), ElementsAre("/a.jpg", "/b.jpg"));
  EXPECT_THAT(read("/a.jpg\r"), ElementsAre("/a.jpg"));
}

TEST_F(Lists, AsCsvDoAsTheyAreTold) {
  ListOptions options;
  options.path_column = "Original";
  options.id_column = "2";
  options.delimiter = "|";
  EXPECT_THAT(read("path|asset|original\nthumb.jpg|77|/full\n", options),
              ElementsAre("/full|path=thumb.jpg,id=77"));
  options.delimiter = ",";
  EXPECT_THAT(refused("a,b\nx.jpg,y\n", options),
              AllOf(HasSubstr("list: --path-column Original"), HasSubstr("its columns are: a, b")));
  ListOptions no_header;
  no_header.header = false;
  no_header.path_column = "1";
  EXPECT_THAT(read("path,x\nb.jpg,y\n", no_header),
              ElementsAre("path|column_2=x", "b.jpg|column_2=y"));
  ListOptions forced;
  forced.delimiter = ",";
  EXPECT_THAT(refused("a,b\n1,2\n", forced), HasSubstr("--path-column NAME says so"));
}

TEST_F(Lists, WithAStrayQuoteLoseNothing) {
  EXPECT_THAT(
      read("path,size,note\na.jpg,\"5\" wide,x\nb.jpg,\"open,y\nc.jpg,1,z\n"),
      ElementsAre("a.jpg|size=5 wide,note=x", "b.jpg|size=\"open,note=y", "c.jpg|size=1,note=z"));
  EXPECT_THAT(read("path,a,b\n\"x.jpg,1,2\ny.jpg,\"3\",4\n"),
              ElementsAre("\"x.jpg|a=1,b=2", "y.jpg|a=3,b=4"));
}

TEST_F(Lists, NameWhatIsWrongInALine) {
  EXPECT_THAT(read("id,path,who\n1\n2,,x\n3,a.jpg,x,y\n4,b.jpg,z\n"),
              ElementsAre("line 2: it has too few fields", "line 3: there is no path in it",
                          "line 4: 4 fields, but 3 columns", "a.jpg", "b.jpg|id=4,who=z"));
}

TEST_F(Lists, AsJsonLinesKeepOtherMembers) {
  EXPECT_THAT(
      read("{\"path\":\"a\\u00e9.jpg\",\"n\":3,\"ok\":true,\"tags\":[\"x\",\"y\"],\"no\":null}\n"
           "\n{\"path\":\"b.jpg\"}\nnot json\n{\"n\":1}\n{\"path\":\"x\\u0000y.jpg\"}\n"),
      ElementsAre("a\xc3\xa9.jpg|n=3,ok=true,tags=[\"x\",\"y\"]", "b.jpg",
                  "line 4: is not a JSON object", "line 5: there is no path in it",
                  "line 6: the path has a NUL in it", std::string("x\0y.jpg", 7)));
  EXPECT_EQ(shape_.form, ListForm::json_lines);
  ListOptions options;
  options.path_column = "where";
  options.id_column = "nr";
  EXPECT_THAT(read("{\"nr\":5,\"where\":\"/x\"}\n", options), ElementsAre("/x|id=5"));
}

TEST_F(Lists, ThatAreSomethingElseSayWhatToDo) {
  EXPECT_THAT(refused("[{\"path\":\"a.jpg\"}]\n"), HasSubstr("jq -c '.[]'"));
  EXPECT_THAT(refused("{\n \"path\":\"a.jpg\"}\n"), HasSubstr("not an object a line"));
  EXPECT_THAT(refused(std::string("\xff\xfe/\0a\0.\0j\0p\0g\0\n\0", 16)), HasSubstr("UTF-16"));
  EXPECT_THAT(refused(std::string("\xff\xd8\xff\xe0\0\x10JFIF\0\x01", 12)),
              HasSubstr("not a list of photos"));
  EXPECT_THAT(must(ListFile::open(folder_.write("x", ""))).name(), folder_.file("x"));
  EXPECT_THAT(ListFile::open(folder_.file("absent")).error().message, HasSubstr("absent"));
  EXPECT_EQ(ListFile::open(folder_.path().string()).error().code, Errc::usage);
}

TEST_F(Lists, OfLongLinesAreCutAndGoOn) {
  const std::string bytes = std::string(ListLines::kLineMax + 5'000'000, 'x') + "\n/b.jpg\n";
  EXPECT_THAT(read(bytes), ElementsAre("line 1: is longer than 16 MiB", "/b.jpg"));
}

TEST_F(Lists, AreFasterThanTheyAreWalked) {  // ten thousand rows through every block's seam
  std::string bytes = "id,path,photographer,caption\n";
  for (int i = 0; i < 30'000; ++i)
    bytes +=
        std::to_string(i) + ",2019/photo_" + std::to_string(i) + ".jpg,Ana,\"a, long\n text\"\n";
  const auto all = read(bytes);
  ASSERT_EQ(all.size(), 30'000U);
  EXPECT_EQ(all.back(), "2019/photo_29999.jpg|id=29999,photographer=Ana,caption=a, long\n text");
}

}  // namespace
}  // namespace photoscribe::test
