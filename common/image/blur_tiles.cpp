#include "common/image/blur_tiles.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

namespace photoscribe::image {
namespace {

/// Bytes of this thread for the picture at a scale, until the next call for it: fresh large
/// allocations page-fault.
std::uint8_t* room(std::size_t scale, std::size_t bytes) {
  thread_local std::array<std::vector<std::uint8_t>, kTileScales> rooms;
  std::vector<std::uint8_t>& here = rooms[scale];
  if (here.size() < bytes) here.resize(bytes);
  return here.data();
}

/// The picture at a scale, with one reflected pixel to the left and to the right of each row.
struct Padded {
  Padded(Size of, std::size_t at_scale)
      : size(of),
        scale(at_scale),
        stride(static_cast<std::size_t>(of.width_px) + 2),
        pixels(room(scale, stride * static_cast<std::size_t>(of.height_px))) {}
  [[nodiscard]] std::uint8_t* row(int y) const {
    return pixels + static_cast<std::size_t>(y) * stride + 1;
  }
  /// Row y, those just outside reflected.
  [[nodiscard]] const std::uint8_t* reflected(int y) const {
    if (y < 0) return row(std::min(1, size.height_px - 1));
    return row(y < size.height_px ? y : std::max(0, size.height_px - 2));
  }
  void pad(int y) const {
    std::uint8_t* const pixel = row(y);
    const int width = size.width_px;
    pixel[-1] = pixel[std::min(1, width - 1)];
    pixel[width] = pixel[std::max(0, width - 2)];
  }
  Size size;
  std::size_t scale, stride;
  std::uint8_t* pixels;
};

[[gnu::always_inline]] inline void halve_row(const std::uint8_t* __restrict upper,
                                             const std::uint8_t* __restrict lower, int width_px,
                                             std::uint8_t* __restrict out) {
  for (int x = 0; x < width_px; ++x) {
    const int sum = upper[2 * x] + upper[2 * x + 1] + lower[2 * x] + lower[2 * x + 1];
    out[x] = static_cast<std::uint8_t>((sum + 2) >> 2);
  }
}

using HalveRow = void (*)(const std::uint8_t*, const std::uint8_t*, int, std::uint8_t*);

void halve_row_plain(const std::uint8_t* upper, const std::uint8_t* lower, int width_px,
                     std::uint8_t* out) {
  halve_row(upper, lower, width_px, out);
}

#if defined(__SSE2__)
__attribute__((target("avx2"))) void halve_row_avx2(const std::uint8_t* upper,
                                                    const std::uint8_t* lower, int width_px,
                                                    std::uint8_t* out) {
  halve_row(upper, lower, width_px, out);
}
#endif

HalveRow best_halve_row() {
#if defined(__SSE2__)
  static const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
  if (has_avx2) return halve_row_avx2;
#endif
  return halve_row_plain;
}

Padded halved(const Padded& from) {
  const Padded to({from.size.width_px / 2, from.size.height_px / 2}, from.scale + 1);
  const HalveRow halve = best_halve_row();
  for (int y = 0; y < to.size.height_px; ++y) {
    halve(from.row(2 * y), from.row(2 * y + 1), to.size.width_px, to.row(y));
    to.pad(y);
  }
  return to;
}

/// Of every column of one row of tiles.
struct Columns {
  explicit Columns(int width_px)
      : values(static_cast<std::size_t>(width_px) * (kTileDirections + 1)) {}
  [[nodiscard]] std::int16_t* of(int which, int width_px) {
    return values.data() + static_cast<std::ptrdiff_t>(which) * width_px;
  }
  std::vector<std::int16_t> values;  // largest in each direction, noise or sum: one after the other
};

enum class Extra : std::uint8_t { none, noise, sum };

// A column's noise over 16 rows is at most 16 * 6 * 510 and its sum over 8 rows 8 * 4 * 510: both
// fit 16 bits without a sign, which is how they are read.
template <Extra extra>
[[gnu::always_inline]] inline void add_row(const std::uint8_t* __restrict above,
                                           const std::uint8_t* __restrict middle,
                                           const std::uint8_t* __restrict below, int width_px,
                                           std::int16_t* __restrict largest,
                                           std::int16_t* __restrict more) {
  using I = std::int16_t;
  I* __restrict across = largest;
  I* __restrict down = largest + width_px;
  I* __restrict falling = down + width_px;
  I* __restrict rising = falling + width_px;
  for (int x = 0; x < width_px; ++x) {
    const I twice = static_cast<I>(2 * middle[x]);
    const I a = static_cast<I>(middle[x - 1] + middle[x + 1] - twice);
    const I b = static_cast<I>(above[x] + below[x] - twice);
    const I c = static_cast<I>(above[x - 1] + below[x + 1] - twice);
    const I d = static_cast<I>(above[x + 1] + below[x - 1] - twice);
    const I abs_a = static_cast<I>(a < 0 ? -a : a), abs_b = static_cast<I>(b < 0 ? -b : b);
    const I abs_c = static_cast<I>(c < 0 ? -c : c), abs_d = static_cast<I>(d < 0 ? -d : d);
    across[x] = std::max(across[x], abs_a);
    down[x] = std::max(down[x], abs_b);
    falling[x] = std::max(falling[x], abs_c);
    rising[x] = std::max(rising[x], abs_d);
    if constexpr (extra == Extra::noise) {
      const I noise = static_cast<I>(c + d - 2 * (a + b));
      more[x] = static_cast<I>(more[x] + (noise < 0 ? -noise : noise));
    } else if constexpr (extra == Extra::sum) {
      more[x] = static_cast<I>(more[x] + abs_a + abs_b + abs_c + abs_d);
    }
  }
}

using AddRow = void (*)(const std::uint8_t*, const std::uint8_t*, const std::uint8_t*, int,
                        std::int16_t*, std::int16_t*);

template <Extra extra>
void add_row_plain(const std::uint8_t* above, const std::uint8_t* middle, const std::uint8_t* below,
                   int width_px, std::int16_t* largest, std::int16_t* more) {
  add_row<extra>(above, middle, below, width_px, largest, more);
}

#if defined(__SSE2__)
template <Extra extra>
__attribute__((target("avx2"))) void add_row_avx2(const std::uint8_t* above,
                                                  const std::uint8_t* middle,
                                                  const std::uint8_t* below, int width_px,
                                                  std::int16_t* largest, std::int16_t* more) {
  add_row<extra>(above, middle, below, width_px, largest, more);
}
#endif

template <Extra extra>
AddRow best_add_row() {
#if defined(__SSE2__)
  static const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
  if (has_avx2) return add_row_avx2<extra>;
#endif
  return add_row_plain<extra>;
}

/// The tiles of one row of tiles, from its columns.
template <int tile_px, Extra extra>
void gather(Columns& columns, int width_px, std::size_t scale, int count, Tile* tiles) {
  for (int column = 0; column < count; ++column) {
    Tile& tile = tiles[column];
    const int first = column * tile_px;
    for (int k = 0; k < kTileDirections; ++k) {
      const std::int16_t* const of = columns.of(k, width_px) + first;
      std::int16_t largest = 0;
      for (int x = 0; x < tile_px; ++x) largest = std::max(largest, of[x]);
      tile.largest[scale][static_cast<std::size_t>(k)] = largest;
    }
    if constexpr (extra != Extra::none) {
      const std::int16_t* const more = columns.of(kTileDirections, width_px) + first;
      std::int32_t sum = 0;
      for (int x = 0; x < tile_px; ++x) sum += static_cast<std::uint16_t>(more[x]);
      (extra == Extra::noise ? tile.noise_sum : tile.second_scale_sum) = sum;
    }
  }
}

template <std::size_t scale, Extra extra>
void measure_scale(const Padded& picture, Tiles& to) {
  constexpr int kHerePx = kTilePx >> scale;
  const int width = picture.size.width_px;
  const AddRow add = best_add_row<extra>();
  Columns columns(width);
  for (int row = 0; row < to.rows; ++row) {
    std::fill(columns.values.begin(), columns.values.end(), std::int16_t{0});
    for (int y = row * kHerePx; y < (row + 1) * kHerePx; ++y)
      add(picture.reflected(y - 1), picture.row(y), picture.reflected(y + 1), width,
          columns.of(0, width), columns.of(kTileDirections, width));
    gather<kHerePx, extra>(columns, width, scale, to.columns,
                           to.tiles.data() + static_cast<std::ptrdiff_t>(row) * to.columns);
  }
}

}  // namespace

Tiles measure_tiles(const std::uint8_t* gray, Size size) {
  Tiles tiles{size.width_px / kTilePx, size.height_px / kTilePx, {}};
  if (tiles.columns == 0 || tiles.rows == 0) return {};
  tiles.tiles.resize(static_cast<std::size_t>(tiles.columns) *
                     static_cast<std::size_t>(tiles.rows));
  Padded picture(size, 0);
  const auto width = static_cast<std::size_t>(size.width_px);
  for (int y = 0; y < size.height_px; ++y) {
    std::memcpy(picture.row(y), gray + static_cast<std::size_t>(y) * width, width);
    picture.pad(y);
  }
  measure_scale<0, Extra::noise>(picture, tiles);
  picture = halved(picture);
  measure_scale<1, Extra::sum>(picture, tiles);
  picture = halved(picture);
  measure_scale<2, Extra::none>(picture, tiles);
  measure_scale<3, Extra::none>(halved(picture), tiles);
  return tiles;
}

}  // namespace photoscribe::image
