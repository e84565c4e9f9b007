#include "common/image/photo.h"

#include <algorithm>
#include <array>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "common/image/blur_score.h"
#include "common/image/exif.h"
#include "common/image/format.h"
#include "common/image/jpeg_reader.h"
#include "common/image/network_input.h"
#include "common/image/opencv_codec.h"

namespace photoscribe {
namespace {

using image::Format;
using image::refuse;
using image::Sniffed;
using Bytes = std::span<const std::uint8_t>;

Decoded<Sniffed> identify(Bytes bytes, const DecodeLimits& limits) {
  if (bytes.empty()) return refuse(Reason::empty, "the file is empty");
  if (bytes.size() > static_cast<std::size_t>(limits.file_bytes_max))
    return refuse(Reason::too_large, "the file has " + std::to_string(bytes.size()) +
                                         " bytes, the cap is " +
                                         std::to_string(limits.file_bytes_max));
  const Sniffed sniffed = image::sniff(bytes);
  if (sniffed.format == Format::unknown)
    return refuse(Reason::not_an_image, "the first bytes are of no image format");
  if (sniffed.format == Format::known)
    return refuse(Reason::unsupported, std::string(sniffed.name) + " is not supported");
  return sniffed;
}

double score_of(const cv::Mat& gray, const BlurSettings& blur) {
  const ScoredSize size = scored_size(gray.cols, gray.rows, blur);
  cv::Mat scored = gray;
  if (size.width_px != gray.cols || size.height_px != gray.rows)
    cv::resize(gray, scored, cv::Size(size.width_px, size.height_px), 0, 0, cv::INTER_AREA);
  BlurMeter meter(scored.cols, scored.rows, blur);
  for (int y = 0; y < scored.rows; ++y) meter.push(scored.ptr(y));
  return meter.score();
}

Measured as_shown(double score, int width_px, int height_px, int orientation) {
  if (image::swaps_sides(orientation)) std::swap(width_px, height_px);
  return {score, width_px, height_px};
}

Decoded<cv::Mat> read_all(image::JpegReader& reader, image::JpegOutput output, int denominator) {
  if (auto started = reader.start(output, denominator); !started) return refuse(started.error());
  cv::Mat image(reader.output_height_px(), reader.output_width_px(),
                output == image::JpegOutput::gray ? CV_8UC1 : CV_8UC3);
  std::array<std::uint8_t*, 16> rows;
  for (int y = 0; y < image.rows;) {
    const int count = std::min(static_cast<int>(rows.size()), image.rows - y);
    for (int i = 0; i < count; ++i) rows[static_cast<std::size_t>(i)] = image.ptr(y + i);
    const auto read = reader.read_rows({rows.data(), static_cast<std::size_t>(count)});
    if (!read) return refuse(read.error());
    y += *read;
  }
  if (auto finished = reader.finish(); !finished) return refuse(finished.error());
  return image;
}

Decoded<Measured> measure_jpeg(Bytes bytes, const BlurSettings& blur, const DecodeLimits& limits) {
  auto reader = image::JpegReader::open(bytes, limits);
  if (!reader) return refuse(reader.error());
  const auto gray = read_all(*reader, image::JpegOutput::gray, 1);
  if (!gray) return refuse(gray.error());
  return as_shown(score_of(*gray, blur), gray->cols, gray->rows, reader->orientation());
}

int dct_denominator(int width_px, int height_px, int side_px) {
  for (const int denominator : {8, 4, 2}) {
    const auto covers = [&](int side) { return (side + denominator - 1) / denominator >= side_px; };
    if (covers(width_px) && covers(height_px)) return denominator;
  }
  return 1;
}

Decoded<DecodedImage> jpeg_for_network(Bytes bytes, int side_px, const DecodeLimits& limits) {
  auto reader = image::JpegReader::open(bytes, limits);
  if (!reader) return refuse(reader.error());
  const int denominator = dct_denominator(reader->width_px(), reader->height_px(), side_px);
  const auto rgb = read_all(*reader, image::JpegOutput::rgb, denominator);
  if (!rgb) return refuse(rgb.error());
  return image::to_network_input(*rgb, reader->orientation(), side_px);
}

}  // namespace

Decoded<Measured> measure_photo(Bytes bytes, const BlurSettings& blur, const DecodeLimits& limits) {
  const auto sniffed = identify(bytes, limits);
  if (!sniffed) return refuse(sniffed.error());
  if (sniffed->format == Format::jpeg) return measure_jpeg(bytes, blur, limits);
  const auto gray = image::decode_gray(bytes, sniffed->name);
  if (!gray) return refuse(gray.error());
  return as_shown(score_of(*gray, blur), gray->cols, gray->rows, 1);
}

Decoded<DecodedImage> decode_for_network(Bytes bytes, int side_px, const DecodeLimits& limits) {
  const auto sniffed = identify(bytes, limits);
  if (!sniffed) return refuse(sniffed.error());
  if (sniffed->format == Format::jpeg) return jpeg_for_network(bytes, side_px, limits);
  const auto rgb = image::decode_rgb(bytes, sniffed->name);
  if (!rgb) return refuse(rgb.error());
  return image::to_network_input(*rgb, 1, side_px);
}

Decoded<GatedPhoto> load_photo(Bytes bytes, int side_px, const BlurSettings& blur,
                               const DecodeLimits& limits) {
  const auto measured = measure_photo(bytes, blur, limits);
  if (!measured) return refuse(measured.error());
  GatedPhoto photo{*measured, std::nullopt};
  if (is_blurred(measured->blur_score, blur)) return photo;
  auto input = decode_for_network(bytes, side_px, limits);
  if (!input) return refuse(input.error());
  photo.network_input = std::move(*input);
  return photo;
}

std::string_view format_name(Bytes bytes) noexcept { return image::sniff(bytes).name; }

}  // namespace photoscribe
