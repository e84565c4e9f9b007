#include "ops/cli/score/score_input.h"

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "common/text/human_numbers.h"
#include "common/text/safe_text.h"

namespace photoscribe::cli {
namespace {

/// Reads a set of captions, with the second names of its photos.
class CaptionReader {
 public:
  CaptionReader(const std::string& file, CaptionSet& set) : file_(file), set_(set) {}

  /// Refuses a second caption if only one is allowed. Among references, an empty caption and a
  /// second list for a photo are malformed entries (bad_payload).
  Status add(const FileCaption& one, bool only_one) {
    const auto before = set_.find(one.id);
    if (before && only_one) {
      return fail(Errc::invalid_config,
                  file_ + at(one.line) + ": " + std::string(one.id) +
                      " has a second caption; score one caption a photo at a time");
    }
    if (before && one.begins_list)
      return fail(Errc::bad_payload, std::string(one.id) + " has a second list of captions");
    if (!only_one && one.caption.empty())
      return fail(Errc::bad_payload, std::string(one.id) + " has an empty caption");
    const std::uint32_t photo = set_.add(one.id, *one.tokens);
    if (!one.other_id.empty() && !before) second_names_[std::string(one.other_id)] = photo;
    return {};
  }
  [[nodiscard]] std::optional<std::uint32_t> find(std::string_view name) const {
    if (const auto photo = set_.find(name)) return photo;
    if (second_names_.empty()) return std::nullopt;
    const auto other = second_names_.find(std::string(name));
    return other == second_names_.end() ? std::nullopt : std::optional(other->second);
  }
  /// Second names by photo number; empty if a photo has none.
  [[nodiscard]] std::vector<std::string_view> second_names() const {
    std::vector<std::string_view> names(second_names_.empty() ? 0 : set_.photos());
    for (const auto& [name, photo] : second_names_) names[photo] = name;
    return names;
  }

 private:
  static std::string at(std::int64_t line) {
    return line > 0 ? ", line " + std::to_string(line) : std::string();
  }
  const std::string& file_;
  CaptionSet& set_;
  std::unordered_map<std::string, std::uint32_t> second_names_;
};

/// Photos for a message: how many there are, and the first three.
class Missing {
 public:
  void add(std::string_view name) {
    if (count_ < 3) examples_ += (count_ > 0 ? ", " : "") + shown(name);
    ++count_;
  }
  [[nodiscard]] std::int64_t count() const noexcept { return count_; }
  [[nodiscard]] std::string text() const {
    return counted(count_, "photo") + (count_ > 3 ? " (first: " : " (") + examples_ + ")";
  }

 private:
  std::int64_t count_ = 0;
  std::string examples_;
};

Status read_set(const std::string& file, bool only_one, const ScoreRequest& request,
                const std::optional<PhotoNames>& split, CaptionReader& reader, ScoreInput& input) {
  const auto wanted = [&](const FileCaption& one) {
    return !split || split->contains(std::string(one.id)) ||
           (!one.other_id.empty() && split->contains(std::string(one.other_id)));
  };
  const auto take = [&](const FileCaption& one) -> Status {
    if (wanted(one)) return reader.add(one, only_one);
    // COCO results have only numbers; the references decide whether they are in the split.
    if (only_one && one.other_id.empty() && split) return reader.add(one, only_one);
    if (only_one) ++input.outside_split;
    return {};
  };
  const auto facts =
      read_tokenised_captions(file, request.tokenizer, request.threads, take, request.strict);
  if (!facts) return fail(facts.error());
  (only_one ? input.wrong_hypotheses : input.wrong_references) = facts->left_out;
  if (only_one) {
    input.not_captioned = facts->without_caption;
  } else if (facts->form == CaptionForm::coco_results) {
    return fail(Errc::usage, file +
                                 ": holds results, one caption a photo; name the references "
                                 "(for COCO: captions_*.json)");
  }
  return {};
}

void pair_photos(const CaptionReader& hypotheses, const CaptionReader& references, bool split,
                 ScoreInput& input, Missing& unreferenced, Missing& uncaptioned) {
  std::vector<bool> used(input.references.photos());
  const auto second = hypotheses.second_names();
  for (std::uint32_t photo = 0; photo < input.hypotheses.photos(); ++photo) {
    auto found = references.find(input.hypotheses.name(photo));
    if (!found && !second.empty() && !second[photo].empty()) found = references.find(second[photo]);
    if (!found) {
      if (split) {
        ++input.outside_split;
      } else {
        unreferenced.add(input.hypotheses.name(photo));
      }
      continue;
    }
    used[*found] = true;
    input.pairs.push_back({photo, *found});
  }
  for (std::uint32_t photo = 0; photo < used.size(); ++photo) {
    if (!used[photo]) uncaptioned.add(input.references.name(photo));
  }
}

Status check_pairs(const ScoreRequest& request, const ScoreInput& input,
                   const Missing& unreferenced, const Missing& uncaptioned) {
  if (input.pairs.empty()) {
    return fail(Errc::usage,
                "no photo of " + request.hypotheses_file + " (such as " +
                    shown(input.hypotheses.photos() > 0 ? input.hypotheses.name(0) : "none") +
                    ") is one of " + request.references_file + " (such as " +
                    shown(input.references.photos() > 0 ? input.references.name(0) : "none") + ")" +
                    (request.split.empty() ? "" : " in split " + request.split) +
                    "; names must match in both");
  }
  if (request.allow_missing) return {};
  if (unreferenced.count() > 0) {
    return fail(Errc::usage, request.hypotheses_file + ": " + unreferenced.text() +
                                 " without references in " + request.references_file +
                                 "; add their references, or leave them out with --allow-missing");
  }
  if (uncaptioned.count() > 0) {
    return fail(Errc::usage,
                request.references_file + ": " + uncaptioned.text() + " without a caption in " +
                    request.hypotheses_file +
                    "; name the photos that are meant with --split LIST, caption them, or leave "
                    "them out with --allow-missing");
  }
  return {};
}

}  // namespace

Expected<std::unique_ptr<ScoreInput>> read_score_input(const ScoreRequest& request) {
  auto input = std::make_unique<ScoreInput>(request.tokenizer);
  std::optional<PhotoNames> split;
  if (!request.split.empty()) {
    auto names = photos_of_split(request.split, request.references_file);
    if (!names) return fail(names.error());
    split = std::move(*names);
  }
  CaptionReader hypotheses(request.hypotheses_file, input->hypotheses);
  CaptionReader references(request.references_file, input->references);
  Status read = read_set(request.hypotheses_file, true, request, split, hypotheses, *input);
  if (read) read = read_set(request.references_file, false, request, split, references, *input);
  if (!read) return fail(read.error());
  input->hypotheses.group();
  input->references.group();

  Missing unreferenced, uncaptioned;
  pair_photos(hypotheses, references, split.has_value(), *input, unreferenced, uncaptioned);
  if (Status paired = check_pairs(request, *input, unreferenced, uncaptioned); !paired)
    return fail(paired.error());
  input->without_references = unreferenced.count();
  input->without_hypothesis = uncaptioned.count();
  input->references_min = INT64_MAX;
  for (const ScoredPair& pair : input->pairs) {
    const auto count = static_cast<std::int64_t>(input->references.count_of(pair.reference));
    input->reference_captions += count;
    input->references_min = std::min(input->references_min, count);
    input->references_max = std::max(input->references_max, count);
  }
  return input;
}

}  // namespace photoscribe::cli
