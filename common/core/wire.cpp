#include "common/core/wire.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

namespace photoscribe {
namespace {

constexpr char kFormat = 4;
constexpr std::uint64_t kItemsMax = 100'000;
enum class Kind : std::uint8_t { captioned, blurred, failed, failed_with_scores };
/// What an item ends with: content hash, image copied from, distance of hashes.
enum Extra : std::uint8_t { kHashed = 1, kCopied = 2, kDistance = 4, kPreview = 8 };
/// What a caption has behind its tokens: evidence in front of the concepts, the others behind them.
/// Only runs that ask for the others get them, whose workers all know these bits.
enum Beside : std::uint8_t { kWithEvidence = 1, kWithAlternatives = 2, kWithAttention = 4 };
constexpr std::uint64_t kDistanceMax = 64;  // of 64 bits
/// The numbers of CaptionEvidence, in the order of the format.
constexpr std::array kEvidence{&CaptionEvidence::word_log_prob_min,
                               &CaptionEvidence::beam_agreement, &CaptionEvidence::mentioned_min,
                               &CaptionEvidence::unmentioned_max, &CaptionEvidence::novelty};

class Writer {
 public:
  void byte(std::uint8_t value) { bytes_.push_back(static_cast<char>(value)); }
  void number(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) byte(static_cast<std::uint8_t>(value | 0x80));
    byte(static_cast<std::uint8_t>(value));
  }
  void real(double value) {
    auto bits = std::bit_cast<std::uint64_t>(value);
    for (int i = 0; i < 8; ++i, bits >>= 8) byte(static_cast<std::uint8_t>(bits));
  }
  void real32(float value) {
    auto bits = std::bit_cast<std::uint32_t>(value);
    for (int i = 0; i < 4; ++i, bits >>= 8) byte(static_cast<std::uint8_t>(bits));
  }
  void text(std::string_view value) {
    number(value.size());
    bytes_.append(value);
  }
  void raw(const ContentHash& value) { bytes_.append(value.begin(), value.end()); }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

/// Reads past nothing: once the layout is lost every read gives zero and failed() stays true. A
/// value that may not be (bad()) leaves the layout as it is.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  std::uint8_t byte() {
    if (rest_.empty()) return broken();
    const auto value = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return value;
  }
  std::uint64_t number(std::uint64_t max) {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const std::uint8_t part = byte();
      if (shift == 63 && part > 1) return broken();
      value |= static_cast<std::uint64_t>(part & 0x7f) << shift;
      if ((part & 0x80) == 0) {
        if (part == 0 && shift > 0) return broken();  // one spelling per number
        if (value <= max) return value;
        bad_ = true;
        return 0;
      }
    }
    return broken();
  }
  /// A number that the layout depends on.
  std::uint64_t count(std::uint64_t max) {
    const std::uint64_t value = number(std::numeric_limits<std::uint64_t>::max());
    return value <= max ? value : broken();
  }
  double real() {
    std::uint64_t bits = 0;
    for (int i = 0; i < 8; ++i) bits |= static_cast<std::uint64_t>(byte()) << (8 * i);
    const double value = std::bit_cast<double>(bits);
    if (std::isfinite(value)) return value;
    bad_ = true;
    return 0;
  }
  float real32() {
    std::uint32_t bits = 0;
    for (int i = 0; i < 4; ++i) bits |= static_cast<std::uint32_t>(byte()) << (8 * i);
    const auto value = std::bit_cast<float>(bits);
    if (std::isfinite(value)) return value;
    bad_ = true;
    return 0;
  }
  std::string text() {
    const std::uint64_t size = count(rest_.size());
    if (failed_ || size > rest_.size()) return broken(), std::string();
    std::string value(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return value;
  }
  ContentHash raw() {
    ContentHash value{};
    for (std::uint8_t& one : value) one = byte();
    return value;
  }
  bool failed() const { return failed_; }
  bool bad() const { return failed_ || bad_; }
  /// The values contradict each other, though each may be.
  void refuse() { bad_ = true; }
  void forgive() { bad_ = false; }
  std::size_t left() const { return rest_.size(); }

 private:
  std::uint8_t broken() {
    failed_ = true;
    rest_ = {};
    return 0;
  }
  std::string_view rest_;
  bool failed_ = false, bad_ = false;
};

void write_extras(Writer& out, const Result& result) {
  const auto& copied = result.copied_from;
  out.byte(static_cast<std::uint8_t>((result.content_hash ? kHashed : 0) | (copied ? kCopied : 0) |
                                     (copied && copied->hash_distance ? kDistance : 0) |
                                     (result.preview ? kPreview : 0)));
  if (result.content_hash) out.raw(*result.content_hash);
  if (!copied) return;
  out.number(static_cast<std::uint64_t>(copied->image_id));
  if (copied->hash_distance) out.number(static_cast<std::uint64_t>(*copied->hash_distance));
}

void write(Writer& out, const Caption& caption) {
  out.text(caption.text);
  out.real(caption.log_prob);
  out.number(static_cast<std::uint64_t>(caption.tokens));
  out.byte(static_cast<std::uint8_t>((caption.evidence ? kWithEvidence : 0) |
                                     (caption.alternatives.empty() ? 0 : kWithAlternatives) |
                                     (caption.attention ? kWithAttention : 0)));
  if (caption.evidence) {
    for (const auto number : kEvidence) out.real((*caption.evidence).*number);
  }
  out.number(caption.concepts.size());
  for (const Concept& one : caption.concepts) {
    out.text(one.word);
    out.real32(one.probability);
  }
  if (!caption.alternatives.empty()) {
    out.number(caption.alternatives.size());
    for (const Alternative& one : caption.alternatives) {
      out.text(one.text);
      out.real(one.log_prob);
      out.number(static_cast<std::uint64_t>(one.tokens));
    }
  }
  if (const auto& maps = caption.attention) {
    out.number(static_cast<std::uint64_t>(maps->width));
    out.number(static_cast<std::uint64_t>(maps->height));
    out.text({reinterpret_cast<const char*>(maps->cells.data()), maps->cells.size()});
  }
}

void write(Writer& out, const Result& result) {
  out.number(static_cast<std::uint64_t>(result.image_id));
  out.number(static_cast<std::uint64_t>(result.attempt));
  out.number(static_cast<std::uint64_t>(result.width_px));
  out.number(static_cast<std::uint64_t>(result.height_px));
  out.number(result.times.read_us);
  out.number(result.times.decode_us);
  out.number(result.times.caption_us);
  out.number(static_cast<std::uint64_t>(result.finished_unix_ms));
  if (const auto* done = std::get_if<Captioned>(&result.outcome)) {
    out.byte(static_cast<std::uint8_t>(Kind::captioned));
    write(out, done->caption);
  } else if (std::holds_alternative<Blurred>(result.outcome)) {
    out.byte(static_cast<std::uint8_t>(Kind::blurred));
  } else {
    const auto& failed = std::get<Failed>(result.outcome);
    const bool scored = result.blur_scores.has_value();
    out.byte(static_cast<std::uint8_t>(scored ? Kind::failed_with_scores : Kind::failed));
    out.byte(static_cast<std::uint8_t>(failed.reason));
    out.text(failed.detail);
    if (!scored) return write_extras(out, result);
  }
  for (const double score : result.blur_scores.value_or(BlurScores{}).by_mode) out.real(score);
  write_extras(out, result);
}

constexpr auto kInt = static_cast<std::uint64_t>(std::numeric_limits<std::int32_t>::max());
constexpr auto kLong = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

/// The beginning of an item: which photo it is about.
Result read_name(Reader& in) {
  Result result;
  result.image_id = static_cast<std::int64_t>(in.number(kLong));
  result.attempt = static_cast<std::int32_t>(in.number(kInt));
  return result;
}

void read_extras(Reader& in, Result& result) {
  const std::uint64_t extras = in.count(kHashed | kCopied | kDistance | kPreview);
  result.preview = (extras & kPreview) != 0;
  if ((extras & kHashed) != 0) result.content_hash = in.raw();
  if ((extras & kCopied) == 0) {
    if ((extras & kDistance) != 0) in.refuse();
    return;
  }
  CopiedFrom& copied = result.copied_from.emplace();
  copied.image_id = static_cast<std::int64_t>(in.number(kLong));
  if ((extras & kDistance) != 0) copied.hash_distance = static_cast<int>(in.number(kDistanceMax));
  if (std::holds_alternative<Failed>(result.outcome)) in.refuse();
}

std::vector<Alternative> read_alternatives(Reader& in) {
  std::vector<Alternative> all;
  const std::uint64_t count = in.count(kAlternativesMax);
  if (count == 0) in.refuse();
  for (std::uint64_t i = 0; i < count; ++i) {
    Alternative& one = all.emplace_back();
    one.text = in.text();
    one.log_prob = in.real();
    one.tokens = static_cast<int>(in.number(kInt));
    if (one.text.size() > kAlternativeBytesMax) in.refuse();
  }
  return all;
}

AttentionMaps read_attention(Reader& in, int words) {
  AttentionMaps maps;
  maps.width = static_cast<int>(in.number(kAttentionSideMax));
  maps.height = static_cast<int>(in.number(kAttentionSideMax));
  const std::string cells = in.text();
  maps.cells.assign(cells.begin(), cells.end());
  if (!fits(maps, words)) in.refuse();
  return maps;
}

Caption read_caption(Reader& in) {
  Caption caption;
  caption.text = in.text();
  caption.log_prob = in.real();
  caption.tokens = static_cast<int>(in.number(kInt));
  const std::uint64_t beside = in.count(kWithEvidence | kWithAlternatives | kWithAttention);
  if ((beside & kWithEvidence) != 0) {
    CaptionEvidence& evidence = caption.evidence.emplace();
    for (const auto number : kEvidence) evidence.*number = in.real();
  }
  const std::uint64_t concepts = in.count(kConceptsMax);
  for (std::uint64_t i = 0; i < concepts; ++i) {
    Concept& one = caption.concepts.emplace_back();
    one.word = in.text();
    one.probability = in.real32();
    if (one.word.empty() || one.word.size() > kConceptBytesMax) in.refuse();
  }
  if ((beside & kWithAlternatives) != 0) caption.alternatives = read_alternatives(in);
  if ((beside & kWithAttention) != 0) caption.attention = read_attention(in, caption.tokens);
  return caption;
}

void read_values(Reader& in, Result& result) {
  constexpr auto kMicros = static_cast<std::uint64_t>(std::numeric_limits<std::uint32_t>::max());
  result.width_px = static_cast<int>(in.number(kInt));
  result.height_px = static_cast<int>(in.number(kInt));
  result.times.read_us = static_cast<std::uint32_t>(in.number(kMicros));
  result.times.decode_us = static_cast<std::uint32_t>(in.number(kMicros));
  result.times.caption_us = static_cast<std::uint32_t>(in.number(kMicros));
  result.finished_unix_ms = static_cast<std::int64_t>(in.number(kLong));
  switch (const auto kind = static_cast<Kind>(in.count(3)); kind) {
    case Kind::captioned: {
      Captioned done;
      done.caption = read_caption(in);
      result.outcome = std::move(done);
      break;
    }
    case Kind::blurred:
      result.outcome = Blurred{};
      break;
    case Kind::failed:
    case Kind::failed_with_scores: {
      Failed failed;
      failed.reason = static_cast<Reason>(in.number(kReasonCount - 1));
      failed.detail = in.text();
      result.outcome = std::move(failed);
      if (kind == Kind::failed) return read_extras(in, result);
      break;
    }
  }
  for (double& score : result.blur_scores.emplace().by_mode) score = in.real();
  read_extras(in, result);
}

}  // namespace

std::string encode_results(const ResultBatch& batch) {
  Writer out;
  out.byte(kFormat);
  out.text(batch.worker);
  out.number(batch.results.size());
  for (const Result& result : batch.results) write(out, result);
  return out.take();
}

Expected<ResultBatch> decode_results(std::string_view bytes) {
  Reader in(bytes);
  if (in.byte() != kFormat) return fail(Errc::bad_payload, "results: not of format 4");
  ResultBatch batch;
  batch.worker = in.text();
  const std::uint64_t count = in.count(kItemsMax);
  for (std::uint64_t i = 0; i < count && !in.bad(); ++i) {
    Result result = read_name(in);
    read_values(in, result);
    batch.results.push_back(std::move(result));
  }
  if (in.bad()) return fail(Errc::bad_payload, "results: cut short or out of range");
  if (in.left() != 0) return fail(Errc::bad_payload, "results: bytes after the last item");
  return batch;
}

SalvagedResults salvage_results(std::string_view bytes) {
  SalvagedResults salvaged;
  Reader in(bytes);
  if (in.byte() != kFormat) return salvaged;
  salvaged.batch.worker = in.text();
  const std::uint64_t count = in.count(kItemsMax);
  for (std::uint64_t i = 0; i < count && !in.failed(); ++i) {
    in.forgive();
    Result result = read_name(in);
    const bool named = !in.bad();
    read_values(in, result);
    if (!in.bad()) {
      salvaged.batch.results.push_back(std::move(result));
    } else if (named) {
      salvaged.broken.push_back(BrokenResult{result.image_id, result.attempt});
    }
  }
  return salvaged;
}

}  // namespace photoscribe
