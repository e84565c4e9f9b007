// Makes a labelled set of blurred and clear photos out of clear ones, for `photoscribe calibrate`.
//
//   build/release/bin/blur_set PHOTOS OUT [--seed N] [--limit N] [--hard]
//
// Of each photo: four clear versions (as it is, smaller, noisy, and one with a soft background
// behind a sharp middle, as portraits have) and six blurred ones (Gaussian, defocus disc and
// motion, two strengths each). Every version then gets noise and JPEG compression of some strength.
// With --hard half of the versions are made hard to judge as well: fog, night, a frame, lines of
// text, heavy grain; and half of the blurred ones move as a hand shakes or are blurred in linear
// light, as lenses do, so that lamps grow. Writes OUT/*.jpg and OUT/labels.csv: file, label, group
// (the photo), what was done, and the score of CleanVision's rule as a comparison.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <numbers>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <random>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

struct Made {
  cv::Mat picture;  // CV_32FC3
  std::string label, kind;
  double blur_px = 0;  // standard deviation of the point spread
};

class Maker {
 public:
  Maker(unsigned seed, bool hard) : random_(seed), hard_(hard) {}

  template <class T>
  T one_of(std::initializer_list<T> values) {
    return values.begin()[random_() % values.size()];
  }

  std::vector<Made> versions(const cv::Mat& photo) {
    std::vector<Made> made;
    made.push_back({photo.clone(), "clear", "whole", 0});
    made.push_back({smaller(photo), "clear", "smaller", 0});
    made.push_back({smaller(photo), "clear", "smaller", 0});
    made.push_back(bokeh(smaller(photo)));
    for (const char* kind : {"gauss", "disc", "motion", "gauss", "disc", "motion"}) {
      const cv::Mat sharp = smaller(photo);
      const double spread = spread_of(sharp);
      made.push_back({blurred(sharp, kind, spread), "blurred", kind, spread});
    }
    return made;
  }

  /// With --hard: what makes it hard, "" for nothing, and `picture` so changed.
  std::string harden(cv::Mat& picture, bool clear) {
    if (!hard_ || random_() % 2 == 0) return "";
    const std::string what = one_of({"fog", "night", "frame", "text", clear ? "fog" : "grain"});
    if (what == "fog") {
      const double contrast = uniform(0.2, 0.5);
      picture = picture * contrast + cv::Scalar::all(uniform(120, 225) * (1 - contrast));
    } else if (what == "night") {
      picture *= uniform(0.12, 0.4);
    } else if (what == "grain") {
      picture = with_noise(picture, one_of({10.0, 15.0, 20.0}));
    } else if (what == "frame") {
      const int wide = static_cast<int>(uniform(0.02, 0.12) * std::max(picture.rows, picture.cols));
      cv::copyMakeBorder(picture, picture, wide, wide, wide, wide, cv::BORDER_CONSTANT,
                         cv::Scalar::all(one_of({255.0, 255.0, 0.0, 128.0})));
    } else {
      const double size = picture.cols / 640.0 * uniform(0.6, 1.4);
      cv::putText(picture, one_of({"SAMPLE PHOTO", "(c) archive.example", "2019-11-03 18:22"}),
                  {picture.cols / 20, static_cast<int>(picture.rows * one_of({0.1, 0.5, 0.9}))},
                  cv::FONT_HERSHEY_SIMPLEX, size, cv::Scalar::all(250),
                  std::max(1, static_cast<int>(std::lround(size * 2))), cv::LINE_AA);
    }
    return what;
  }

  /// Noise and rounding, as a camera would have them after the lens.
  cv::Mat noisy(const cv::Mat& picture, double sigma) {
    cv::Mat bytes;
    with_noise(picture, sigma).convertTo(bytes, CV_8UC3);
    return bytes;
  }

 private:
  cv::Mat with_noise(const cv::Mat& picture, double sigma) {
    cv::Mat out = picture.clone();
    if (sigma <= 0) return out;
    std::normal_distribution<float> noise(0, static_cast<float>(sigma));
    for (int y = 0; y < out.rows; ++y) {
      float* const row = out.ptr<float>(y);
      for (int x = 0; x < out.cols * 3; ++x) row[x] += noise(random_);
    }
    return out;
  }
  double uniform(double low, double high) {
    return std::uniform_real_distribution<>(low, high)(random_);
  }
  cv::Mat smaller(const cv::Mat& photo) {
    const double scale = one_of({1.0, 0.75, 0.5});
    cv::Mat out;
    cv::resize(photo, out, {}, scale, scale, cv::INTER_AREA);
    return out;
  }
  /// 0.4 to 1.6 % of the longer side, at least one pixel.
  double spread_of(const cv::Mat& picture) {
    return std::max(1.0,
                    one_of({0.004, 0.006, 0.010, 0.016}) * std::max(picture.rows, picture.cols));
  }
  static cv::Mat disc(double radius) {
    const int half = static_cast<int>(std::ceil(radius));
    cv::Mat kernel(2 * half + 1, 2 * half + 1, CV_32F);
    for (int y = -half; y <= half; ++y)
      for (int x = -half; x <= half; ++x)
        kernel.at<float>(y + half, x + half) =
            static_cast<float>(std::clamp(radius + 0.5 - std::hypot(x, y), 0.0, 1.0));
    return kernel / cv::sum(kernel)[0];
  }
  static cv::Mat line(double length, double angle) {
    const int half = static_cast<int>(std::ceil(length / 2));
    cv::Mat kernel = cv::Mat::zeros(2 * half + 1, 2 * half + 1, CV_32F);
    const int steps = static_cast<int>(length * 16) + 1;
    for (int i = 0; i < steps; ++i) {
      const double along = length * (static_cast<double>(i) / std::max(1, steps - 1) - 0.5);
      const double x = half + along * std::cos(angle), y = half + along * std::sin(angle);
      const int left = static_cast<int>(x), top = static_cast<int>(y);
      const double fx = x - left, fy = y - top;
      const auto add = [&](int row, int column, double weight) {
        if (row < kernel.rows && column < kernel.cols)
          kernel.at<float>(row, column) += static_cast<float>(weight);
      };
      add(top, left, (1 - fx) * (1 - fy));
      add(top, left + 1, fx * (1 - fy));
      add(top + 1, left, (1 - fx) * fy);
      add(top + 1, left + 1, fx * fy);
    }
    return kernel / cv::sum(kernel)[0];
  }
  /// The path of a hand that shakes: its speed wanders.
  cv::Mat shake(double spread) {
    constexpr int kSteps = 400;
    std::normal_distribution<double> push(0, 1);
    std::vector<cv::Point2d> path(kSteps);
    cv::Point2d speed(8 * push(random_), 8 * push(random_)), at(0, 0), mean(0, 0);
    for (cv::Point2d& point : path) {
      speed += cv::Point2d(push(random_), push(random_));
      point = at += speed;
      mean += point / kSteps;
    }
    double power = 0, farthest = 0;
    for (cv::Point2d& point : path) power += (point -= mean).dot(point) / kSteps;
    for (cv::Point2d& point : path) {
      point *= 1.3 * spread / std::sqrt(power);
      farthest = std::max({farthest, std::abs(point.x), std::abs(point.y)});
    }
    const int half = static_cast<int>(std::ceil(farthest));
    cv::Mat kernel = cv::Mat::zeros(2 * half + 1, 2 * half + 1, CV_32F);
    for (const cv::Point2d& point : path)
      kernel.at<float>(half + static_cast<int>(std::lround(point.y)),
                       half + static_cast<int>(std::lround(point.x))) += 1.0F / kSteps;
    return kernel;
  }
  cv::Mat blurred(const cv::Mat& sharp, const std::string& kind, double spread) {
    if (!hard_ || random_() % 2 == 0) return blurred_as_it_is(sharp, kind, spread);
    cv::Mat light;
    cv::pow(sharp / 255, 2.2, light);
    light = blurred_as_it_is(light, kind == "motion" ? "shake" : kind, spread);
    cv::pow(cv::min(cv::max(light, 0), 1), 1 / 2.2, light);
    return light * 255;
  }
  cv::Mat blurred_as_it_is(const cv::Mat& sharp, const std::string& kind, double spread) {
    cv::Mat out;
    if (kind == "gauss") {
      cv::GaussianBlur(sharp, out, {}, spread);
    } else {
      // A disc of radius r has a standard deviation of r / 2, a line of length l one of l /
      // sqrt 12.
      const cv::Mat kernel = kind == "disc" ? disc(2 * spread)
                             : kind == "shake"
                                 ? shake(spread)
                                 : line(std::sqrt(12) * spread, uniform(0, std::numbers::pi));
      cv::filter2D(sharp, out, -1, kernel);
    }
    return out;
  }
  /// The middle third stays sharp; what lies around it goes out of focus.
  Made bokeh(const cv::Mat& sharp) {
    const double spread = 0.02 * std::max(sharp.rows, sharp.cols);
    cv::Mat mask = cv::Mat::zeros(sharp.size(), CV_32F);
    cv::ellipse(mask, {sharp.cols / 2, sharp.rows / 2}, {sharp.cols / 4, sharp.rows / 3}, 0, 0, 360,
                1, cv::FILLED);
    cv::GaussianBlur(mask, mask, {}, 3);
    cv::Mat weights;
    cv::merge(std::vector<cv::Mat>{mask, mask, mask}, weights);
    const cv::Mat soft = blurred(sharp, "disc", spread);
    return {sharp.mul(weights) + soft.mul(cv::Scalar::all(1) - weights), "clear", "bokeh", 0};
  }
  std::mt19937 random_;
  bool hard_;
};

/// CleanVision's rule, from its description: gray at a longer side of 64 px (shrunk by area here),
/// the edges that a mask of 8 in the middle and -1 around it finds, clipped to bytes as Pillow
/// does, and 1 - exp(-0.01 * their standard deviation). It calls a photo blurred below 0.29.
double cleanvision_score(const cv::Mat& picture) {
  cv::Mat gray;
  cv::cvtColor(picture, gray, cv::COLOR_BGR2GRAY);
  const double shrink = 64.0 / std::max(gray.rows, gray.cols);
  if (shrink < 1) {
    cv::resize(gray, gray,
               {std::max(1, static_cast<int>(gray.cols * shrink)),
                std::max(1, static_cast<int>(gray.rows * shrink))},
               0, 0, cv::INTER_AREA);
  }
  cv::Mat edges = gray.clone();  // Pillow copies the border
  for (int y = 1; y + 1 < gray.rows; ++y) {
    for (int x = 1; x + 1 < gray.cols; ++x) {
      int sum = 9 * gray.at<unsigned char>(y, x);
      for (int dy = -1; dy <= 1; ++dy)
        for (int dx = -1; dx <= 1; ++dx) sum -= gray.at<unsigned char>(y + dy, x + dx);
      edges.at<unsigned char>(y, x) = static_cast<unsigned char>(std::clamp(sum, 0, 255));
    }
  }
  cv::Scalar mean, deviation;
  cv::meanStdDev(edges, mean, deviation);
  return 1 - std::exp(-0.01 * deviation[0]);
}

int usage() {
  std::cerr << "blur_set PHOTOS OUT [--seed N] [--limit N] [--hard]\n";
  return 2;
}

int make(const std::string& photos, const fs::path& out, unsigned seed, std::size_t limit,
         bool hard) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(photos)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  fs::create_directories(out);
  std::ofstream labels(out / "labels.csv");
  labels << "file,label,group,kind,blur_px,noise,quality,cleanvision\n";
  std::size_t used = 0, written = 0;
  for (const fs::path& file : files) {
    const cv::Mat bytes = cv::imread(file.string(), cv::IMREAD_COLOR);
    if (bytes.empty()) continue;
    if (used == limit) break;
    Maker maker(seed + static_cast<unsigned>(used++), hard);
    cv::Mat photo;
    bytes.convertTo(photo, CV_32FC3);
    int number = 0;
    for (Made& made : maker.versions(photo)) {
      made.kind += maker.harden(made.picture, made.label == "clear");
      const double noise = maker.one_of({0.0, 0.0, 2.0, 5.0, 10.0});
      const int quality = maker.one_of({95, 85, 70, 50});
      const std::string name =
          file.stem().string() + "_" + std::to_string(number++) + "_" + made.kind + ".jpg";
      const cv::Mat finished = maker.noisy(made.picture, noise);
      if (!cv::imwrite((out / name).string(), finished, {cv::IMWRITE_JPEG_QUALITY, quality}))
        return 1;
      const cv::Mat seen = cv::imread((out / name).string(), cv::IMREAD_COLOR);
      labels << name << ',' << made.label << ',' << file.stem().string() << ',' << made.kind << ','
             << made.blur_px << ',' << noise << ',' << quality << ',' << cleanvision_score(seen)
             << '\n';
      ++written;
    }
  }
  std::cout << written << " photos of " << used << " in " << out.string() << "\n";
  return labels.flush() && written > 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc), plain;
  unsigned seed = 1;
  std::size_t limit = SIZE_MAX;
  bool hard = false;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--hard") {
      hard = true;
      continue;
    }
    if (words[i].starts_with("--") && i + 1 == words.size()) return usage();
    if (words[i] == "--seed") {
      seed = static_cast<unsigned>(std::stoul(words[++i]));
    } else if (words[i] == "--limit") {
      limit = std::stoul(words[++i]);
    } else if (words[i].starts_with("--")) {
      return usage();
    } else {
      plain.push_back(words[i]);
    }
  }
  if (plain.size() != 2) return usage();
  return make(plain[0], plain[1], seed, limit, hard);
}
