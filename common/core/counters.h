// counters: what a program counts while it works, for its metrics: written by any thread without a
// lock or an allocation, read by another at any time.
//
// Each number is right by itself; two of them may be of moments that lie apart by an update.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace photoscribe {

/// Only grows, from 0 at the start of the process.
class Counter {
 public:
  void add(std::uint64_t more = 1) noexcept { value_.fetch_add(more, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t value() const noexcept {
    return value_.load(std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// As it was set last.
class Gauge {
 public:
  void set(std::int64_t value) noexcept { value_.store(value, std::memory_order_relaxed); }
  [[nodiscard]] std::int64_t value() const noexcept {
    return value_.load(std::memory_order_relaxed);
  }

 private:
  std::atomic<std::int64_t> value_{0};
};

/// How often values lay below each of some bounds, and their sum.
class Histogram {
 public:
  static constexpr std::size_t kBoundsMax = 15;

  /// Rising upper bounds, at most kBoundsMax, that outlive this.
  explicit Histogram(std::span<const double> bounds) noexcept : bounds_(bounds) {}

  void observe(double value) noexcept {
    std::size_t at = 0;
    while (at < bounds_.size() && value > bounds_[at]) ++at;
    buckets_[at].fetch_add(1, std::memory_order_relaxed);
    sum_.fetch_add(value, std::memory_order_relaxed);
  }

  [[nodiscard]] std::span<const double> bounds() const noexcept { return bounds_; }
  /// Of values in (bounds[i - 1], bounds[i]]; the last one of those above all bounds.
  [[nodiscard]] std::uint64_t bucket(std::size_t i) const noexcept {
    return buckets_[i].load(std::memory_order_relaxed);
  }
  [[nodiscard]] double sum() const noexcept { return sum_.load(std::memory_order_relaxed); }

 private:
  const std::span<const double> bounds_;
  std::array<std::atomic<std::uint64_t>, kBoundsMax + 1> buckets_{};
  std::atomic<double> sum_{0};
};

/// From a kilobyte in memory to a photo that hangs.
inline constexpr std::array<double, 15> kSecondsBounds{
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60};
/// Photos of a batch, results of a transaction.
inline constexpr std::array<double, 12> kPhotosBounds{1,  2,   4,   8,     16,    32,
                                                      64, 128, 256, 1'024, 4'096, 16'384};

}  // namespace photoscribe
