// Draws photos of simple things with captions, for `ops/check walkthrough`.
//
//   build/release/bin/draw_photos FOLDER COUNT
//
// Writes FOLDER/photos/0001.jpg … (JPEG, with the grain that a camera has) and
// FOLDER/captions.jsonl, two captions a photo: which shape, how large, in which colour and on what
// it is.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <string>
#include <vector>

namespace {

struct Colour {
  const char* name;
  cv::Scalar bgr;
};
const std::array<Colour, 5> kColours{{{"red", {40, 30, 210}},
                                      {"green", {50, 160, 40}},
                                      {"blue", {200, 80, 20}},
                                      {"yellow", {30, 220, 240}},
                                      {"white", {240, 240, 240}}}};
const std::array<Colour, 3> kGrounds{{{"black table", {30, 30, 30}},
                                      {"brown field", {50, 90, 140}},
                                      {"grey wall", {150, 150, 150}}}};
constexpr std::array<const char*, 4> kShapes{"ball", "box", "kite", "ring"};

void draw(cv::Mat& picture, int shape, cv::Point centre, int radius, const cv::Scalar& colour) {
  const cv::Point side(radius, 0), up(0, radius);
  const std::vector<cv::Point> kite{centre - up, centre + side, centre + up + up / 2,
                                    centre - side};
  if (shape == 0) cv::circle(picture, centre, radius, colour, cv::FILLED, cv::LINE_AA);
  if (shape == 1)
    cv::rectangle(picture, centre - side - up, centre + side + up, colour, cv::FILLED);
  if (shape == 2) cv::fillConvexPoly(picture, kite, colour, cv::LINE_AA);
  if (shape == 3) cv::circle(picture, centre, radius, colour, radius / 3, cv::LINE_AA);
}

}  // namespace

int main(int argc, char** argv) {
  const int count = argc == 3 ? std::atoi(argv[2]) : 0;
  if (count < 1) {
    std::fprintf(stderr, "draw_photos FOLDER COUNT\n");
    return 2;
  }
  const std::string folder = argv[1];
  std::filesystem::create_directories(folder + "/photos");
  std::ofstream captions(folder + "/captions.jsonl");
  cv::RNG random(1);
  for (int i = 1; i <= count; ++i) {
    const int shape = random.uniform(0, 4);
    const bool large = random.uniform(0, 2) == 1;
    const Colour& colour = kColours.at(static_cast<std::size_t>(random.uniform(0, 5)));
    const Colour& ground = kGrounds.at(static_cast<std::size_t>(random.uniform(0, 3)));
    cv::Mat picture(240, 320, CV_8UC3, ground.bgr), grain(240, 320, CV_16SC3);
    const int radius = large ? random.uniform(60, 75) : random.uniform(20, 28);
    draw(picture, shape, {random.uniform(110, 210), random.uniform(95, 130)}, radius, colour.bgr);
    random.fill(grain, cv::RNG::NORMAL, 0, 9);
    cv::add(picture, grain, picture, cv::noArray(), CV_8U);
    char name[32];
    std::snprintf(name, sizeof name, "%04d.jpg", i);
    if (!cv::imwrite(folder + "/photos/" + name, picture)) return 3;
    const std::string thing = std::string(large ? "large " : "small ") + colour.name + " " +
                              kShapes.at(static_cast<std::size_t>(shape));
    captions << R"({"id": ")" << name << R"(", "captions": ["a )" << thing << " on a "
             << ground.name << R"(", "there is a )" << thing << " in front of a " << ground.name
             << "\"]}\n";
  }
  return captions.flush() ? 0 : 3;
}
