#include "common/image/blur_evidence.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "common/image/blur_tiles.h"

namespace photoscribe::image {
namespace {

constexpr double kGuard = 4;  // grey levels: keeps ratios of nearly nothing near 1
constexpr int kFaint = 6;     // grey levels: a tile below it counts as of one shade
constexpr double kPixels = kTilePx * kTilePx;
// The largest absolute second difference, expected of normal noise of deviation 1 in a tile: of
// 256, 64, 16 and 4 samples of deviation sqrt(6) / 2^scale.
constexpr std::array<double, kTileScales> kNoiseLargest{7.3, 3.06, 1.16, 0.37};

/// The value at `share` of the way up; moves `values`.
double quantile(std::vector<double>& values, double share) {
  const auto size = static_cast<double>(values.size());
  const auto at = std::min(values.size() - 1, static_cast<std::size_t>(share * size));
  const auto place = values.begin() + static_cast<std::ptrdiff_t>(at);
  std::nth_element(values.begin(), place, values.end());
  return *place;
}

int largest_at(const Tile& tile, std::size_t scale) {
  return *std::max_element(tile.largest[scale].begin(), tile.largest[scale].end());
}

/// How many lines of tiles to leave out at one side: those of one shade, and the next one, which
/// may have the frame's edge. `faint(i)` says whether the line i from that side is of one shade.
template <class Faint>
int frame(int lines, Faint faint) {
  int quiet = 0;
  while (quiet < lines && faint(quiet)) ++quiet;
  return quiet == lines ? 1 : quiet + 1;
}

std::vector<Tile> without_frame(Tiles all) {
  const auto tile = [&](int column, int row) -> const Tile& {
    return all.tiles[static_cast<std::size_t>(row * all.columns + column)];
  };
  const auto faint_row = [&](int row) {
    for (int column = 0; column < all.columns; ++column)
      if (largest_at(tile(column, row), 0) > kFaint) return false;
    return true;
  };
  const auto faint_column = [&](int column) {
    for (int row = 0; row < all.rows; ++row)
      if (largest_at(tile(column, row), 0) > kFaint) return false;
    return true;
  };
  const int top = frame(all.rows, faint_row);
  const int left = frame(all.columns, faint_column);
  const int bottom = all.rows - frame(all.rows, [&](int i) { return faint_row(all.rows - 1 - i); });
  const int right =
      all.columns - frame(all.columns, [&](int i) { return faint_column(all.columns - 1 - i); });
  constexpr int kLeast = 3;  // a picture that is nearly all frame is judged whole
  if (bottom - top < kLeast || right - left < kLeast) return std::move(all.tiles);
  std::vector<Tile> inner;
  inner.reserve(static_cast<std::size_t>((bottom - top) * (right - left)));
  for (int row = top; row < bottom; ++row)
    for (int column = left; column < right; ++column) inner.push_back(tile(column, row));
  return inner;
}

double noise_of(const std::vector<Tile>& tiles) {
  // Immerkaer's: sqrt(pi / 2) / 6 times the mean absolute response.
  constexpr double kScale = 1.2533141373155003 / 6 / kPixels;
  std::vector<double> deviations;
  deviations.reserve(tiles.size());
  for (const Tile& tile : tiles) deviations.push_back(kScale * tile.noise_sum);
  return quantile(deviations, 0.1);
}

/// The busiest first, up to `share` of all: in no order beyond that.
std::vector<Tile> busiest(const std::vector<Tile>& tiles, double share) {
  struct Rank {
    int busy;
    std::size_t index;
  };
  std::vector<Rank> ranks;
  ranks.reserve(tiles.size());
  for (std::size_t i = 0; i < tiles.size(); ++i) {
    const auto& directions = tiles[i].largest[2];
    ranks.push_back({directions[0] + directions[1] + directions[2] + directions[3], i});
  }
  const auto count = static_cast<std::size_t>(
      std::max(1L, std::lround(share * static_cast<double>(tiles.size()))));
  std::nth_element(ranks.begin(), ranks.begin() + static_cast<std::ptrdiff_t>(count) - 1,
                   ranks.end(), [](const Rank& a, const Rank& b) {
                     return a.busy != b.busy ? a.busy > b.busy : a.index < b.index;
                   });
  std::vector<Tile> chosen;
  chosen.reserve(count);
  for (std::size_t i = 0; i < count; ++i) chosen.push_back(tiles[ranks[i].index]);
  return chosen;
}

/// The smallest of four directions' quantiles of `value(tile, direction)`.
template <class Value>
double weakest(const std::vector<Tile>& tiles, double share, Value value) {
  double least = std::numeric_limits<double>::max();
  std::vector<double> values(tiles.size());
  for (std::size_t k = 0; k < kTileDirections; ++k) {
    std::transform(tiles.begin(), tiles.end(), values.begin(),
                   [&](const Tile& tile) { return value(tile, k); });
    least = std::min(least, quantile(values, share));
  }
  return least;
}

/// log r(a, b) of blur_evidence.h, of the weakest direction; less the noise when there is some.
double log_ratio(const std::vector<Tile>& tiles, double share, std::size_t a, std::size_t b,
                 double noise) {
  const auto seen = [noise](const Tile& tile, std::size_t scale, std::size_t direction) {
    return kGuard + std::max(0.0, tile.largest[scale][direction] - noise * kNoiseLargest[scale]);
  };
  return std::log(weakest(tiles, share, [&](const Tile& tile, std::size_t k) {
    return seen(tile, a, k) / seen(tile, b, k);
  }));
}

double tails(const std::vector<Tile>& tiles) {
  constexpr double kSecondScalePixels = kPixels / 4;
  std::vector<double> ratios;
  ratios.reserve(tiles.size());
  for (const Tile& tile : tiles) {
    const auto& largest = tile.largest[1];
    ratios.push_back((largest[0] + largest[1] + largest[2] + largest[3] + 4 * kGuard) /
                     (tile.second_scale_sum / kSecondScalePixels + kGuard));
  }
  return std::log(quantile(ratios, 0.5));
}

}  // namespace

std::optional<BlurEvidence> blur_evidence(const std::uint8_t* gray, Size size, double edges_score) {
  if (std::min(size.width_px, size.height_px) < 2 * kTilePx) return std::nullopt;
  const std::vector<Tile> tiles = without_frame(measure_tiles(gray, size));
  if (std::none_of(tiles.begin(), tiles.end(),
                   [](const Tile& tile) { return largest_at(tile, 2) > kFaint; }))
    return std::nullopt;
  const double noise = noise_of(tiles);
  const std::vector<Tile> busy = busiest(tiles, 0.3);
  BlurEvidence evidence{};
  const auto set = [&evidence](Evidence which, double value) {
    evidence[static_cast<std::size_t>(which)] = value;
  };
  set(Evidence::busy_24, log_ratio(busy, 0.5, 1, 3, noise));
  set(Evidence::busiest_24, log_ratio(busiest(busy, 1.0 / 3), 0.5, 1, 3, noise));
  set(Evidence::tails, tails(busy));
  set(Evidence::fine_12, log_ratio(busy, 0.25, 0, 1, 0));
  set(Evidence::fine_13, log_ratio(busy, 0.25, 0, 2, 0));
  const double third = weakest(tiles, 0.95, [noise](const Tile& tile, std::size_t k) {
    return std::max(0.0, tile.largest[2][k] - noise * kNoiseLargest[2]);
  });
  set(Evidence::contrast, std::log(third + kGuard));
  set(Evidence::small_edges, std::log(edges_score + 5));
  return evidence;
}

}  // namespace photoscribe::image
