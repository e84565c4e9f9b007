// cider: CIDEr-D (sigma 6, n = 1..4) exactly as coco-caption computes it (equal to 1e-9 given the
// same tokens).
//
// Every n-gram weighs the more the fewer photos have it among their references, so a score depends
// on that set: few photos scored against their own references alone mean little, and one photo
// gives 0. The table of frequencies is therefore a thing of its own, which can be kept. The corpus
// score is the mean over photos. It knows nothing of text: tokens are numbers.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "common/scores/ngrams.h"

namespace photoscribe {

/// In how many photos' references each n-gram occurs.
class DocumentFrequencies {
 public:
  DocumentFrequencies();

  /// Counts one more photo: each n-gram of its references once.
  void add_photo(std::span<const TokenSpan> references);
  /// The same of many, on `threads` threads: `references_of(photo, references)` fills in those of
  /// photos 0 to `photos` - 1, from any thread. About 30 MB while it works.
  void add_photos(std::size_t photos,
                  const std::function<void(std::size_t, std::vector<TokenSpan>&)>& references_of,
                  int threads);

  /// Puts `photos` as the count of one n-gram of 1..4 tokens, for a table that is read back.
  void set(TokenSpan ngram, std::uint32_t photos);
  void set_photos(std::int64_t photos);

  /// Gives every n-gram of `caption` a place, with a count of none where it is new.
  void add_unseen(TokenSpan caption);

  [[nodiscard]] std::int64_t photos() const noexcept { return photos_; }
  [[nodiscard]] std::size_t ngrams() const noexcept;
  [[nodiscard]] std::size_t bytes() const noexcept;

  /// Calls `visit` with the tokens and the count of every n-gram, in no order.
  void for_each(const std::function<void(TokenSpan, std::uint32_t)>& visit) const;

  /// A place that stays until the next change of the table; kAbsent when no photo has the n-gram.
  static constexpr std::uint32_t kAbsent = UINT32_MAX;
  [[nodiscard]] std::uint32_t find(const NgramKey& key) const noexcept;
  /// Fetches what find() will look at: it lies anywhere in a gigabyte.
  void prefetch(const NgramKey& key) const noexcept;

  /// log(photos) - log(max(1, count)) of the n-gram at `place` or, for kAbsent, of one that no
  /// photo has.
  [[nodiscard]] double inverse_frequency(std::uint32_t place) const noexcept;

 private:
  struct Slot {
    NgramKey key;
    std::uint32_t count = 0;
  };
  /// N-grams whose hashes begin alike: filled by one thread at a time, and grown by itself.
  struct Shard {
    std::vector<Slot> slots = std::vector<Slot>(1 << 6);  // open addressing; a power of two
    std::size_t used = 0;
    Slot& slot_of(const NgramKey& key, std::size_t hash);
    void grow();
  };
  static constexpr std::size_t kShards = 16;
  static constexpr int kPlaceBits = 28;  // of a place within its shard
  Slot& slot_of(const NgramKey& key);
  /// Counts the n-grams of photos, by block of photos and by shard.
  using Found = std::vector<std::array<std::vector<NgramKey>, kShards>>;
  void count(Found& found, std::size_t shard);

  std::array<Shard, kShards> shards_;
  std::int64_t photos_ = 0;
  double log_photos_ = 0;
  SortedNgrams scratch_;
};

/// CIDEr-D of one caption, in [0, 10]. Requires at least one reference. Safe to call from many
/// threads while the table does not change.
///
/// Vedantam et al., "CIDEr: Consensus-based Image Description Evaluation", CVPR 2015, section 6.
/// coco-caption's deviations: term frequencies are raw counts, and the length whose difference the
/// Gaussian punishes is the number of bigrams.
[[nodiscard]] double cider_d(TokenSpan hypothesis, std::span<const TokenSpan> references,
                             const DocumentFrequencies& frequencies);

/// The references of many photos, weighed once: for training, where the same photos are scored
/// again and again. A score takes a few microseconds. Const means safe to call from many threads.
class CiderReferences {
 public:
  /// Frequencies over these photos themselves; `references[photo]` are that photo's captions.
  explicit CiderReferences(const std::vector<std::vector<TokenIds>>& references);
  /// Frequencies from elsewhere.
  CiderReferences(const std::vector<std::vector<TokenIds>>& references,
                  DocumentFrequencies frequencies);

  /// cider_d of `hypothesis` against the references of `photo` (its place in the vector).
  [[nodiscard]] double score(std::size_t photo, TokenSpan hypothesis) const;

  [[nodiscard]] std::size_t photos() const noexcept { return entry_begin_.size() - 1; }
  [[nodiscard]] const DocumentFrequencies& frequencies() const noexcept { return frequencies_; }

 private:
  struct Entry {  // one n-gram of one reference; those of a photo are sorted by place
    std::uint32_t place = 0;
    std::uint32_t reference = 0;  // within the photo
    double weight = 0;
  };
  struct Caption {
    std::array<double, kNgramOrders> norm{};
    double length = 0;  // in bigrams
  };
  void build(const std::vector<std::vector<TokenIds>>& references);

  DocumentFrequencies frequencies_;
  std::vector<std::size_t> entry_begin_, caption_begin_;  // by photo, and one more
  std::vector<Entry> entries_;
  std::vector<Caption> captions_;
};

}  // namespace photoscribe
