// TIFF and BigTIFF through libtiff, with handlers of its own, so that a strip or tile that did not
// decode whole is a failure whatever the compression inside.
#include <tiffio.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>

#include "common/image/exif.h"
#include "common/image/raster.h"
#include "common/image/tiff_pieces.h"

namespace photoscribe::image {
namespace {

struct Source {
  std::span<const std::uint8_t> bytes;
  std::size_t at = 0;
  bool decoding = false;           // else the directory is being read
  std::array<char, 256> error{};   // what libtiff said first
  std::array<char, 256> damage{};  // a decoder's first warning that pixels were made up
};

Source& of(thandle_t handle) noexcept { return *static_cast<Source*>(handle); }

void note(std::array<char, 256>& to, const char* format, va_list arguments) noexcept {
  if (to[0] != '\0') return;
  std::vsnprintf(to.data(), to.size(), format, arguments);
  std::replace_if(
      to.begin(), to.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
}

int on_error(TIFF*, void* data, const char*, const char* format, va_list arguments) {
  note(static_cast<Source*>(data)->error, format, arguments);
  return 1;  // it ends here
}

bool is_of_pixels(std::string_view text) noexcept {
  if (!text.starts_with("IO error")) return false;
  for (const std::string_view tag :
       {"ColorMap", "BitsPerSample", "SampleFormat", "ExtraSamples", "YCbCrSubsampling",
        "YCbCrCoefficients", "ReferenceBlackWhite", "JPEGTables", "Decode"})
    if (text.find(tag) != std::string_view::npos) return true;
  return false;
}

// LZW, Deflate and their like call lost pixels an error. Fax and JPEG go on and warn; JPEG only for
// the first time, so a strip without its end marker is not told from one without its last pixels.
// The directory's reader warns too, about a palette that is cut off, say.
int on_warning(TIFF*, void* data, const char* module, const char* format, va_list arguments) {
  auto& source = *static_cast<Source*>(data);
  const std::string_view from = module != nullptr ? module : "";
  std::array<char, 256> message{};
  note(message, format, arguments);
  const std::string_view text = message.data();
  const bool made_up = source.decoding && (from.starts_with("Fax") || from.starts_with("JPEG")) &&
                       text.find("extraneous bytes before marker 0xd9") == std::string_view::npos;
  if ((made_up || (!source.decoding && is_of_pixels(text))) && source.damage[0] == '\0')
    source.damage = message;
  return 1;
}

tmsize_t read(thandle_t handle, void* to, tmsize_t count) {
  Source& source = of(handle);
  const std::size_t size =
      std::min(static_cast<std::size_t>(count), source.bytes.size() - source.at);
  if (size > 0) std::memcpy(to, source.bytes.data() + source.at, size);
  source.at += size;
  return static_cast<tmsize_t>(size);
}
tmsize_t refuse_to_write(thandle_t, void*, tmsize_t) { return 0; }
toff_t seek(thandle_t handle, toff_t offset, int whence) {
  Source& source = of(handle);
  const toff_t size = source.bytes.size();
  const toff_t from = whence == SEEK_CUR ? source.at : whence == SEEK_END ? size : 0;
  source.at = static_cast<std::size_t>(std::min(from + offset, size));
  return source.at;
}
int leave_open(thandle_t) { return 0; }
toff_t size_of(thandle_t handle) { return of(handle).bytes.size(); }
int map(thandle_t handle, void** base, toff_t* size) {
  // libtiff only reads what is mapped.
  *base = const_cast<std::uint8_t*>(of(handle).bytes.data());
  *size = of(handle).bytes.size();
  return 1;
}
void unmap(thandle_t, void*, toff_t) {}

struct Close {
  void operator()(TIFF* file) const noexcept { TIFFClose(file); }
};
using File = std::unique_ptr<TIFF, Close>;

File open(Source& source, const DecodeLimits& limits) {
  struct Free {
    void operator()(TIFFOpenOptions* options) const noexcept { TIFFOpenOptionsFree(options); }
  };
  constexpr std::int64_t kBytesOfPixelMax = 16, kAlways = 1 << 22;
  const std::unique_ptr<TIFFOpenOptions, Free> options(TIFFOpenOptionsAlloc());
  if (!options) throw std::bad_alloc();
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), on_error, &source);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), on_warning, &source);
  TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(),
                                      limits.pixels_max * kBytesOfPixelMax + kAlways);
  return File(TIFFClientOpenExt("photo", "r", &source, read, refuse_to_write, seek, leave_open,
                                size_of, map, unmap, options.get()));
}

tl::unexpected<DecodeFailure> cut(const Source& source, std::string_view otherwise) {
  const char* said = source.error[0] != '\0' ? source.error.data() : source.damage.data();
  return refuse(Reason::truncated,
                "TIFF: " + (said[0] != '\0' ? std::string(said) : std::string(otherwise)));
}

template <class Value>
Value field(TIFF* file, std::uint32_t tag, Value absent) {
  Value value = absent;
  return TIFFGetFieldDefaulted(file, tag, &value) == 1 ? value : absent;
}

/// Of compressions that libtiff has no code for.
std::string compression_name(std::uint16_t compression) {
  struct Name {
    std::uint16_t number;
    std::string_view name;
  };
  constexpr std::array kNames{
      Name{32767, "Sony ARW"},  Name{32769, "packed RAW"},     Name{33003, "JPEG 2000"},
      Name{33004, "JPEG 2000"}, Name{33005, "JPEG 2000"},      Name{34712, "JPEG 2000"},
      Name{34713, "Nikon NEF"}, Name{34892, "lossy DNG JPEG"}, Name{34933, "PNG"},
      Name{34934, "JPEG XR"},   Name{22610, "JPEG XR"},        Name{50002, "JPEG XL"},
      Name{52546, "JPEG XL"}};
  std::string text = "compression " + std::to_string(compression);
  const TIFFCodec* codec = TIFFFindCODEC(compression);
  if (codec != nullptr) return text + " (" + codec->name + ")";
  const auto* const known = std::find_if(
      kNames.begin(), kNames.end(), [&](const Name& name) { return name.number == compression; });
  return known == kNames.end() ? text : text + " (" + std::string(known->name) + ")";
}

std::string variant_name(TIFF* file) {
  constexpr std::array<std::string_view, 11> kPhotometric{
      "white is 0", "black is 0", "RGB",    "palette", "mask",  "CMYK",
      "YCbCr",      "",           "CIELab", "ICCLab",  "ITULab"};
  const auto photometric = field<std::uint16_t>(file, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
  return std::to_string(field<std::uint16_t>(file, TIFFTAG_SAMPLESPERPIXEL, 1)) + " samples of " +
         std::to_string(field<std::uint16_t>(file, TIFFTAG_BITSPERSAMPLE, 1)) + " bits, " +
         (photometric < kPhotometric.size() && !kPhotometric[photometric].empty()
              ? std::string(kPhotometric[photometric])
              : "photometric " + std::to_string(photometric));
}

Decoded<void> check_variant(TIFF* file) {
  const auto compression = field<std::uint16_t>(file, TIFFTAG_COMPRESSION, COMPRESSION_NONE);
  if (TIFFIsCODECConfigured(compression) == 0)
    return refuse(Reason::unsupported,
                  "TIFF: " + compression_name(compression) + " is not supported");
  const auto format = field<std::uint16_t>(file, TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_UINT);
  const auto photometric = field<std::uint16_t>(file, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
  const bool logarithmic =
      photometric == PHOTOMETRIC_LOGL || photometric == PHOTOMETRIC_LOGLUV;  // libtiff makes 8 bits
  if (logarithmic || format == SAMPLEFORMAT_UINT || format == SAMPLEFORMAT_VOID) return {};
  return refuse(Reason::unsupported, "TIFF: " + variant_name(file) + ", of sample format " +
                                         std::to_string(format) +
                                         " (only whole numbers of up to 16 bits are supported)");
}

int orientation_of(TIFF* file) {
  std::uint16_t own = 0;
  if (TIFFGetField(file, TIFFTAG_ORIENTATION, &own) == 1 && own >= 1 && own <= 8) return own;
  std::uint32_t size = 0;
  const void* xmp = nullptr;
  if (TIFFGetField(file, TIFFTAG_XMLPACKET, &size, &xmp) != 1 || xmp == nullptr) return kUpright;
  return xmp_orientation({static_cast<const std::uint8_t*>(xmp), size}).value_or(kUpright);
}

struct Image {
  TIFFRGBAImage rgba{};
  bool begun = false;
  Image() = default;
  Image(const Image&) = delete;
  Image& operator=(const Image&) = delete;
  ~Image() {
    if (begun) TIFFRGBAImageEnd(&rgba);
  }
};

void take_row(const std::uint32_t* from, Raster& to, int y) noexcept {
  std::uint8_t* at = to.row(y);
  for (int x = 0; x < to.size.width_px; ++x) {
    const std::uint32_t pixel = from[x];
    const auto red = static_cast<std::uint8_t>(TIFFGetR(pixel)),
               green = static_cast<std::uint8_t>(TIFFGetG(pixel)),
               blue = static_cast<std::uint8_t>(TIFFGetB(pixel));
    if (to.channels == 1) {
      *at++ = decoders_gray(red, green, blue);
    } else {
      *at++ = red;
      *at++ = green;
      *at++ = blue;
    }
  }
}

// A strip, or a row of tiles, at a time: libtiff decodes it again from its start otherwise.
Decoded<void> read_bands(TIFF* file, Source& source, Image& image, Raster& to) {
  const auto height = static_cast<std::uint32_t>(to.size.height_px);
  const std::uint32_t band =
      std::clamp(TIFFIsTiled(file) != 0 ? field<std::uint32_t>(file, TIFFTAG_TILELENGTH, height)
                                        : field<std::uint32_t>(file, TIFFTAG_ROWSPERSTRIP, height),
                 1U, height);
  const auto width = static_cast<std::size_t>(to.size.width_px);
  std::vector<std::uint32_t> pixels(width * band);
  source.decoding = true;
  for (std::uint32_t top = 0; top < height; top += band) {
    const std::uint32_t rows = std::min(band, height - top);
    image.rgba.row_offset = static_cast<int>(top);
    image.rgba.col_offset = 0;
    const int whole =
        TIFFRGBAImageGet(&image.rgba, pixels.data(), static_cast<std::uint32_t>(width), rows);
    if (whole == 0 || source.error[0] != '\0' || source.damage[0] != '\0')
      return cut(source, "the data are damaged or cut short");
    for (std::uint32_t y = 0; y < rows; ++y)
      take_row(pixels.data() + y * width, to, static_cast<int>(top + y));
  }
  return {};
}

}  // namespace

Decoded<Raster> read_tiff(std::span<const std::uint8_t> bytes, Pixels wanted,
                          const DecodeLimits& limits) {
  Source source{bytes};
  const File file = open(source, limits);
  if (!file) return cut(source, "the data end before the directory");
  const auto width = field<std::uint32_t>(file.get(), TIFFTAG_IMAGEWIDTH, 0);
  const auto height = field<std::uint32_t>(file.get(), TIFFTAG_IMAGELENGTH, 0);
  if (auto fits = check_size("TIFF", width, height, limits); !fits) return refuse(fits.error());
  if (auto known = check_variant(file.get()); !known) return refuse(known.error());
  if (TIFFIsTiled(file.get()) != 0)
    if (auto fits =
            check_size("TIFF, one tile", field<std::uint32_t>(file.get(), TIFFTAG_TILEWIDTH, 0),
                       field<std::uint32_t>(file.get(), TIFFTAG_TILELENGTH, 0), limits);
        !fits)
      return refuse(fits.error());
  if (auto there = clamp_tiff_pieces(file.get(), bytes); !there) return refuse(there.error());

  Image image;
  std::array<char, 1024> why{};
  constexpr int kStopAtErrors = 1;
  if (source.damage[0] != '\0') return cut(source, "the directory is damaged");
  source.error[0] = '\0';
  if (TIFFRGBAImageOK(file.get(), why.data()) == 0 ||
      TIFFRGBAImageBegin(&image.rgba, file.get(), kStopAtErrors, why.data()) == 0)
    return refuse(Reason::unsupported, "TIFF: " + variant_name(file.get()) + " is not supported (" +
                                           std::string(why.data()) + ")");
  image.begun = true;
  image.rgba.orientation = image.rgba.req_orientation = ORIENTATION_TOPLEFT;  // rows as stored
  Raster raster = make_raster({static_cast<int>(width), static_cast<int>(height)},
                              wanted == Pixels::gray ? 1 : 3);
  raster.gray_of = GrayOf::decoders;
  raster.orientation = orientation_of(file.get());
  if (auto read = read_bands(file.get(), source, image, raster); !read) return refuse(read.error());
  if (auto right = check_tiff_pieces(file.get(), bytes); !right) return refuse(right.error());
  return raster;
}

}  // namespace photoscribe::image
