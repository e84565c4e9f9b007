// TIFF by hand, so that every layout of it can be had.
#include <algorithm>

#include "tests/common/image/make_images.h"

namespace photoscribe::testing {
namespace {

constexpr int kTile = 64;

class Writer {
 public:
  Writer(bool big_endian, bool big_tiff) : big_endian_(big_endian), big_tiff_(big_tiff) {}

  void number(std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i)
      out.push_back(static_cast<std::uint8_t>(value >> 8 * (big_endian_ ? bytes - 1 - i : i)));
  }
  void patch(std::size_t at, std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i)
      out[at + static_cast<std::size_t>(i)] =
          static_cast<std::uint8_t>(value >> 8 * (big_endian_ ? bytes - 1 - i : i));
  }
  [[nodiscard]] int offset_bytes() const { return big_tiff_ ? 8 : 4; }
  [[nodiscard]] bool big_tiff() const { return big_tiff_; }

  Bytes out;

 private:
  bool big_endian_, big_tiff_;
};

struct Entry {
  std::uint16_t tag, type;  // 1 BYTE, 2 ASCII, 3 SHORT, 4 LONG
  std::vector<std::uint64_t> values;
};

int bytes_of(std::uint16_t type) { return type == 3 ? 2 : type == 4 ? 4 : 1; }

std::uint64_t sample(const DecodedImage& rgb, const TiffOptions& options, int x, int y,
                     int channel) {
  if (x >= rgb.width_px || y >= rgb.height_px) return 0;  // of a tile that reaches over the edge
  const std::uint8_t* pixel =
      rgb.pixels.data() + (static_cast<std::size_t>(y) * static_cast<std::size_t>(rgb.width_px) +
                           static_cast<std::size_t>(x)) *
                              3;
  unsigned value = 0;
  if (options.alpha && channel == 3) {
    value = x < rgb.width_px / 2 ? *options.alpha : 255U;
  } else if (options.channels == 1) {
    value = (pixel[0] * 2U + pixel[1] * 5U + pixel[2]) / 8;
  } else if (options.channels == 4) {
    value = channel == 3 ? 0U : 255U - pixel[channel];  // ink, no black
  } else {
    value = pixel[channel];
  }
  if (options.bits == 16) return value * 256U + (value * 7U) % 256U;
  return options.bits == 32 ? std::uint64_t{value} << 22 : value;
}

// The pixels as pieces: one strip, or tiles.
std::vector<std::pair<std::uint64_t, std::uint64_t>> write_pixels(Writer& to,
                                                                  const DecodedImage& rgb,
                                                                  const TiffOptions& options) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> pieces;
  const int samples = options.alpha ? 4 : options.channels;
  const int piece_width = options.tiled ? kTile : rgb.width_px;
  const int piece_height = options.tiled ? kTile : rgb.height_px;
  for (int top = 0; top < rgb.height_px; top += piece_height)
    for (int left = 0; left < rgb.width_px; left += piece_width) {
      const std::size_t start = to.out.size();
      for (int y = top; y < top + piece_height; ++y)
        for (int x = left; x < left + piece_width; ++x)
          for (int channel = 0; channel < samples; ++channel)
            to.number(sample(rgb, options, x, y, channel), options.bits / 8);
      pieces.emplace_back(start, to.out.size() - start);
    }
  return pieces;
}

std::vector<Entry> entries_of(const DecodedImage& rgb, const TiffOptions& options) {
  const auto width = static_cast<std::uint64_t>(rgb.width_px);
  const auto height = static_cast<std::uint64_t>(rgb.height_px);
  const auto channels = static_cast<std::size_t>(options.alpha ? 4 : options.channels);
  const auto bits = static_cast<std::uint64_t>(options.bits);
  const std::uint64_t photometric = options.channels == 1 ? 1 : options.channels == 3 ? 2 : 5;
  std::vector<Entry> entries{
      {254, 4, {options.subfile_type}},
      {256, 4, {width}},
      {257, 4, {height}},
      {258, 3, std::vector<std::uint64_t>(channels, bits)},
      {259, 3, {1}},
      {262, 3, {photometric}},
      {277, 3, {channels}},
      {284, 3, {1}},
      {339, 3,
       std::vector<std::uint64_t>(channels, static_cast<std::uint64_t>(options.sample_format))}};
  if (!options.tiled) entries.push_back({278, 4, {height}});
  if (options.tiled) entries.push_back({322, 4, {kTile}});
  if (options.tiled) entries.push_back({323, 4, {kTile}});
  if (options.orientation)
    entries.push_back({274, 3, {static_cast<std::uint64_t>(*options.orientation)}});
  if (!options.maker.empty()) {
    Entry maker{271, 2, {}};
    for (const char c : options.maker) maker.values.push_back(static_cast<std::uint8_t>(c));
    maker.values.push_back(0);
    entries.push_back(maker);
  }
  if (!options.xmp.empty()) entries.push_back({700, 1, {options.xmp.begin(), options.xmp.end()}});
  if (options.alpha) entries.push_back({338, 3, {2}});  // not multiplied into the colours
  if (options.dng) entries.push_back({50706, 1, {1, 4, 0, 0}});
  if (options.sub_directory) entries.push_back({330, 4, {0}});
  return entries;
}

// Writes a directory; returns where its link to the next one stands.
std::size_t write_directory(Writer& to, std::vector<Entry> entries,
                            const std::vector<std::pair<std::uint64_t, std::uint64_t>>& pieces,
                            bool tiled) {
  Entry offsets{static_cast<std::uint16_t>(tiled ? 324 : 273), 4, {}};
  Entry sizes{static_cast<std::uint16_t>(tiled ? 325 : 279), 4, {}};
  for (const auto& [offset, size] : pieces) {
    offsets.values.push_back(offset);
    sizes.values.push_back(size);
  }
  entries.push_back(offsets);
  entries.push_back(sizes);
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.tag < b.tag; });
  const int count_bytes = to.big_tiff() ? 8 : 2, offset_bytes = to.offset_bytes();
  const std::size_t entry_bytes = to.big_tiff() ? 20 : 12;
  const std::size_t start = to.out.size();
  std::size_t extra = start + static_cast<std::size_t>(count_bytes) + entries.size() * entry_bytes +
                      static_cast<std::size_t>(offset_bytes);
  Writer tail = to;  // values that do not fit their entry
  tail.out.clear();
  to.number(entries.size(), count_bytes);
  for (const Entry& entry : entries) {
    const std::size_t bytes = entry.values.size() * static_cast<std::size_t>(bytes_of(entry.type));
    to.number(entry.tag, 2);
    to.number(entry.type, 2);
    to.number(entry.values.size(), offset_bytes);
    if (bytes <= static_cast<std::size_t>(offset_bytes)) {
      for (const auto value : entry.values) to.number(value, bytes_of(entry.type));
      to.number(0, offset_bytes - static_cast<int>(bytes));
    } else {
      to.number(extra + tail.out.size(), offset_bytes);
      for (const auto value : entry.values) tail.number(value, bytes_of(entry.type));
    }
  }
  const std::size_t link = to.out.size();
  to.number(0, offset_bytes);
  to.out.insert(to.out.end(), tail.out.begin(), tail.out.end());
  return link;
}

}  // namespace

Bytes encode_tiff(const DecodedImage& rgb, const TiffOptions& options) {
  Writer to(options.big_endian, options.big_tiff);
  const char order = options.big_endian ? 'M' : 'I';
  to.out = {static_cast<std::uint8_t>(order), static_cast<std::uint8_t>(order)};
  to.number(options.big_tiff ? 43 : 42, 2);
  if (options.big_tiff) to.number(8, 2);
  if (options.big_tiff) to.number(0, 2);
  std::size_t link = to.out.size();
  to.number(0, to.offset_bytes());
  const DecodedImage black = flat_picture(rgb.width_px, rgb.height_px, 0, 0, 0);
  for (int page = 0; page < options.pages; ++page) {
    const DecodedImage& picture = page == 0 ? rgb : black;
    const auto entries = entries_of(picture, options);
    if (options.directory_first) {  // lay it out once to learn where the pixels will be
      Writer trial = to;
      const auto at = [&](Writer& writer) {
        Writer pixels = writer;
        return write_pixels(pixels, picture, options);
      };
      write_directory(trial, entries, at(trial), options.tiled);
      const auto pieces = at(trial);
      to.patch(link, to.out.size(), to.offset_bytes());
      link = write_directory(to, entries, pieces, options.tiled);
      write_pixels(to, picture, options);
    } else {
      const auto pieces = write_pixels(to, picture, options);
      to.patch(link, to.out.size(), to.offset_bytes());
      link = write_directory(to, entries, pieces, options.tiled);
    }
  }
  return to.out;
}

}  // namespace photoscribe::testing
