// A folder with hard cases: each file its own row with its own verdict, and nothing hangs.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <map>

#include "tests/end_to_end/fixture.h"
#include "tests/image/make_images.h"

namespace photoscribe::test {
namespace {

namespace make = photoscribe::testing;

class HardCases : public EndToEnd {
 protected:
  void write(const std::string& name, const make::Bytes& bytes) const {
    write_photo(name, std::string(bytes.begin(), bytes.end()));
  }
  void write_half(const std::string& name, make::Bytes bytes) const {
    bytes.resize(bytes.size() / 2);
    write(name, bytes);
  }
  /// Path bytes in the manifest -> "done", "blurred" or the reason.
  std::map<std::string, std::string> verdicts() const {
    std::map<std::string, std::string> found;
    for (const Row& row :
         query(database(),
               "SELECT path, coalesce(reason, state) AS verdict FROM image WHERE asked")) {
      found[row.at("path").value_or("")] = row.at("verdict").value_or("");
    }
    return found;
  }
};

TEST_F(HardCases, EachFileGetsItsOwnVerdict) {
  const DecodedImage picture = make::sharp_picture(96, 64);
  write("cmyk.jpg", make::encode_jpeg(picture, {.colour = make::JpegColour::cmyk_adobe}));
  write("progressive.jpg", make::encode_jpeg(picture, {.progressive = true}));
  write("deep.png", make::encode_png(picture, {.bits = 16}));
  write("palette.png", make::encode_png(picture, {.colour = make::PngColour::palette}));
  write("rotated.jpg", make::encode_jpeg(picture, {.orientation = 6}));
  write("moving.gif", make::encode_gif(picture, {.frames = 3}));
  write("modern.webp", make::encode_webp(picture));
  write("paper.tiff", make::encode_tiff(picture));
  write("old.bmp", make::encode_bmp(picture));
  write("jpeg.png", make::encode_jpeg(picture));
  write("new\nline.jpg", make::encode_jpeg(picture));
  write("'quo\"tes'.jpg", make::encode_jpeg(picture));
  write("-dash.jpg", make::encode_jpeg(picture));
  write("\xff\xfe raw.jpg", make::encode_jpeg(picture));
  write("soft.jpg", make::encode_jpeg(make::smooth_picture(96, 64)));

  write("empty.jpg", {});
  write_photo("text.jpg", "Dear diary, this is no photo.\n");
  write_half("half.jpg", make::encode_jpeg(make::sharp_picture(320, 240)));
  write_half("half.png", make::encode_png(make::sharp_picture(320, 240)));
  write("bomb.png", make::png_bomb(60'000, 60'000));
  ASSERT_EQ(::mkfifo((photos() + "/pipe.jpg").c_str(), 0600), 0);
  std::filesystem::create_symlink("nowhere.jpg", photos() + "/dangling.jpg");
  std::filesystem::create_symlink("/etc/passwd", photos() + "/passwd.jpg");
  std::filesystem::create_directory(photos() + "/folder.jpg");
  write("folder.jpg/inside.jpg", make::encode_jpeg(picture));
  std::filesystem::create_directory_symlink(photos(), photos() + "/folder.jpg/loop");
  write_photo("notes.txt", "not asked for");

  const Finished got = run_photos({"--no-progress"});

  EXPECT_EQ(got.exit_status, 1) << got.err;
  const std::map<std::string, std::string> expected{{"cmyk.jpg", "done"},
                                                    {"progressive.jpg", "done"},
                                                    {"deep.png", "done"},
                                                    {"palette.png", "done"},
                                                    {"rotated.jpg", "done"},
                                                    {"moving.gif", "done"},
                                                    {"modern.webp", "done"},
                                                    {"paper.tiff", "done"},
                                                    {"old.bmp", "done"},
                                                    {"jpeg.png", "done"},
                                                    {"new\nline.jpg", "done"},
                                                    {"'quo\"tes'.jpg", "done"},
                                                    {"-dash.jpg", "done"},
                                                    {"\xff\xfe raw.jpg", "done"},
                                                    {"soft.jpg", "blurred"},
                                                    {"empty.jpg", "empty"},
                                                    {"text.jpg", "not_an_image"},
                                                    {"half.jpg", "truncated"},
                                                    {"half.png", "truncated"},
                                                    {"bomb.png", "too_large"},
                                                    {"pipe.jpg", "not_a_file"},
                                                    {"dangling.jpg", "missing"},
                                                    {"passwd.jpg", "outside_root"},
                                                    {"folder.jpg/inside.jpg", "done"}};
  EXPECT_EQ(verdicts(), expected);
  // EXIF orientation 6 shows the photo upright: 64 wide, 96 high.
  EXPECT_EQ(count("uri LIKE '%rotated.jpg' AND width = 64 AND height = 96"), "1");
  EXPECT_EQ(count("uri LIKE '%/\x25\x46\x46\x25\x46\x45 raw.jpg'"), "1");
  const std::string said = got.out + got.err;
  EXPECT_NE(said.find("loop"), std::string::npos) << said;
  EXPECT_NE(said.find("txt"), std::string::npos) << said;
  EXPECT_NE(said.find("truncated"), std::string::npos) << said;
  EXPECT_EQ(said.find('\xff'), std::string::npos) << "raw bytes on the terminal";

  const Finished again = run_photos({"--no-progress"});
  EXPECT_EQ(again.exit_status, 1) << "failed photos stay failed";
  EXPECT_EQ(verdicts(), expected);
}

TEST_F(HardCases, FailedPhotosAreTriedAgainOnlyWhenAsked) {
  add_photos(2);
  write_half("cut.jpg", make::encode_jpeg(make::sharp_picture(320, 240)));
  ASSERT_EQ(run_photos().exit_status, 1);

  const Finished again = run_photos({"--retry-failed"});

  EXPECT_EQ(again.exit_status, 1) << again.err;
  EXPECT_EQ(query_one(database(), "SELECT max(attempt) FROM result"), "2");
  EXPECT_EQ(count("state = 'done'"), "2");
  EXPECT_EQ(count("reason = 'truncated'"), "1");
}

}  // namespace
}  // namespace photoscribe::test
