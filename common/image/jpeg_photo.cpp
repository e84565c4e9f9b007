#include "common/image/jpeg_photo.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <vector>

#include "common/image/area_resize.h"
#include "common/image/blur_score.h"
#include "common/image/exif.h"
#include "common/image/jpeg_reader.h"
#include "common/image/network_input.h"

namespace photoscribe::image {
namespace {

constexpr std::size_t kRowsPerRead = 16;

std::size_t square_pixels(int side_px) {
  return static_cast<std::size_t>(side_px) * static_cast<std::size_t>(side_px);
}

// Fresh large allocations page-fault: one buffer a thread.
std::uint8_t* row_ring(std::size_t bytes) {
  thread_local std::vector<std::uint8_t> ring;
  if (ring.size() < bytes) ring.resize(bytes);
  return ring.data();
}

// Decodes rows of pixels and hands each to `take(row)`; the last two rows stay readable.
template <class Take>
Decoded<void> for_each_row(JpegReader& reader, JpegOutput output, Take&& take) {
  if (auto started = reader.start(output); !started) return started;
  const Size size = reader.size();
  const auto stride =
      static_cast<std::size_t>(size.width_px) * (output == JpegOutput::gray ? 1U : 3U);
  constexpr std::size_t kRing = kRowsPerRead + 2;
  std::uint8_t* ring = row_ring(kRing * stride);

  std::size_t next = 0;
  for (int y = 0; y < size.height_px;) {
    const auto left = static_cast<std::size_t>(size.height_px - y);
    std::array<std::uint8_t*, kRowsPerRead> rows{};
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = ring + (next + i) % kRing * stride;
    const auto read = reader.read_rows({rows.data(), std::min(rows.size(), left)});
    if (!read) return refuse(read.error());
    if (*read == 0) return refuse(Reason::truncated, "JPEG: no more rows");
    for (int i = 0; i < *read; ++i) take(rows[static_cast<std::size_t>(i)]);
    next = (next + static_cast<std::size_t>(*read)) % kRing;
    y += *read;
  }
  return reader.finish();
}

// Any JPEG, one pass: to `meter`, and through `resizer` when there is one.
Decoded<void> read_gray(JpegReader& reader, BlurMeter* meter, AreaResizer* resizer) {
  return for_each_row(reader, JpegOutput::gray, [&](const std::uint8_t* row) {
    if (meter != nullptr) meter->push(row);
    if (resizer != nullptr) resizer->push(row);
  });
}

Decoded<std::vector<std::uint8_t>> square_of_gray(JpegReader& reader, BlurMeter* meter,
                                                  int side_px) {
  std::vector<std::uint8_t> gray(square_pixels(side_px)), rgb;
  AreaResizer resizer(reader.size(), 1, {side_px, side_px}, gray.data());
  if (auto read = read_gray(reader, meter, &resizer); !read) return refuse(read.error());
  rgb.reserve(gray.size() * 3);
  for (const std::uint8_t value : gray) rgb.insert(rgb.end(), 3, value);
  return rgb;
}

// Of the network's size already: libjpeg's own upsampling and colours, to the last bit.
Decoded<std::vector<std::uint8_t>> square_unchanged(JpegReader& reader, BlurMeter* meter,
                                                    int side_px) {
  const auto width = static_cast<std::size_t>(side_px);
  std::vector<std::uint8_t> rgb(square_pixels(side_px) * 3);
  std::array<std::vector<std::uint8_t>, 3> luma;  // the meter keeps the last two
  for (auto& row : luma) row.resize(width);
  std::size_t y = 0;
  const auto read = for_each_row(reader, JpegOutput::ycbcr, [&](const std::uint8_t* row) {
    std::vector<std::uint8_t>& gray = luma[y % luma.size()];
    for (std::size_t x = 0; x < width; ++x) gray[x] = row[3 * x];
    if (meter != nullptr) meter->push(gray.data());
    ycbcr_to_rgb(row, width, rgb.data() + y++ * width * 3);
  });
  if (!read) return refuse(read.error());
  return rgb;
}

Decoded<std::vector<std::uint8_t>> square_of_planes(JpegReader& reader, BlurMeter* meter,
                                                    int side_px) {
  if (auto started = reader.start_planes(); !started) return refuse(started.error());
  const Size square{side_px, side_px};
  std::array<std::vector<std::uint8_t>, 3> planes;
  std::vector<AreaResizer> resizers;
  for (int i = 0; i < 3; ++i) {
    auto& plane = planes[static_cast<std::size_t>(i)];
    plane.resize(square_pixels(side_px));
    resizers.emplace_back(reader.plane_size(i), 1, square, plane.data());
  }
  for (int y = 0; y < reader.size().height_px;) {
    const auto band = reader.read_band();
    if (!band) return refuse(band.error());
    for (std::size_t i = 0; i < 3; ++i) {
      const JpegBand::Plane& plane = band->planes[i];
      for (int row = 0; row < plane.row_count; ++row) {
        const std::uint8_t* pixels = plane.rows + static_cast<std::size_t>(row) * plane.stride;
        if (i == 0 && meter != nullptr) meter->push(pixels);
        resizers[i].push(pixels);
      }
    }
    y += band->planes[0].row_count;
  }
  if (auto finished = reader.finish(); !finished) return refuse(finished.error());
  std::vector<std::uint8_t> rgb(square_pixels(side_px) * 3);
  ycbcr_to_rgb(planes[0].data(), planes[1].data(), planes[2].data(), square_pixels(side_px),
               rgb.data());
  return rgb;
}

// RGB, CMYK and unusual samplings: pixels as libjpeg makes them.
Decoded<std::vector<std::uint8_t>> square_of_pixels(JpegReader& reader, int side_px) {
  std::vector<std::uint8_t> rgb(square_pixels(side_px) * 3);
  AreaResizer resizer(reader.size(), 3, {side_px, side_px}, rgb.data());
  const auto read =
      for_each_row(reader, JpegOutput::rgb, [&](const std::uint8_t* row) { resizer.push(row); });
  if (!read) return refuse(read.error());
  return rgb;
}

Decoded<std::vector<std::uint8_t>> square_in_one_pass(JpegReader& reader, BlurMeter* meter,
                                                      int side_px) {
  if (reader.channels() == 1) return square_of_gray(reader, meter, side_px);
  if (reader.size() == Size{side_px, side_px}) return square_unchanged(reader, meter, side_px);
  return square_of_planes(reader, meter, side_px);
}

}  // namespace

void take_scores(const BlurMeter& meter, Measured& measured) {
  const auto start = std::chrono::steady_clock::now();
  measured.blur_scores = meter.scores();
  measured.blur_time = std::chrono::duration_cast<std::chrono::microseconds>(
      meter.time() + (std::chrono::steady_clock::now() - start));
}

Decoded<GatedPhoto> load_jpeg(std::span<const std::uint8_t> bytes, const Wanted& wanted,
                              const DecodeLimits& limits, int orientation) {
  auto reader = JpegReader::open(bytes, limits);
  if (!reader) return refuse(reader.error());
  orientation = reader->orientation().value_or(orientation);
  GatedPhoto photo;
  photo.measured.width_px = reader->size().width_px;
  photo.measured.height_px = reader->size().height_px;
  if (swaps_sides(orientation)) std::swap(photo.measured.width_px, photo.measured.height_px);

  std::optional<BlurMeter> meter;
  if (wanted.blur != nullptr) meter.emplace(reader->size(), *wanted.blur);
  BlurMeter* metering = meter ? &*meter : nullptr;
  const bool one_pass = reader->channels() == 1 || reader->plain_planes();
  std::vector<std::uint8_t> square;
  if (wanted.side_px > 0 && one_pass) {
    auto read = square_in_one_pass(*reader, metering, wanted.side_px);
    if (!read) return refuse(read.error());
    square = std::move(*read);
  } else if (meter) {
    if (auto read = read_gray(*reader, metering, nullptr); !read) return refuse(read.error());
  }
  if (meter) take_scores(*meter, photo.measured);
  if (wanted.side_px == 0) return photo;
  if (meter && is_blurred(photo.measured.blur_scores, *wanted.blur)) return photo;

  if (!one_pass) {
    auto again = JpegReader::open(bytes, limits);
    if (!again) return refuse(again.error());
    auto read = square_of_pixels(*again, wanted.side_px);
    if (!read) return refuse(read.error());
    square = std::move(*read);
  }
  photo.network_input = upright_square(std::move(square), wanted.side_px, orientation);
  return photo;
}

}  // namespace photoscribe::image
