// Makes a large set of small photos with captions, for ops/bench/training.
//
//   build/release/bin/caption_set OUT [--photos N] [--side PX] [--seed N]
//
// Some hundred drawn pictures (a thing of one colour on a ground of another), copied with noise of
// their own until there are N, as JPEG under OUT/photos/train2014/, with five captions each in
// OUT/captions.json, in COCO's form. The same seed makes the same files.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

struct Colour {
  const char* name;
  cv::Scalar bgr;
};
const std::vector<Colour> kColours{
    {"red", {30, 30, 220}},     {"green", {40, 180, 40}},   {"blue", {220, 80, 30}},
    {"white", {235, 235, 235}}, {"black", {25, 25, 25}},    {"yellow", {40, 220, 230}},
    {"brown", {40, 80, 130}},   {"orange", {30, 140, 250}},
};
const std::vector<Colour> kGrounds{{"grass", {60, 140, 80}},
                                   {"snow", {245, 240, 240}},
                                   {"water", {170, 120, 60}},
                                   {"sand", {140, 190, 215}}};
const std::vector<const char*> kThings{"ball", "box", "tree", "ring", "pole", "boat"};

void draw(cv::Mat& picture, std::size_t thing, const cv::Scalar& colour) {
  const int s = picture.rows;
  const auto at = [s](double x, double y) {
    return cv::Point(static_cast<int>(x * s), static_cast<int>(y * s));
  };
  const std::vector<cv::Point> tree{at(0.5, 0.1), at(0.2, 0.8), at(0.8, 0.8)},
      boat{at(0.1, 0.5), at(0.9, 0.5), at(0.7, 0.8), at(0.3, 0.8)};
  switch (thing) {
    case 0:
      cv::circle(picture, at(0.5, 0.5), s / 3, colour, cv::FILLED);
      break;
    case 1:
      cv::rectangle(picture, at(0.2, 0.2), at(0.8, 0.8), colour, cv::FILLED);
      break;
    case 2:
      cv::fillConvexPoly(picture, tree, colour);
      break;
    case 3:
      cv::circle(picture, at(0.5, 0.5), s / 3, colour, s / 8);
      break;
    case 4:
      cv::rectangle(picture, at(0.42, 0.05), at(0.58, 0.95), colour, cv::FILLED);
      break;
    default:
      cv::fillConvexPoly(picture, boat, colour);
  }
}

struct Picture {
  cv::Mat pixels;
  std::vector<std::string> captions;
};

std::vector<Picture> pictures(int side) {
  std::vector<Picture> all;
  for (std::size_t thing = 0; thing < kThings.size(); ++thing) {
    for (const Colour& colour : kColours) {
      for (const Colour& ground : kGrounds) {
        Picture one{cv::Mat(side, side, CV_8UC3, ground.bgr), {}};
        draw(one.pixels, thing, colour.bgr);
        const std::string what = std::string(colour.name) + " " + kThings[thing],
                          where = ground.name;
        one.captions = {"A " + what + " on " + where + ".",
                        "There is a " + what + " on the " + where + ".",
                        "A photo of a " + what + " and " + where + ".",
                        "The " + what + " stands on " + where + ".",
                        "A " + what + " in front of " + where + "."};
        all.push_back(std::move(one));
      }
    }
  }
  return all;
}

void make(const std::string& out, int photos, int side, unsigned seed) {
  const std::string folder = out + "/photos/train2014";
  fs::create_directories(folder);
  std::ofstream images(out + "/captions.json"), annotations(out + "/annotations.part");
  images << "{\"info\": {}, \"images\": [";
  const std::vector<Picture> all = pictures(side);
  cv::Mat noise(side, side, CV_16SC3), noisy;
  for (int i = 0; i < photos; ++i) {
    const Picture& picture = all[static_cast<std::size_t>(i) * 7919 % all.size()];
    cv::RNG random(seed * 1'000'003ULL + static_cast<unsigned>(i) + 1);
    random.fill(noise, cv::RNG::NORMAL, 0, 12);
    picture.pixels.convertTo(noisy, CV_16SC3);
    cv::Mat(noisy + noise).convertTo(noisy, CV_8UC3);
    char name[40];
    std::snprintf(name, sizeof name, "MADE_train2014_%012d.jpg", i);
    if (!cv::imwrite(folder + "/" + name, noisy, {cv::IMWRITE_JPEG_QUALITY, 85}))
      throw std::runtime_error(folder + "/" + name + ": cannot be written");
    images << (i == 0 ? "\n" : ",\n") << R"({"id": )" << i << R"(, "file_name": ")" << name
           << "\"}";
    for (std::size_t k = 0; k < picture.captions.size(); ++k)
      annotations << (i + static_cast<int>(k) == 0 ? "\n" : ",\n") << R"({"id": )"
                  << 5 * i + static_cast<int>(k) << R"(, "image_id": )" << i << R"(, "caption": ")"
                  << picture.captions[k] << "\"}";
  }
  annotations.close();
  images << "],\n\"annotations\": [" << std::ifstream(out + "/annotations.part").rdbuf() << "]}\n";
  fs::remove(out + "/annotations.part");
  if (!images.flush()) throw std::runtime_error(out + "/captions.json: cannot be written");
}

}  // namespace

int main(int argc, char** argv) {
  std::string out;
  int photos = 120'000, side = 64;
  unsigned seed = 1;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const bool value = i + 1 < argc;
    if (word == "--photos" && value) {
      photos = std::atoi(argv[++i]);
    } else if (word == "--side" && value) {
      side = std::atoi(argv[++i]);
    } else if (word == "--seed" && value) {
      seed = static_cast<unsigned>(std::atoi(argv[++i]));
    } else if (out.empty() && !word.starts_with("--")) {
      out = word;
    } else {
      out.clear();
      break;
    }
  }
  if (out.empty() || photos < 2 || side < 8) {
    std::cerr << "caption_set OUT [--photos N] [--side PX] [--seed N]\n";
    return 2;
  }
  try {
    make(out, photos, side, seed);
  } catch (const std::exception& e) {
    std::cerr << "caption_set: " << e.what() << '\n';
    return 3;
  }
  return 0;
}
