#include "common/image/jpeg_reader.h"

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "common/image/jpeg_source.h"
extern "C" {
#include <jerror.h>
}

#include "common/image/byte_reader.h"
#include "common/image/exif.h"

namespace photoscribe::image {
namespace {

constexpr int kScansMax = 512;  // real progressive files have about ten
constexpr int kLinesMarker = 0xDC;
constexpr const char* kLinesBehind = "its height follows its data (DNL), which is not supported";

Reason reason_of(int code) noexcept {
  switch (code) {
    case JERR_BAD_PRECISION:  // 12 bits and more
    case JERR_SOF_UNSUPPORTED:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL:
    case JERR_CCIR601_NOTIMPL:
    case JERR_ARITH_NOTIMPL:
    case JERR_NOTIMPL:
    case JERR_NOT_COMPILED:
    case JERR_COMPONENT_COUNT:
    case JERR_BAD_J_COLORSPACE:
      return Reason::unsupported;
    case JERR_IMAGE_TOO_BIG:
    case JERR_WIDTH_OVERFLOW:
      return Reason::too_large;
    default:
      return Reason::truncated;
  }
}

}  // namespace

struct JpegReader::State {
  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  jpeg_progress_mgr progress{};
  JpegSource source;
  std::jmp_buf escape{};
  std::array<char, JMSG_LENGTH_MAX> message{};
  Reason reason = Reason::truncated;
  bool out_of_memory = false;
  bool decoded = false;  // every row was delivered
  bool cmyk_to_gray = false, cmyk_to_rgb = false;
  std::optional<int> orientation;
  std::vector<std::uint8_t> cmyk_row;
  std::vector<std::uint8_t> bands;  // two, taken in turns, each of three planes
  std::array<std::array<std::uint8_t*, 3>, 2> band_planes{};
  std::array<std::size_t, 3> strides{};
  std::array<int, 3> rows_delivered{};
  unsigned bands_read = 0;

  ~State() { jpeg_destroy_decompress(&info); }

  static State& of(j_common_ptr common) noexcept {
    return *static_cast<State*>(common->client_data);
  }
  [[noreturn]] static void escape_from(j_common_ptr common) {
    State& state = of(common);
    const int code = common->err->msg_code;
    if (code == JERR_OUT_OF_MEMORY) state.out_of_memory = true;
    state.reason = reason_of(code);
    common->err->format_message(common, state.message.data());
    if (code == JERR_EMPTY_IMAGE && state.info.image_height == 0) state.fail_for_lines();
    std::longjmp(state.escape, 1);
  }
  void fail_for_lines() noexcept {
    reason = Reason::unsupported;
    std::snprintf(message.data(), message.size(), "%s", kLinesBehind);
  }
  // libjpeg warns and goes on; what cost a pixel ends it here.
  static void on_message(j_common_ptr common, int level) {
    if (level >= 0) return;  // a trace message
    State& state = of(common);
    const jpeg_error_mgr& errors = *common->err;
    switch (errors.msg_code) {
      case JWRN_ADOBE_XFORM:  // unusual, but every pixel is there
      case JWRN_JFIF_MAJOR:
      case JWRN_BOGUS_ICC:
      case JWRN_BOGUS_PROGRESSION:
      case JWRN_NOT_SEQUENTIAL:  // some cameras fill in the scan's parameters wrongly
        return;
      case JWRN_EXTRANEOUS_DATA:
        if (state.info.input_scan_number == 0 ||  // between the header's segments
            state.source.skipped_padding(static_cast<std::size_t>(errors.msg_parm.i[0]),
                                         errors.msg_parm.i[1]))
          return;
        state.decoded = false;
        if (errors.msg_parm.i[1] != kLinesMarker) break;
        state.fail_for_lines();
        std::longjmp(state.escape, 1);
      default:
        break;
    }
    escape_from(common);
  }
  static void on_progress(j_common_ptr common) {
    State& state = of(common);
    if (state.info.input_scan_number <= kScansMax) return;
    state.reason = Reason::too_large;
    std::snprintf(state.message.data(), state.message.size(), "more than %d scans", kScansMax);
    std::longjmp(state.escape, 1);
  }

  // The functions below call libjpeg; a longjmp lands in them, past no object with a destructor.
  bool read_header(std::span<const std::uint8_t> bytes) noexcept {
    if (setjmp(escape) != 0) return false;
    jpeg_create_decompress(&info);
    info.client_data = this;  // create_decompress clears the struct
    info.progress = &progress;
    source.install(info, bytes);
    jpeg_save_markers(&info, JPEG_APP0 + 1, 0xFFFF);
    jpeg_read_header(&info, TRUE);
    if (info.arith_code != FALSE) source.hide_end_marker(info);
    return true;
  }
  bool start() noexcept {
    if (setjmp(escape) != 0) return false;
    jpeg_start_decompress(&info);
    return true;
  }
  int read(JSAMPARRAY rows, JDIMENSION count) noexcept {
    if (setjmp(escape) != 0) return -1;
    return static_cast<int>(jpeg_read_scanlines(&info, rows, count));
  }
  int read_planes(JSAMPIMAGE planes, JDIMENSION rows) noexcept {
    if (setjmp(escape) != 0) return -1;
    return static_cast<int>(jpeg_read_raw_data(&info, planes, rows));
  }
  // On to the end marker. An error behind the last pixel is none of the picture's.
  bool finish() noexcept {
    if (!has_all_scans()) return false;
    decoded = true;
    if (setjmp(escape) != 0) return decoded;
    jpeg_finish_decompress(&info);
    return true;
  }
  // What libjpeg does not ask: whether the file ended between scans. With an end marker a
  // coefficient may be left out, but not its lowest bits alone.
  bool has_all_scans() noexcept {
    bool whole = !source.ran_dry();
    for (int i = 0; i < info.num_components; ++i) {
      whole &= info.comp_info[i].quant_table != nullptr;  // of the component's first scan
      for (int k = 0; info.coef_bits != nullptr && k < DCTSIZE2; ++k)
        whole &= source.ended() ? info.coef_bits[i][k] == 0 : info.coef_bits[i][k] <= 0;
    }
    reason = Reason::truncated;
    std::snprintf(message.data(), message.size(), "the data end before the picture does");
    return whole;
  }

  [[nodiscard]] tl::unexpected<DecodeFailure> failure() const {
    if (out_of_memory) throw std::bad_alloc();
    return refuse(reason, std::string("JPEG: ") + message.data());
  }

  void read_orientation() noexcept {
    constexpr std::string_view kExif("Exif\0\0", 6), kXmp("http://ns.adobe.com/xap/1.0/\0", 29);
    std::span<const std::uint8_t> exif, xmp;
    for (jpeg_saved_marker_ptr marker = info.marker_list; marker != nullptr;
         marker = marker->next) {
      const ByteReader reader({marker->data, marker->data_length}, ByteOrder::big);
      if (marker->marker != JPEG_APP0 + 1) continue;
      if (exif.empty() && reader.matches(0, kExif)) exif = reader.part(0, reader.size());
      if (xmp.empty() && reader.matches(0, kXmp)) xmp = reader.part(kXmp.size(), reader.size());
    }
    orientation = exif_orientation(exif);
    if (!orientation) orientation = xmp_orientation(xmp);
  }
  void cmyk_to_output(std::uint8_t* to) const noexcept;
};

// CMYK as Adobe writes it is inverted: 255 is no ink. OpenCV takes every CMYK JPEG for that, so its
// gray, and hence the blur score, does too; for the network the file's own marker decides.
void JpegReader::State::cmyk_to_output(std::uint8_t* to) const noexcept {
  const std::uint8_t* from = cmyk_row.data();
  constexpr int kRed = 4899, kGreen = 9617, kBlue = 1868;  // OpenCV's weights, of 2^14
  for (JDIMENSION x = 0; x < info.output_width; ++x, from += 4) {
    const int black = from[3];
    if (cmyk_to_gray) {
      const auto light = [black](int ink) { return black - ((255 - ink) * black >> 8); };
      *to++ = static_cast<std::uint8_t>(
          (light(from[0]) * kRed + light(from[1]) * kGreen + light(from[2]) * kBlue + (1 << 13)) >>
          14);
      continue;
    }
    const bool inverted = info.saw_Adobe_marker != FALSE;
    for (int i = 0; i < 3; ++i) {
      const int product = inverted ? from[i] * black : (255 - from[i]) * (255 - black);
      *to++ = static_cast<std::uint8_t>((product + 127) / 255);
    }
  }
}

JpegReader::JpegReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
JpegReader::JpegReader(JpegReader&&) noexcept = default;
JpegReader& JpegReader::operator=(JpegReader&&) noexcept = default;
JpegReader::~JpegReader() = default;

Decoded<JpegReader> JpegReader::open(std::span<const std::uint8_t> bytes,
                                     const DecodeLimits& limits) {
  auto state = std::make_unique<State>();
  state->info.err = jpeg_std_error(&state->errors);
  state->info.client_data = state.get();
  state->errors.error_exit = &State::escape_from;
  state->errors.emit_message = &State::on_message;
  state->progress.progress_monitor = &State::on_progress;
  if (!state->read_header(bytes)) return state->failure();
  if (auto size = check_size("JPEG", state->info.image_width, state->info.image_height, limits);
      !size)
    return refuse(size.error());
  state->read_orientation();
  return JpegReader(std::move(state));
}

Size JpegReader::size() const noexcept {
  return {static_cast<int>(state_->info.image_width), static_cast<int>(state_->info.image_height)};
}
std::optional<int> JpegReader::orientation() const noexcept { return state_->orientation; }
int JpegReader::channels() const noexcept { return state_->info.num_components; }

bool JpegReader::plain_planes() const noexcept {
  const jpeg_decompress_struct& info = state_->info;
  if (info.jpeg_color_space != JCS_YCbCr || info.num_components != 3) return false;
  const jpeg_component_info& luma = info.comp_info[0];
  for (int i = 1; i < 3; ++i) {
    const jpeg_component_info& chroma = info.comp_info[i];
    if (luma.h_samp_factor % chroma.h_samp_factor != 0 ||
        luma.v_samp_factor % chroma.v_samp_factor != 0)
      return false;
  }
  return true;
}

Decoded<void> JpegReader::start(JpegOutput output) {
  jpeg_decompress_struct& info = state_->info;
  if (info.num_components == 4) {
    info.out_color_space = JCS_CMYK;  // libjpeg makes CMYK of YCCK
    (output == JpegOutput::gray ? state_->cmyk_to_gray : state_->cmyk_to_rgb) = true;
    state_->cmyk_row.resize(std::size_t{info.image_width} * 4);
  } else {
    info.out_color_space = output == JpegOutput::gray  ? JCS_GRAYSCALE
                           : output == JpegOutput::rgb ? JCS_RGB
                                                       : JCS_YCbCr;
  }
  if (!state_->start()) return state_->failure();
  return {};
}

Decoded<void> JpegReader::start_planes() {
  jpeg_decompress_struct& info = state_->info;
  info.out_color_space = JCS_YCbCr;
  info.raw_data_out = TRUE;
  if (!state_->start()) return state_->failure();
  // libjpeg writes whole MCUs, also where the picture ends earlier.
  const auto mcus = (info.image_width + 8U * static_cast<unsigned>(info.max_h_samp_factor) - 1) /
                    (8U * static_cast<unsigned>(info.max_h_samp_factor));
  std::array<std::size_t, 3> plane_bytes{};
  std::size_t band_bytes = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    const jpeg_component_info& plane = info.comp_info[i];
    state_->strides[i] = std::size_t{mcus} * 8 * static_cast<std::size_t>(plane.h_samp_factor);
    plane_bytes[i] = state_->strides[i] * 8 * static_cast<std::size_t>(plane.v_samp_factor);
    band_bytes += plane_bytes[i];
  }
  state_->bands.resize(2 * band_bytes);
  std::uint8_t* at = state_->bands.data();
  for (auto& band : state_->band_planes)
    for (std::size_t i = 0; i < 3; ++i) {
      band[i] = at;
      at += plane_bytes[i];
    }
  return {};
}

Size JpegReader::plane_size(int plane) const noexcept {
  const jpeg_component_info& component = state_->info.comp_info[plane];
  return {static_cast<int>(component.downsampled_width),
          static_cast<int>(component.downsampled_height)};
}

Decoded<JpegBand> JpegReader::read_band() {
  constexpr std::size_t kRowsMax = 8 * 4;  // the largest sampling factor is 4
  State& state = *state_;
  const auto& planes = state.band_planes[state.bands_read++ % 2];
  std::array<std::array<JSAMPROW, kRowsMax>, 3> rows{};
  std::array<JSAMPARRAY, 3> image{};
  JpegBand band;
  for (std::size_t i = 0; i < 3; ++i) {
    const int row_count = 8 * state.info.comp_info[i].v_samp_factor;
    for (std::size_t y = 0; y < static_cast<std::size_t>(row_count); ++y)
      rows[i][y] = planes[i] + y * state.strides[i];
    image[i] = rows[i].data();
    const int left = plane_size(static_cast<int>(i)).height_px - state.rows_delivered[i];
    band.planes[i] = {planes[i], state.strides[i], std::min(row_count, left)};
    state.rows_delivered[i] += band.planes[i].row_count;
  }
  if (state.read_planes(image.data(), static_cast<JDIMENSION>(8 * state.info.max_v_samp_factor)) <
      0)
    return state.failure();
  return band;
}

Decoded<int> JpegReader::read_rows(std::span<std::uint8_t* const> rows) {
  if (state_->cmyk_to_gray || state_->cmyk_to_rgb) {
    JSAMPROW row = state_->cmyk_row.data();
    const int read = state_->read(&row, 1);
    if (read < 0) return state_->failure();
    if (read == 1) state_->cmyk_to_output(rows[0]);
    return read;
  }
  // libjpeg does not write the array of pointers, it only lacks the const.
  const int read =
      state_->read(const_cast<JSAMPARRAY>(rows.data()), static_cast<JDIMENSION>(rows.size()));
  if (read < 0) return state_->failure();
  return read;
}

Decoded<void> JpegReader::finish() {
  if (!state_->finish()) return state_->failure();
  return {};
}

}  // namespace photoscribe::image
