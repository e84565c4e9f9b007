#include "common/image/blur_score.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/image/blur_edges.h"
#include "common/image/cpu.h"

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace photoscribe::image {
namespace {

__extension__ using int128 = __int128;

// A lane of 32 bits takes two squares of at most 1020^2 per step: 1,000 steps stay below 2^31.
constexpr int kStepsPerFlush = 1000;

void add_scalar(const std::uint8_t* above, const std::uint8_t* middle, const std::uint8_t* below,
                int first, int last, LaplacianSums& sums) noexcept {
  for (int x = first; x < last; ++x) {
    const int value = above[x] + below[x] + middle[x - 1] + middle[x + 1] - 4 * middle[x];
    sums.sum += value;
    sums.squares += value * value;
  }
}

#if defined(__SSE2__)
std::int64_t sum_lanes(__m128i lanes) noexcept {
  alignas(16) std::int32_t lane[4];
  _mm_store_si128(reinterpret_cast<__m128i*>(lane), lanes);
  return std::int64_t{lane[0]} + lane[1] + lane[2] + lane[3];
}

__m128i load8_sse2(const std::uint8_t* from) noexcept {
  return _mm_unpacklo_epi8(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from)),
                           _mm_setzero_si128());
}

// Columns [first, returned) in steps of 8.
int add_sse2(const std::uint8_t* above, const std::uint8_t* middle, const std::uint8_t* below,
             int first, int last, LaplacianSums& sums) noexcept {
  const __m128i ones = _mm_set1_epi16(1);
  int x = first;
  while (x + 8 <= last) {
    __m128i sum = _mm_setzero_si128(), squares = _mm_setzero_si128();
    const int end = std::min(last - 7, x + 8 * kStepsPerFlush);
    for (; x < end; x += 8) {
      const __m128i around =
          _mm_add_epi16(_mm_add_epi16(load8_sse2(above + x), load8_sse2(below + x)),
                        _mm_add_epi16(load8_sse2(middle + x - 1), load8_sse2(middle + x + 1)));
      const __m128i value = _mm_sub_epi16(around, _mm_slli_epi16(load8_sse2(middle + x), 2));
      sum = _mm_add_epi32(sum, _mm_madd_epi16(value, ones));
      squares = _mm_add_epi32(squares, _mm_madd_epi16(value, value));
    }
    sums.sum += sum_lanes(sum);
    sums.squares += sum_lanes(squares);
  }
  return x;
}

__attribute__((target("avx2"))) __m256i load16_avx2(const std::uint8_t* from) noexcept {
  return _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
}

// Columns [first, returned) in steps of 16.
__attribute__((target("avx2"))) int add_avx2(const std::uint8_t* above, const std::uint8_t* middle,
                                             const std::uint8_t* below, int first, int last,
                                             LaplacianSums& sums) noexcept {
  const __m256i ones = _mm256_set1_epi16(1);
  int x = first;
  while (x + 16 <= last) {
    __m256i sum = _mm256_setzero_si256(), squares = _mm256_setzero_si256();
    const int end = std::min(last - 15, x + 16 * kStepsPerFlush);
    for (; x < end; x += 16) {
      const __m256i around = _mm256_add_epi16(
          _mm256_add_epi16(load16_avx2(above + x), load16_avx2(below + x)),
          _mm256_add_epi16(load16_avx2(middle + x - 1), load16_avx2(middle + x + 1)));
      const __m256i value = _mm256_sub_epi16(around, _mm256_slli_epi16(load16_avx2(middle + x), 2));
      sum = _mm256_add_epi32(sum, _mm256_madd_epi16(value, ones));
      squares = _mm256_add_epi32(squares, _mm256_madd_epi16(value, value));
    }
    // Lane by lane, since two squares' lanes together may pass 2^31.
    sums.sum +=
        sum_lanes(_mm256_castsi256_si128(sum)) + sum_lanes(_mm256_extracti128_si256(sum, 1));
    sums.squares += sum_lanes(_mm256_castsi256_si128(squares)) +
                    sum_lanes(_mm256_extracti128_si256(squares, 1));
  }
  return x;
}

#endif

// Columns that have both neighbours.
void add_inner(const std::uint8_t* above, const std::uint8_t* middle, const std::uint8_t* below,
               int first, int last, LaplacianSums& sums) noexcept {
#if defined(__SSE2__)
  if (has_avx2()) first = add_avx2(above, middle, below, first, last, sums);
  first = add_sse2(above, middle, below, first, last, sums);
#endif
  add_scalar(above, middle, below, first, last, sums);
}

std::vector<int> tile_edges(int length, int tile_px) {
  std::vector<int> edges{0};
  while (length - edges.back() >= tile_px + tile_px / 2) edges.push_back(edges.back() + tile_px);
  // What is left is between half a tile and one and a half, or the whole of a short side.
  edges.push_back(length);
  return edges;
}

}  // namespace

double variance(const LaplacianSums& sums, std::int64_t pixels) noexcept {
  if (pixels <= 0) return 0;
  const int128 numerator = int128{pixels} * sums.squares - int128{sums.sum} * sums.sum;
  return static_cast<double>(static_cast<long double>(numerator) /
                             (static_cast<long double>(pixels) * static_cast<long double>(pixels)));
}

void add_laplacian(const std::uint8_t* above, const std::uint8_t* middle, const std::uint8_t* below,
                   int width_px, int first, int last, LaplacianSums& sums) noexcept {
  const auto add_edge = [&](int x, int neighbour) {
    const int value = above[x] + below[x] + 2 * middle[neighbour] - 4 * middle[x];
    sums.sum += value;
    sums.squares += value * value;
  };
  if (width_px == 1) {
    if (first == 0 && last == 1) add_edge(0, 0);
    return;
  }
  if (first == 0) add_edge(0, 1);
  if (last == width_px) add_edge(width_px - 1, width_px - 2);
  const int inner_first = std::max(first, 1);
  const int inner_last = std::min(last, width_px - 1);
  if (inner_first < inner_last) add_inner(above, middle, below, inner_first, inner_last, sums);
}

Size shrunk_size(Size photo, int longer_px) noexcept {
  constexpr int kSideMax = 32767;  // what AreaResizer takes
  const int target = std::clamp(longer_px, 1, kSideMax);
  const int longer = std::max(photo.width_px, photo.height_px);
  if (longer <= target) return photo;
  const auto shrunk = [&](int side) {
    const double scaled = static_cast<double>(side) * target / longer;
    return std::max(1, static_cast<int>(std::lround(scaled)));
  };
  return {shrunk(photo.width_px), shrunk(photo.height_px)};
}

VarianceMeter::VarianceMeter(Size picture, int tile_px) : size_(picture) {
  tile_px = std::clamp(tile_px, 2, 1 << 24);
  column_edges_ = tile_edges(size_.width_px, tile_px);
  row_edges_ = tile_edges(size_.height_px, tile_px);
  tiles_.resize(column_edges_.size() - 1);
}

void VarianceMeter::push(const std::uint8_t* row) {
  ++pushed_;
  // The row above the first is the second, reflected.
  if (pushed_ >= 2) process(pushed_ == 2 ? row : before_previous_, previous_, row);
  if (pushed_ == size_.height_px) {
    const std::uint8_t* reflected = size_.height_px == 1 ? row : previous_;
    process(reflected, row, reflected);
  }
  before_previous_ = previous_;
  previous_ = row;
}

void VarianceMeter::process(const std::uint8_t* above, const std::uint8_t* middle,
                            const std::uint8_t* below) {
  for (std::size_t i = 0; i < tiles_.size(); ++i)
    add_laplacian(above, middle, below, size_.width_px, column_edges_[i], column_edges_[i + 1],
                  tiles_[i]);
  if (++processed_ == row_edges_[tile_row_ + 1]) close_tile_row();
}

void VarianceMeter::close_tile_row() {
  const std::int64_t rows = row_edges_[tile_row_ + 1] - row_edges_[tile_row_];
  for (std::size_t i = 0; i < tiles_.size(); ++i) {
    const std::int64_t columns = column_edges_[i + 1] - column_edges_[i];
    sharpest_ = std::max(sharpest_, variance(tiles_[i], rows * columns));
    whole_.sum += tiles_[i].sum;
    whole_.squares += tiles_[i].squares;
    tiles_[i] = {};
  }
  ++tile_row_;
}

double VarianceMeter::of_whole() const noexcept {
  return variance(whole_, std::int64_t{size_.width_px} * size_.height_px);
}

namespace {

/// Room for a small photo's pixels, which a thread's photos use one after the other: fresh large
/// allocations page-fault.
std::vector<std::uint8_t>& spare_pixels() {
  thread_local std::vector<std::uint8_t> spare;
  return spare;
}

}  // namespace

BlurMeter::Shrunk::Shrunk(Size photo, Size to)
    : size(to),
      pixels(static_cast<std::size_t>(to.width_px) * static_cast<std::size_t>(to.height_px)),
      resizer(photo, 1, to, pixels.data()) {}

const std::uint8_t* BlurMeter::Shrunk::row(int y) const noexcept {
  return pixels.data() + static_cast<std::size_t>(y) * static_cast<std::size_t>(size.width_px);
}

BlurMeter::BlurMeter(Size photo, const BlurSettings& blur)
    : full_(photo, blur.tile_px), photo_(photo) {
  const Size normalised = shrunk_size(photo, blur.normalised_side_px);
  if (normalised != photo) {
    normalised_.emplace(photo, normalised);
    of_normalised_.emplace(normalised, std::max(normalised.width_px, normalised.height_px));
  }
  const Size edges = shrunk_size(photo, kEdgesSidePx);
  if (edges != photo) edges_.emplace(photo, edges);
  const Size learned = shrunk_size(photo, kLearnedSidePx);
  if (learned != photo) {
    learned_.emplace(photo, learned);
  } else {
    kept_ = std::exchange(spare_pixels(), {});
    kept_.clear();
    kept_.reserve(static_cast<std::size_t>(photo.width_px) *
                  static_cast<std::size_t>(photo.height_px));
  }
}

BlurMeter::~BlurMeter() {
  if (kept_.capacity() > spare_pixels().capacity()) spare_pixels() = std::move(kept_);
}

void BlurMeter::push(const std::uint8_t* row) {
  if (rows_++ % kTimedRow != 0) return measure(row);
  const auto start = std::chrono::steady_clock::now();
  measure(row);
  timed_ += std::chrono::steady_clock::now() - start;
}

void BlurMeter::measure(const std::uint8_t* row) {
  full_.push(row);
  if (normalised_) {
    int y = normalised_->resizer.rows_done();
    normalised_->resizer.push(row);
    for (; y < normalised_->resizer.rows_done(); ++y) of_normalised_->push(normalised_->row(y));
  }
  if (edges_) edges_->resizer.push(row);
  if (learned_) {
    learned_->resizer.push(row);
  } else {
    kept_.insert(kept_.end(), row, row + photo_.width_px);
  }
}

BlurMeter::View BlurMeter::view(const std::optional<Shrunk>& shrunk) const noexcept {
  return shrunk ? View{shrunk->pixels.data(), shrunk->size} : View{kept_.data(), photo_};
}

double BlurMeter::edges_score() const {
  const View small = view(edges_);
  return edge_score(small.pixels, small.size.width_px, small.size.height_px);
}

std::optional<BlurEvidence> BlurMeter::evidence() const {
  const View small = view(learned_);
  return blur_evidence(small.pixels, small.size, edges_score());
}

BlurScores BlurMeter::scores() const {
  BlurScores scores;
  const auto set = [&scores](BlurMode mode, double score) {
    scores.by_mode[static_cast<std::size_t>(mode)] = score;
  };
  const double full = full_.of_whole(), edges = edges_score();
  set(BlurMode::full, full);
  set(BlurMode::tile_max, full_.of_sharpest_tile());
  set(BlurMode::normalised, of_normalised_ ? of_normalised_->of_whole() : full);
  set(BlurMode::edges, edges);
  const View small = view(learned_);
  const auto evidence = blur_evidence(small.pixels, small.size, edges);
  set(BlurMode::learned,
      evidence ? clear_percent(blur_model(), *evidence) : std::min(100.0, full / 2));
  return scores;
}

}  // namespace photoscribe::image
