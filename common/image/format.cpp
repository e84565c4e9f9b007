#include "common/image/format.h"

#include <algorithm>
#include <array>

#include "common/image/byte_reader.h"

namespace photoscribe::image {
namespace {

using namespace std::string_view_literals;

struct Magic {
  std::size_t at;
  std::string_view bytes;
  Sniffed sniffed;
};

constexpr std::array kMagics{
    Magic{0, "\xFF\xD8\xFF"sv, {Format::jpeg, "JPEG"}},
    Magic{0, "\x89PNG\r\n\x1A\n"sv, {Format::png, "PNG"}},
    Magic{0, "GIF87a"sv, {Format::gif, "GIF"}},
    Magic{0, "GIF89a"sv, {Format::gif, "GIF"}},
    Magic{0, "\x00\x00\x00\x0CjP  \r\n\x87\n"sv, {Format::known, "JPEG 2000"}},
    Magic{0, "\xFF\x4F\xFF\x51"sv, {Format::known, "JPEG 2000"}},
    Magic{0, "\x00\x00\x00\x0CJXL \r\n\x87\n"sv, {Format::known, "JPEG XL"}},
    Magic{0, "\xFF\x0A"sv, {Format::known, "JPEG XL"}},
    Magic{0, "\x76\x2F\x31\x01"sv, {Format::known, "OpenEXR"}},
    Magic{0, "#?RADIANCE"sv, {Format::known, "Radiance HDR"}},
    Magic{0, "#?RGBE"sv, {Format::known, "Radiance HDR"}},
    Magic{0, "8BPS"sv, {Format::known, "Photoshop PSD"}},
    Magic{0, "8BPB"sv, {Format::known, "Photoshop PSB"}},
    Magic{0, "gimp xcf"sv, {Format::known, "GIMP XCF"}},
    Magic{0,
          "\x8A"
          "MNG\r\n\x1A\n"sv,
          {Format::known, "MNG"}},
    Magic{0,
          "\x8B"
          "JNG\r\n\x1A\n"sv,
          {Format::known, "JNG"}},
    Magic{0, "BPG\xFB"sv, {Format::known, "BPG"}},
    Magic{0, "FLIF"sv, {Format::known, "FLIF"}},
    Magic{0, "qoif"sv, {Format::known, "QOI"}},
    Magic{0, "farbfeld"sv, {Format::known, "farbfeld"}},
    Magic{0, "DDS "sv, {Format::known, "DDS"}},
    Magic{0, "\x59\xA6\x6A\x95"sv, {Format::known, "Sun raster"}},
    Magic{0, "\x00\x00\x01\x00"sv, {Format::known, "Windows icon"}},
    Magic{0, "SIMPLE  ="sv, {Format::known, "FITS"}},
    Magic{0, "II\xBC"sv, {Format::known, "JPEG XR"}},
    Magic{0, "AT&TFORM"sv, {Format::known, "DjVu"}},
    Magic{128, "DICM"sv, {Format::known, "DICOM"}},
    Magic{0, "%PDF-"sv, {Format::known, "PDF"}},
    Magic{0, "FUJIFILMCCD-RAW"sv, {Format::raw, "Fujifilm RAF (RAW)"}},
    Magic{0, "FOVb"sv, {Format::raw, "Sigma X3F (RAW)"}},
    Magic{0, "\x00MRM"sv, {Format::raw, "Minolta MRW (RAW)"}},
    Magic{0, "IIRO"sv, {Format::raw, "Olympus ORF (RAW)"}},
    Magic{0, "IIRS"sv, {Format::raw, "Olympus ORF (RAW)"}},
    Magic{0, "MMOR"sv, {Format::raw, "Olympus ORF (RAW)"}},
    Magic{0, "IIU\x00"sv, {Format::raw, "Panasonic RW2 (RAW)"}},
    Magic{6, "HEAPCCDR"sv, {Format::raw, "Canon CRW (RAW)"}},
};

// ISO media files: the brands in the first box, the file's own first.
Sniffed sniff_media(const ByteReader& reader) noexcept {
  struct Brand {
    std::string_view brand;
    Sniffed sniffed;
  };
  constexpr Sniffed kAvif{Format::heif, "AVIF"}, kHeic{Format::heif, "HEIC"},
      kHeif{Format::heif, "HEIF"};
  constexpr std::array kBrands{Brand{"avif", kAvif},
                               Brand{"avis", kAvif},
                               Brand{"heic", kHeic},
                               Brand{"heix", kHeic},
                               Brand{"hevc", kHeic},
                               Brand{"hevx", kHeic},
                               Brand{"heim", kHeic},
                               Brand{"heis", kHeic},
                               Brand{"mif1", kHeif},
                               Brand{"msf1", kHeif},
                               Brand{"mif2", kHeif},
                               Brand{"miaf", kHeif},
                               Brand{"crx ", {Format::raw, "Canon CR3 (RAW)"}}};
  constexpr std::size_t kOwn = 8, kOthers = 16, kLookBytes = 128;
  const std::size_t length = std::size_t{reader.u8(2)} << 8 | reader.u8(3);  // of a small box
  const std::size_t end = std::min({length, reader.size(), kLookBytes});
  for (std::size_t at = kOwn; at == kOwn || at + 4 <= end; at = at == kOwn ? kOthers : at + 4)
    for (const Brand& brand : kBrands)
      if (reader.matches(at, brand.brand)) return brand.sniffed;
  return {};  // a film
}

// Many RAW files are TIFF containers whose first directory holds a small preview.
Sniffed sniff_tiff(const ByteReader& reader) noexcept {
  if (reader.matches(8, "CR\x02")) return {Format::raw, "Canon CR2 (RAW)"};
  const bool big_tiff = reader.u16(2) == 43;
  if (!big_tiff && reader.u16(2) != 42) return {};
  if (big_tiff) return {Format::tiff, "TIFF"};

  constexpr std::uint16_t kPhotometric = 262, kMake = 271, kSubfileType = 254, kDngVersion = 50706,
                          kSubDirectories = 330, kJpegOffset = 513;
  constexpr std::uint16_t kColourFilterArray = 32803, kLinearRaw = 34892;
  const std::size_t directory = reader.u32(4);
  const std::size_t count = reader.u16(directory);
  std::string_view maker;
  bool small_preview = false, sub_directories = false;  // JPEG or not
  for (std::size_t i = 0; i < count && reader.has(directory + 2 + i * 12, 12); ++i) {
    const std::size_t entry = directory + 2 + i * 12;
    const std::size_t text = reader.u32(entry + 4) > 4 ? reader.u32(entry + 8) : entry + 8;
    switch (reader.u16(entry)) {
      case kDngVersion:
        return {Format::raw, "DNG (RAW)"};
      case kPhotometric:
        if (const auto value = reader.u16(entry + 8);
            value == kColourFilterArray || value == kLinearRaw)
          return {Format::raw, "RAW in a TIFF"};
        break;
      case kSubfileType:
        small_preview |= (reader.u32(entry + 8) & 1U) != 0;
        break;
      case kJpegOffset:
        small_preview = true;
        break;
      case kSubDirectories:
        sub_directories = true;
        break;
      case kMake:
        for (const auto& [make, name] : {std::pair{"NIKON"sv, "Nikon NEF (RAW)"sv},
                                         {"SONY"sv, "Sony ARW (RAW)"sv},
                                         {"PENTAX"sv, "Pentax PEF (RAW)"sv},
                                         {"RICOH"sv, "Pentax PEF (RAW)"sv},
                                         {"SAMSUNG"sv, "Samsung SRW (RAW)"sv},
                                         {"KODAK"sv, "Kodak RAW"sv},
                                         {"Hasselblad"sv, "Hasselblad 3FR (RAW)"sv},
                                         {"Phase One"sv, "Phase One IIQ (RAW)"sv},
                                         {"EPSON"sv, "Epson ERF (RAW)"sv},
                                         {"Leaf"sv, "Leaf MOS (RAW)"sv}})
          if (reader.matches(text, make)) maker = name;
        break;
      default:
        break;
    }
  }
  // A plain TIFF from a camera or a scanner has its maker too, but its first page is the photo.
  if (!maker.empty() && sub_directories && small_preview) return {Format::raw, maker};
  return {Format::tiff, "TIFF"};
}

bool is_bmp(const ByteReader& reader) noexcept {
  if (!reader.matches(0, "BM")) return false;
  if (reader.size() < 26) return true;  // a cut one: nothing in it speaks against it
  const auto header_bytes = reader.u32(14);
  const bool known_header = header_bytes == 12 || header_bytes == 16 || header_bytes == 40 ||
                            header_bytes == 52 || header_bytes == 56 || header_bytes == 64 ||
                            header_bytes == 108 || header_bytes == 124;
  // The offset of its pixels is not looked at: some writers leave it at 0.
  return known_header && reader.u16(header_bytes == 12 ? 22 : 26) <= 1;  // planes
}

// "P1" to "P7" and white space: PBM, PGM, PPM, PAM; "PF" and "Pf": PFM.
bool is_netpbm(const ByteReader& reader) noexcept {
  const auto kind = reader.u8(1), space = reader.u8(2);
  return reader.u8(0) == 'P' && ((kind >= '1' && kind <= '7') || kind == 'F' || kind == 'f') &&
         (space == '\n' || space == ' ' || space == '\r' || space == '\t');
}

bool is_svg(const ByteReader& reader) noexcept {
  constexpr std::size_t kLookBytes = 1024;
  const auto head = reader.part(0, kLookBytes);
  const std::string_view text(reinterpret_cast<const char*>(head.data()), head.size());
  const auto start = text.find_first_not_of("\xEF\xBB\xBF \t\r\n");
  if (start == std::string_view::npos || text[start] != '<') return false;
  return text.find("<svg") != std::string_view::npos;
}

}  // namespace

Sniffed sniff(std::span<const std::uint8_t> bytes) noexcept {
  const ByteReader reader(bytes, ByteOrder::little);
  for (const Magic& magic : kMagics)
    if (reader.matches(magic.at, magic.bytes)) return magic.sniffed;
  if (reader.matches(0, "RIFF") && reader.matches(8, "WEBP")) return {Format::webp, "WebP"};
  if (reader.matches(4, "ftyp")) return sniff_media(reader);
  if (is_bmp(reader)) return {Format::bmp, "BMP"};
  if (const auto tiff = tiff_reader(bytes)) return sniff_tiff(*tiff);
  if (is_netpbm(reader)) return {Format::known, "Netpbm"};
  if (is_svg(reader)) return {Format::known, "SVG"};
  return {};
}

}  // namespace photoscribe::image
