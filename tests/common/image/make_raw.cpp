// Camera RAW files as far as a reader of previews looks: directories or boxes, JPEGs, and noise
// where the raw data would be.
#include <algorithm>

#include "tests/common/image/make_images.h"

namespace photoscribe::testing {
namespace {

void number(Bytes& to, std::uint64_t value, int bytes, bool big_endian = false) {
  for (int i = 0; i < bytes; ++i)
    to.push_back(static_cast<std::uint8_t>(value >> 8 * (big_endian ? bytes - 1 - i : i)));
}
void text(Bytes& to, std::string_view from) { to.insert(to.end(), from.begin(), from.end()); }
void append(Bytes& to, const Bytes& from) { to.insert(to.end(), from.begin(), from.end()); }

struct Entry {
  std::uint16_t tag, type;  // 1 BYTE, 2 ASCII, 3 SHORT, 4 LONG, 7 UNDEFINED
  std::uint32_t count, value;
};

// A directory whose values are all in their entries, or at offsets that the caller knows.
Bytes directory(std::vector<Entry> entries) {
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.tag < b.tag; });
  Bytes out;
  number(out, entries.size(), 2);
  for (const Entry& entry : entries) {
    number(out, entry.tag, 2);
    number(out, entry.type, 2);
    number(out, entry.count, 4);
    number(out, entry.value, 4);
  }
  number(out, 0, 4);
  return out;
}

Bytes noise() {
  Bytes out(20'000);
  std::uint32_t state = 7;
  for (auto& byte : out) {
    state = state * 1664525U + 1013904223U;
    byte = static_cast<std::uint8_t>(state >> 24);
  }
  return out;
}

Bytes in_boxes(const RawOptions& options) {
  const auto box = [](std::string_view type, const Bytes& body) {
    Bytes out;
    number(out, body.size() + 8, 4, true);
    text(out, type);
    append(out, body);
    return out;
  };
  Bytes brand, data = options.thumbnail;
  text(brand, "crx ");
  number(brand, 1, 4, true);
  text(brand, "crx isom");
  append(data, options.preview);
  append(data, noise());
  Bytes out = box("ftyp", brand);
  append(out, box("moov", box("CMT1", exif_with_orientation(options.orientation))));
  append(out, box("mdat", data));
  return out;
}

Bytes of_fujifilm(const RawOptions& options) {
  Bytes out;
  text(out, "FUJIFILMCCD-RAW 0201FF383501X-T3");
  out.resize(84, 0);
  number(out, 148, 4, true);
  number(out, options.preview.size(), 4, true);
  out.resize(148, 0);
  append(out, options.preview);
  append(out, noise());
  return out;
}

}  // namespace

Bytes encode_raw(const RawOptions& options) {
  if (options.kind == RawKind::cr3) return in_boxes(options);
  if (options.kind == RawKind::raf) return of_fujifilm(options);
  constexpr std::uint32_t kFirst = 24, kMaker = 300, kSecond = 400, kData = 600;
  const auto size = static_cast<std::uint32_t>(options.preview.size());
  const auto small = static_cast<std::uint32_t>(options.thumbnail.size());
  const bool rw2 = options.kind == RawKind::rw2, cr2 = options.kind == RawKind::cr2;
  std::vector<Entry> first{{274, 3, 1, static_cast<std::uint32_t>(options.orientation)}};
  if (rw2) first.push_back({0x2E, 7, size, kData + small});
  if (cr2) {  // the photo in the first directory, as old-style JPEG
    first.insert(first.end(), {{259, 3, 1, 6}, {273, 4, 1, kData + small}, {279, 4, 1, size}});
  }
  if (!rw2 && !cr2) {
    first.insert(first.end(),
                 {{254, 4, 1, 1}, {330, 4, 1, kSecond}, {513, 4, 1, kData}, {514, 4, 1, small}});
  }
  std::string_view maker = "OLYMPUS";
  if (options.kind == RawKind::nef) maker = "NIKON CORPORATION";
  if (options.kind == RawKind::arw) maker = "SONY";
  if (options.kind == RawKind::dng) first.push_back({50706, 1, 4, 0x0401});
  first.push_back({271, 2, static_cast<std::uint32_t>(maker.size()) + 1, kMaker});
  Bytes out;
  text(out, options.kind == RawKind::orf ? "IIRO"
            : rw2                        ? std::string_view("IIU\0", 4)
                                         : std::string_view("II*\0", 4));
  number(out, kFirst, 4);
  if (cr2) text(out, std::string_view("CR\2\0", 4));
  out.resize(kFirst, 0);
  append(out, directory(first));
  out.resize(kMaker, 0);
  text(out, maker);
  out.resize(kSecond, 0);
  append(out, directory({{254, 4, 1, 1}, {513, 4, 1, kData + small}, {514, 4, 1, size}}));
  out.resize(kData, 0);
  append(out, options.thumbnail);
  append(out, options.preview);
  append(out, noise());
  return out;
}

}  // namespace photoscribe::testing
