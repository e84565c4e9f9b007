// A folder with hard cases: each file its own row with its own verdict, and nothing hangs.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <map>

#include "tests/common/image/make_images.h"
#include "tests/end_to_end/fixture.h"

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
  const std::map<std::string, std::string> expected{
      {"cmyk.jpg", "done"},        {"progressive.jpg", "done"},      {"deep.png", "done"},
      {"palette.png", "done"},     {"rotated.jpg", "done"},          {"moving.gif", "done"},
      {"modern.webp", "done"},     {"paper.tiff", "done"},           {"old.bmp", "done"},
      {"jpeg.png", "done"},        {"new\nline.jpg", "done"},        {"'quo\"tes'.jpg", "done"},
      {"-dash.jpg", "done"},       {"\xff\xfe raw.jpg", "done"},     {"soft.jpg", "blurred"},
      {"empty.jpg", "empty"},      {"text.jpg", "not_an_image"},     {"half.jpg", "truncated"},
      {"half.png", "truncated"},   {"bomb.png", "too_large"},        {"pipe.jpg", "not_a_file"},
      {"dangling.jpg", "missing"}, {"folder.jpg/inside.jpg", "done"}};
  EXPECT_EQ(verdicts(), expected);
  // EXIF orientation 6 shows the photo upright: 64 wide, 96 high.
  EXPECT_EQ(count("uri LIKE '%rotated.jpg' AND width = 64 AND height = 96"), "1");
  EXPECT_EQ(count("uri LIKE '%/\x25\x46\x46\x25\x46\x45 raw.jpg'"), "1");
  const std::string said = got.out + got.err;
  EXPECT_NE(said.find("passwd.jpg: a link that leads to /etc,"), std::string::npos) << said;
  EXPECT_NE(said.find("loop"), std::string::npos) << said;
  EXPECT_NE(said.find("txt"), std::string::npos) << said;
  EXPECT_NE(said.find("truncated"), std::string::npos) << said;
  EXPECT_EQ(said.find('\xff'), std::string::npos) << "raw bytes on the terminal";

  const Finished again = run_photos({"--no-progress"});
  EXPECT_EQ(again.exit_status, 1) << "failed photos stay failed";
  EXPECT_EQ(verdicts(), expected);
}

/// Files of a few hundred bytes that ask for gigabytes, through the whole of a run.
TEST_F(HardCases, BombsAreRefusedAndTheWorkerKeepsItsMemory) {
  const DecodedImage picture = make::sharp_picture(96, 64);
  write("bomb.png", make::png_bomb(60'000, 60'000));
  make::Bytes jpeg = make::encode_jpeg(picture);
  for (std::size_t i = 2; i + 9 < jpeg.size(); i += 2U + 256U * jpeg[i + 2] + jpeg[i + 3]) {
    if (jpeg[i + 1] != 0xC0) continue;
    for (std::size_t at = i + 5; at < i + 9; at += 2) {  // 65500 x 65500
      jpeg[at] = 0xFF;
      jpeg[at + 1] = 0xDC;
    }
    break;
  }
  write("bomb.jpg", jpeg);
  make::Bytes gif = make::encode_gif(picture);
  gif[6] = gif[7] = gif[8] = gif[9] = 0xFF;
  write("bomb.gif", gif);
  write("frames.gif", make::encode_gif(make::sharp_picture(60, 60), {.frames = 3'000}));
  make::Bytes bmp = make::encode_bmp(picture);
  bmp[20] = bmp[24] = 0x10;
  write("bomb.bmp", bmp);
  make::Bytes tiff =
      make::encode_tiff(picture);  // little endian: tags 256 and 257, one number each
  for (std::size_t at = 8; at + 12 <= tiff.size(); ++at) {
    const bool size = tiff[at] <= 1 && tiff[at + 1] == 1 &&
                      (tiff[at + 2] == 3 || tiff[at + 2] == 4) && tiff[at + 3] == 0 &&
                      tiff[at + 4] == 1;
    if (size) tiff[at + 8] = tiff[at + 9] = 0xFF;
  }
  write("bomb.tiff", tiff);
  add_photos(3);

  const Finished got = run_photos({"--no-progress", "--json", "--memory-max", "600MiB"});

  EXPECT_EQ(got.exit_status, 1) << got.err;
  const auto found = verdicts();
  for (const char* bomb : {"bomb.png", "bomb.jpg", "bomb.gif", "bomb.bmp", "bomb.tiff"})
    EXPECT_EQ(found.at(bomb), "too_large") << bomb;
  EXPECT_EQ(found.at("frames.gif"), "done");
  EXPECT_EQ(count("state = 'done'"), "4");
  EXPECT_NE(got.out.find("\"worker_restarts\":0"), std::string::npos) << got.out;
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
