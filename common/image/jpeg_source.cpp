#include "common/image/jpeg_source.h"

#include <algorithm>

#include "common/image/raster.h"

namespace photoscribe::image {
namespace {

constexpr std::array<std::uint8_t, 2> kEndMarker{0xFF, 0xD9};

bool is_in_scan(const jpeg_decompress_struct& info) noexcept {
  return info.input_scan_number > 0 && info.input_iMCU_row < info.total_iMCU_rows;
}

}  // namespace

JpegSource& JpegSource::of(j_decompress_ptr info) noexcept {
  return *reinterpret_cast<JpegSource*>(info->src);
}

void JpegSource::install(jpeg_decompress_struct& info, std::span<const std::uint8_t> bytes) {
  bytes_ = bytes;
  manager_.next_input_byte = bytes.data();
  manager_.bytes_in_buffer = bytes.size();
  manager_.init_source = [](j_decompress_ptr) {};
  manager_.fill_input_buffer = fill;
  manager_.skip_input_data = skip;
  manager_.resync_to_restart = jpeg_resync_to_restart;
  manager_.term_source = [](j_decompress_ptr) {};
  info.src = &manager_;
}

void JpegSource::hide_end_marker(const jpeg_decompress_struct&) {
  const std::uint8_t* const end = bytes_.data() + bytes_.size();
  const std::uint8_t* marker =
      std::search(manager_.next_input_byte, end, kEndMarker.begin(), kEndMarker.end());
  hidden_ = marker != end;
  if (marker == end && marker > manager_.next_input_byte && marker[-1] == kEndMarker[0])
    --marker;  // half of one is left
  ran_dry_ = !hidden_ && ends_in_zeros(bytes_);
  bytes_ = bytes_.first(static_cast<std::size_t>(marker - bytes_.data()));
  manager_.bytes_in_buffer = static_cast<std::size_t>(marker - manager_.next_input_byte);
}

boolean JpegSource::fill(j_decompress_ptr info) {
  JpegSource& source = of(info);
  const bool zeros = info->arith_code != FALSE && source.given_ == 0;
  source.ran_dry_ |= info->arith_code != FALSE && !zeros && is_in_scan(*info);
  if (zeros) source.made_up_ = source.hidden_ ? kDroppedZeros : kDroppedOfPhoto;
  source.manager_.next_input_byte = zeros ? source.zeros_.data() : kEndMarker.data();
  source.manager_.bytes_in_buffer = zeros ? source.made_up_ : kEndMarker.size();
  ++source.given_;
  return TRUE;
}

void JpegSource::skip(j_decompress_ptr info, long count) {
  jpeg_source_mgr& manager = of(info).manager_;
  const std::size_t skipped =
      std::min(static_cast<std::size_t>(std::max(count, 0L)), manager.bytes_in_buffer);
  manager.next_input_byte += skipped;
  manager.bytes_in_buffer -= skipped;
}

bool JpegSource::skipped_padding(std::size_t count, int marker) const noexcept {
  constexpr std::size_t kCameras = 64;  // some leave a few bytes of anything behind the last scan
  constexpr std::size_t kPrefetched = 16;
  // libjpeg's position is behind what it skipped, before the marker that it found.
  const std::uint8_t* const begin = bytes_.data();
  const std::uint8_t* const end = given_ > 0 ? begin + bytes_.size() : manager_.next_input_byte;
  count = std::min(count - std::min(count, made_up_), static_cast<std::size_t>(end - begin));
  if (count <= kCameras && marker == kEndMarker[1]) return true;
  const std::uint8_t* const start = end - count;
  if (!std::all_of(start, end, [&](std::uint8_t value) { return value == *start; })) return false;
  // Padding that began before the scan had its last bits was no padding: the data were overwritten.
  const std::uint8_t* first = start;
  while (first > begin && first[-1] == *start) --first;
  return static_cast<std::size_t>(start - first) <= kPrefetched;
}

}  // namespace photoscribe::image
