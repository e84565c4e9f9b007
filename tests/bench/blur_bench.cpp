// The blur check's price, beside a bare gray decode and the plain OpenCV code, in one process and
// interleaved, so that a busy machine slows all of them alike. Prints the ratios of the medians.
//
//   build/release/bin/blur_bench [JPEG…]     default: a made 12-megapixel and a made 500x375 photo
#include <benchmark/benchmark.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <string>
#include <vector>

extern "C" {
#include <jpeglib.h>
}

#include "common/image/photo.h"
#include "tests/common/image/make_images.h"

namespace photoscribe {
namespace {

using testing::Bytes;

constexpr int kSide = 224;

// libjpeg's gray decode and nothing else, into one buffer that is kept.
void decode_gray_bare(const Bytes& bytes, Bytes& to) {
  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, bytes.data(), bytes.size());
  jpeg_read_header(&info, TRUE);
  info.out_color_space = JCS_GRAYSCALE;
  jpeg_start_decompress(&info);
  to.resize(std::size_t{info.output_width} * info.output_height);
  while (info.output_scanline < info.output_height) {
    JSAMPROW row = to.data() + std::size_t{info.output_scanline} * info.output_width;
    jpeg_read_scanlines(&info, &row, 1);
  }
  jpeg_finish_decompress(&info);
  jpeg_destroy_decompress(&info);
}

// As scripts do it.
double plain_opencv_score(const Bytes& bytes) {
  const cv::Mat colour = cv::imdecode(bytes, cv::IMREAD_COLOR);
  cv::Mat gray, laplacian, mean, deviation;
  cv::cvtColor(colour, gray, cv::COLOR_BGR2GRAY);
  cv::Laplacian(gray, laplacian, CV_64F);
  cv::meanStdDev(laplacian, mean, deviation);
  return deviation.at<double>(0) * deviation.at<double>(0);
}

cv::Mat plain_opencv_input(const Bytes& bytes) {
  cv::Mat colour = cv::imdecode(bytes, cv::IMREAD_COLOR);
  cv::cvtColor(colour, colour, cv::COLOR_BGR2RGB);
  cv::resize(colour, colour, {kSide, kSide}, 0, 0, cv::INTER_AREA);
  return colour;
}

const BlurSettings kNothingIsBlurred{.blur_threshold = 0};

void add_benchmarks(const std::string& name, const Bytes& bytes) {
  const auto add = [&](const char* what, auto work) {
    benchmark::RegisterBenchmark((name + "/" + what).c_str(), [work](
                                                                  benchmark::State& state) mutable {
      for (auto _ : state) work();
    })->Unit(benchmark::kMillisecond);
  };
  add("bare_gray_decode", [bytes, buffer = Bytes()]() mutable { decode_gray_bare(bytes, buffer); });
  add("blur_check", [bytes] { benchmark::DoNotOptimize(measure_photo(bytes, {}, {})); });
  add("plain_opencv_blur", [bytes] { benchmark::DoNotOptimize(plain_opencv_score(bytes)); });
  add("blur_and_network_input",
      [bytes] { benchmark::DoNotOptimize(load_photo(bytes, kSide, kNothingIsBlurred, {})); });
  add("network_input", [bytes] { benchmark::DoNotOptimize(decode_for_network(bytes, kSide, {})); });
  add("plain_opencv_blur_and_input", [bytes] {
    benchmark::DoNotOptimize(plain_opencv_score(bytes));
    benchmark::DoNotOptimize(plain_opencv_input(bytes));
  });
}

// Of a photograph's detail: as many bytes a pixel at quality 90 as cameras write.
DecodedImage photo_like(int width_px, int height_px) {
  const DecodedImage small = testing::sharp_picture(width_px / 2, height_px / 2);
  const cv::Mat view(small.height_px, small.width_px, CV_8UC3,
                     const_cast<std::uint8_t*>(small.pixels.data()));
  DecodedImage image = testing::flat_picture(width_px, height_px, 0, 0, 0);
  cv::Mat to(height_px, width_px, CV_8UC3, image.pixels.data());
  cv::resize(view, to, to.size(), 0, 0, cv::INTER_CUBIC);
  return image;
}

Bytes read_file(const char* path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class Medians : public benchmark::ConsoleReporter {
 public:
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs)
      if (run.aggregate_name == "median")
        medians_[run.run_name.function_name] = run.GetAdjustedCPUTime();
    ConsoleReporter::ReportRuns(runs);
  }
  void print(const std::string& photo) const {
    const auto of = [&](const char* what) { return medians_.at(photo + "/" + what); };
    std::printf(
        "%s: plain OpenCV / blur check %.2f (bar 2.5); blur check / bare gray decode %.2f "
        "(bar 1.4); plain OpenCV / ours for blur and input %.2f\n",
        photo.c_str(), of("plain_opencv_blur") / of("blur_check"),
        of("blur_check") / of("bare_gray_decode"),
        of("plain_opencv_blur_and_input") / of("blur_and_network_input"));
  }

 private:
  std::map<std::string, double> medians_;
};

int run(int argc, char** argv) {
  std::vector<std::string> arguments{argv[0]};
  std::vector<std::pair<std::string, Bytes>> photos;
  for (const char* argument :
       {"--benchmark_repetitions=9", "--benchmark_min_time=0.2",
        "--benchmark_enable_random_interleaving=true", "--benchmark_report_aggregates_only=true"})
    arguments.emplace_back(argument);
  for (int i = 1; i < argc; ++i)
    if (argv[i][0] == '-')
      arguments.emplace_back(argv[i]);
    else
      photos.emplace_back(argv[i], read_file(argv[i]));
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  int count = static_cast<int>(pointers.size());
  benchmark::Initialize(&count, pointers.data());

  cv::setNumThreads(1);
  if (photos.empty())
    for (const auto& [width, height] : {std::pair{4000, 3000}, {500, 375}})
      photos.emplace_back(std::to_string(width) + "x" + std::to_string(height),
                          testing::encode_jpeg(photo_like(width, height), {.quality = 90}));
  for (const auto& [name, bytes] : photos) {
    if (!measure_photo(bytes, {}, {})) {
      std::fprintf(stderr, "%s does not decode\n", name.c_str());
      return 1;
    }
    std::printf("%s: %.2f MB\n", name.c_str(), static_cast<double>(bytes.size()) / 1e6);
    add_benchmarks(name, bytes);
  }
  Medians medians;
  benchmark::RunSpecifiedBenchmarks(&medians);
  for (const auto& [name, bytes] : photos) medians.print(name);
  return 0;
}

}  // namespace
}  // namespace photoscribe

int main(int argc, char** argv) { return photoscribe::run(argc, argv); }
