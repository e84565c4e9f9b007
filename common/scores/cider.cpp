#include "common/scores/cider.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>

#include "common/scores/parallel.h"

namespace photoscribe {
namespace {

constexpr double kSigma = 6;

std::size_t hash_of(const NgramKey& key) {
  // Two rounds of multiply and fold; the keys differ mostly in the low bits of each half.
  std::uint64_t mixed = key.high * 0x9e37'79b9'7f4a'7c15u;
  mixed ^= mixed >> 32;
  mixed = (mixed ^ key.low) * 0xd6e8'feb8'6659'fd93u;
  return static_cast<std::size_t>(mixed ^ (mixed >> 32));
}

/// The highest bits choose the shard, the lowest the place in it.
template <std::size_t kShards>
std::size_t shard_of(std::size_t hash) {
  static_assert(std::has_single_bit(kShards));
  return hash >> (64 - std::countr_zero(kShards));
}

NgramKey key_of(TokenSpan ngram) {
  std::array<std::uint64_t, kNgramOrders> field{};
  for (std::size_t i = 0; i < ngram.size(); ++i) field[i] = std::uint64_t{ngram[i]} + 1;
  return {(field[0] << 32) | field[1], (field[2] << 32) | field[3]};
}

/// log(count), from a table where counts are small: most are.
double log_of(std::uint32_t count) {
  static const std::vector<double> kSmall = [] {
    std::vector<double> logs(4096);
    for (std::size_t i = 1; i < logs.size(); ++i) logs[i] = std::log(static_cast<double>(i));
    return logs;
  }();
  return count < kSmall.size() ? kSmall[count] : std::log(static_cast<double>(count));
}

/// One caption with the weight of each of its n-grams.
struct Weighed {
  struct Term {
    NgramKey key;
    std::uint32_t place = 0;
    double weight = 0;  // until weigh(): how often the caption holds it
  };
  std::array<std::vector<Term>, kNgramOrders> terms;
  std::array<double, kNgramOrders> norm{};
  double length = 0;  // in bigrams

  /// Lists the n-grams. Weighing several captions after all are listed waits for memory once.
  void list(TokenSpan tokens, const DocumentFrequencies& frequencies) {
    thread_local SortedNgrams ngrams;
    ngrams.assign(tokens);
    for (std::size_t n = 0; n < kNgramOrders; ++n) {
      terms[n].clear();
      for (const auto& [key, count] : ngrams.of_order(n + 1)) {
        frequencies.prefetch(key);
        terms[n].push_back({key, 0, static_cast<double>(count)});
      }
    }
    length = static_cast<double>(tokens.empty() ? 0 : tokens.size() - 1);
  }
  void weigh(const DocumentFrequencies& frequencies) {
    for (std::size_t n = 0; n < kNgramOrders; ++n) {
      double squares = 0;
      for (Term& term : terms[n]) {
        term.place = frequencies.find(term.key);
        term.weight *= frequencies.inverse_frequency(term.place);
        squares += term.weight * term.weight;
      }
      norm[n] = std::sqrt(squares);
    }
  }
  void assign(TokenSpan tokens, const DocumentFrequencies& frequencies) {
    list(tokens, frequencies);
    weigh(frequencies);
  }
};

/// One order's part of the similarity: `overlap` is the sum of min(hypothesis, reference) *
/// reference over the n-grams of the hypothesis.
double similarity(double overlap, double hypothesis_norm, double reference_norm) {
  const double norms = hypothesis_norm * reference_norm;
  return norms == 0 ? overlap : overlap / norms;
}

double length_penalty(double hypothesis, double reference) {
  const double delta = hypothesis - reference;
  return std::exp(-delta * delta / (2 * kSigma * kSigma));
}

}  // namespace

DocumentFrequencies::DocumentFrequencies() = default;

std::size_t DocumentFrequencies::ngrams() const noexcept {
  std::size_t sum = 0;
  for (const Shard& shard : shards_) sum += shard.used;
  return sum;
}

std::size_t DocumentFrequencies::bytes() const noexcept {
  std::size_t sum = 0;
  for (const Shard& shard : shards_) sum += shard.slots.size() * sizeof(Slot);
  return sum;
}

DocumentFrequencies::Slot& DocumentFrequencies::Shard::slot_of(const NgramKey& key,
                                                               std::size_t hash) {
  if (used * 4 >= slots.size() * 3) grow();
  const std::size_t mask = slots.size() - 1;
  std::size_t at = hash & mask;
  while (slots[at].key != key) {
    if (slots[at].key == NgramKey{}) {
      slots[at].key = key;
      ++used;
      break;
    }
    at = (at + 1) & mask;
  }
  return slots[at];
}

void DocumentFrequencies::Shard::grow() {
  std::vector<Slot> old(slots.size() * 2);
  old.swap(slots);
  const std::size_t mask = slots.size() - 1;
  for (const Slot& slot : old) {
    if (slot.key == NgramKey{}) continue;
    std::size_t at = hash_of(slot.key) & mask;
    while (slots[at].key != NgramKey{}) at = (at + 1) & mask;
    slots[at] = slot;
  }
}

DocumentFrequencies::Slot& DocumentFrequencies::slot_of(const NgramKey& key) {
  const std::size_t hash = hash_of(key);
  return shards_[shard_of<kShards>(hash)].slot_of(key, hash);
}

void DocumentFrequencies::add_photo(std::span<const TokenSpan> references) {
  set_photos(photos_ + 1);
  scratch_.assign_all(references);
  for (std::size_t n = 1; n <= kNgramOrders; ++n) {
    for (const auto& [key, count] : scratch_.of_order(n)) ++slot_of(key).count;
  }
}

void DocumentFrequencies::add_photos(
    std::size_t photos,
    const std::function<void(std::size_t, std::vector<TokenSpan>&)>& references_of, int threads) {
  constexpr std::size_t kAtOnce = 8192, kBlock = 256;
  Found found(kAtOnce / kBlock);
  for (std::size_t first = 0; first < photos; first += kAtOnce) {
    const std::size_t some = std::min(kAtOnce, photos - first);
    parallel_blocks(some, kBlock, threads, [&](std::size_t begin, std::size_t end) {
      auto& mine = found[begin / kBlock];
      SortedNgrams ngrams;
      std::vector<TokenSpan> references;
      for (std::size_t photo = begin; photo < end; ++photo) {
        references_of(first + photo, references);
        ngrams.assign_all(references);
        for (std::size_t n = 1; n <= kNgramOrders; ++n) {
          for (const auto& [key, count] : ngrams.of_order(n))
            mine[shard_of<kShards>(hash_of(key))].push_back(key);
        }
      }
    });
    parallel_blocks(kShards, 1, threads,
                    [&](std::size_t shard, std::size_t /*end*/) { count(found, shard); });
  }
  set_photos(photos_ + static_cast<std::int64_t>(photos));
}

void DocumentFrequencies::count(Found& found, std::size_t shard) {
  constexpr std::size_t kAhead = 16;  // misses under way at once
  Shard& own = shards_[shard];
  for (auto& block : found) {
    std::vector<NgramKey>& keys = block[shard];
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (i + kAhead < keys.size()) prefetch(keys[i + kAhead]);
      ++own.slot_of(keys[i], hash_of(keys[i])).count;
    }
    keys.clear();
  }
}

void DocumentFrequencies::add_unseen(TokenSpan caption) {
  scratch_.assign(caption);
  for (std::size_t n = 1; n <= kNgramOrders; ++n) {
    for (const auto& [key, count] : scratch_.of_order(n)) slot_of(key);
  }
}

void DocumentFrequencies::set_photos(std::int64_t photos) {
  photos_ = photos;
  log_photos_ = photos == 0 ? 0 : std::log(static_cast<double>(photos));
}

void DocumentFrequencies::set(TokenSpan ngram, std::uint32_t photos) {
  assert(!ngram.empty() && ngram.size() <= kNgramOrders);
  slot_of(key_of(ngram)).count = photos;
}

void DocumentFrequencies::for_each(
    const std::function<void(TokenSpan, std::uint32_t)>& visit) const {
  for (const Shard& shard : shards_) {
    for (const Slot& slot : shard.slots) {
      if (slot.key == NgramKey{}) continue;
      const std::array<std::uint64_t, kNgramOrders> field{
          slot.key.high >> 32, slot.key.high & 0xffff'ffff, slot.key.low >> 32,
          slot.key.low & 0xffff'ffff};
      std::array<TokenId, kNgramOrders> tokens{};
      std::size_t n = 0;
      for (; n < kNgramOrders && field[n] != 0; ++n) tokens[n] = static_cast<TokenId>(field[n] - 1);
      visit(TokenSpan(tokens).first(n), slot.count);
    }
  }
}

std::uint32_t DocumentFrequencies::find(const NgramKey& key) const noexcept {
  const std::size_t hash = hash_of(key);
  const std::size_t shard = shard_of<kShards>(hash);
  const std::vector<Slot>& slots = shards_[shard].slots;
  const std::size_t mask = slots.size() - 1;
  for (std::size_t at = hash & mask; slots[at].key != NgramKey{}; at = (at + 1) & mask) {
    if (slots[at].key == key) return static_cast<std::uint32_t>(shard << kPlaceBits | at);
  }
  return kAbsent;
}

void DocumentFrequencies::prefetch(const NgramKey& key) const noexcept {
  const std::size_t hash = hash_of(key);
  const std::vector<Slot>& slots = shards_[shard_of<kShards>(hash)].slots;
  __builtin_prefetch(&slots[hash & (slots.size() - 1)]);
}

double DocumentFrequencies::inverse_frequency(std::uint32_t place) const noexcept {
  if (place == kAbsent) return log_photos_;
  const Slot& slot = shards_[place >> kPlaceBits].slots[place & ((1u << kPlaceBits) - 1)];
  return log_photos_ - log_of(std::max(slot.count, 1u));
}

double cider_d(TokenSpan hypothesis, std::span<const TokenSpan> references,
               const DocumentFrequencies& frequencies) {
  assert(!references.empty());
  thread_local Weighed own;
  thread_local std::vector<Weighed> others;
  if (others.size() < references.size()) others.resize(references.size());
  own.list(hypothesis, frequencies);
  for (std::size_t i = 0; i < references.size(); ++i) others[i].list(references[i], frequencies);
  own.weigh(frequencies);
  double sum = 0;
  for (std::size_t i = 0; i < references.size(); ++i) {
    Weighed& other = others[i];
    other.weigh(frequencies);
    double orders = 0;
    for (std::size_t n = 0; n < kNgramOrders; ++n) {
      double overlap = 0;
      auto theirs = other.terms[n].begin();
      const auto end = other.terms[n].end();
      for (const Weighed::Term& term : own.terms[n]) {
        while (theirs != end && theirs->key < term.key) ++theirs;
        if (theirs == end) break;
        if (theirs->key == term.key)
          overlap += std::min(term.weight, theirs->weight) * theirs->weight;
      }
      orders += similarity(overlap, own.norm[n], other.norm[n]);
    }
    sum += orders * length_penalty(own.length, other.length);
  }
  return 10 * sum / (kNgramOrders * static_cast<double>(references.size()));
}

CiderReferences::CiderReferences(const std::vector<std::vector<TokenIds>>& references) {
  std::vector<TokenSpan> spans;
  for (const std::vector<TokenIds>& photo : references) {
    spans.assign(photo.begin(), photo.end());
    frequencies_.add_photo(spans);
  }
  build(references);
}

CiderReferences::CiderReferences(const std::vector<std::vector<TokenIds>>& references,
                                 DocumentFrequencies frequencies)
    : frequencies_(std::move(frequencies)) {
  // Matching goes by places, so n-grams that the table does not know need one, too.
  for (const std::vector<TokenIds>& photo : references) {
    for (const TokenIds& caption : photo) frequencies_.add_unseen(caption);
  }
  build(references);
}

void CiderReferences::build(const std::vector<std::vector<TokenIds>>& references) {
  Weighed weighed;
  for (const std::vector<TokenIds>& photo : references) {
    assert(!photo.empty());
    entry_begin_.push_back(entries_.size());
    caption_begin_.push_back(captions_.size());
    for (std::uint32_t which = 0; which < photo.size(); ++which) {
      weighed.assign(photo[which], frequencies_);
      captions_.push_back({weighed.norm, weighed.length});
      for (const auto& terms : weighed.terms) {
        for (const Weighed::Term& term : terms) {
          entries_.push_back({term.place, which, term.weight});
        }
      }
    }
    std::sort(entries_.begin() + static_cast<std::ptrdiff_t>(entry_begin_.back()), entries_.end(),
              [](const Entry& a, const Entry& b) {
                return std::pair(a.place, a.reference) < std::pair(b.place, b.reference);
              });
  }
  entry_begin_.push_back(entries_.size());
  caption_begin_.push_back(captions_.size());
}

double CiderReferences::score(std::size_t photo, TokenSpan hypothesis) const {
  assert(photo < photos());
  thread_local Weighed own;
  thread_local std::vector<std::array<double, kNgramOrders>> overlap;
  own.assign(hypothesis, frequencies_);
  const std::size_t first = caption_begin_[photo];
  const std::size_t captions = caption_begin_[photo + 1] - first;
  overlap.assign(captions, {});
  const auto begin = entries_.begin() + static_cast<std::ptrdiff_t>(entry_begin_[photo]);
  const auto end = entries_.begin() + static_cast<std::ptrdiff_t>(entry_begin_[photo + 1]);
  for (std::size_t n = 0; n < kNgramOrders; ++n) {
    for (const Weighed::Term& term : own.terms[n]) {
      if (term.place == DocumentFrequencies::kAbsent) continue;
      auto entry =
          std::lower_bound(begin, end, term.place,
                           [](const Entry& one, std::uint32_t place) { return one.place < place; });
      for (; entry != end && entry->place == term.place; ++entry) {
        overlap[entry->reference][n] += std::min(term.weight, entry->weight) * entry->weight;
      }
    }
  }
  double sum = 0;
  for (std::size_t which = 0; which < captions; ++which) {
    const Caption& reference = captions_[first + which];
    double orders = 0;
    for (std::size_t n = 0; n < kNgramOrders; ++n)
      orders += similarity(overlap[which][n], own.norm[n], reference.norm[n]);
    sum += orders * length_penalty(own.length, reference.length);
  }
  return 10 * sum / (kNgramOrders * static_cast<double>(captions));
}

}  // namespace photoscribe
