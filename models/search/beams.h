// beams: the open and finished captions of a batch of photos during a search (search.h), as
// tensors. Private to models/.
//
// A photo may have constraints (constraints.h): concepts that its caption should name. Then it has
// a set of beams for each set of the constraints met so far, after Anderson et al., "Guided Open
// Vocabulary Image Captioning with Constrained Beam Search", EMNLP 2017: captions compete only with
// those that have named the same. Without constraints there is one set, and this is plain beam
// search.
//
// N photos, S = 2^constraints states (bit k: constraint k is met), B beams of each, R = N*S*B rows,
// K words for all constraints, T words of a caption at most, V words.
#pragma once

#include <torch/types.h>

#include <vector>

#include "common/core/spec.h"
#include "models/decoder/decoder.h"
#include "models/search/constraints.h"
#include "models/search/hypothesis.h"

namespace photoscribe {

/// A score that nothing is below; finite, so that no NaN arises.
inline constexpr double kNever = -1e30;

class Beams {
 public:
  /// From the result of StepNetwork::annotate_photos() for a batch, on its device. With
  /// `constraints`, only for `photos` (N), positions in the batch, whose constraints they are.
  Beams(const Annotations& annotations, std::int64_t tokens_max,
        const ConstraintTensors& constraints = {}, const torch::Tensor& photos = {});

  /// Applies one word's log-probabilities (R,V), which are overwritten: finished captions compete
  /// for the best of their state, the likeliest others stay open. `t` words precede it.
  /// `attention`, when defined: the weights (R,L) with which these words were chosen, as
  /// StepNetwork::step() gives them; at every word or at none.
  void advance(const torch::Tensor& log_p, std::int64_t t, const SearchSettings& settings,
               const torch::Tensor& attention = {});
  /// After advance(): a photo is done when its likeliest open beam, ending at once, would not beat
  /// its best caption that names everything required.
  void settle(std::int64_t t, const SearchSettings& settings);
  /// Those that are not done, as indices among the N. Waits for the device.
  [[nodiscard]] torch::Tensor open() const;
  /// From now on the best `count` + 1 finished captions of each photo are kept, and a photo is done
  /// when none of them can change. Call before the first word, and without constraints.
  void keep_alternatives(std::int64_t count);
  /// Continues with these photos only (indices among the N).
  void keep(const torch::Tensor& photos);
  /// Writes the best captions to `all`: of those that meet more constraints than the photo's
  /// caption so far (`named`, by its position in the batch; -1: it has none), the best of those
  /// that name most. At any cost in score: no bound on it helped (experiments.md, 51). If there is
  /// none, `all` is unchanged.
  void write(const std::vector<int>& named, std::vector<Hypothesis>& all) const;

  [[nodiscard]] std::int64_t photos() const { return scores_.size(0); }
  [[nodiscard]] const torch::Tensor& tokens() const { return tokens_; }    // (R) last word of each
  [[nodiscard]] const torch::Tensor& history() const { return history_; }  // (N,S,B,T)

  Annotations a;  // values, keys and fixed (N,...), h and c (R,H)

 private:
  /// Candidates for the next word in each state: (N,S,..) each, in falling order.
  struct Candidates {
    torch::Tensor score, parent, word, log_p;  // parent: a beam's index among the photo's S*B
  };
  [[nodiscard]] Candidates candidates(const torch::Tensor& log_p, std::int64_t count) const;
  [[nodiscard]] torch::Tensor take_constrained(torch::Tensor& each) const;
  [[nodiscard]] Candidates naming_another(const torch::Tensor& named) const;
  void collect(const torch::Tensor& normal, const Candidates& next, std::int64_t t);
  [[nodiscard]] std::vector<FinishedCaption> alternatives_of(
      std::int64_t photo, const std::vector<std::int64_t>& best) const;
  void finish(const Candidates& next, std::int64_t t, const SearchSettings& settings);
  void keep_attention(const torch::Tensor& attention);
  [[nodiscard]] int best_state(std::int64_t photo, const torch::Tensor& best_score,
                               int named) const;

  void begin_constraints(const ConstraintTensors& constraints, const torch::Tensor& photos);

  ConstraintTensors constraints_;
  torch::Tensor unmet_;    // (S,K) bool: the word's constraint is not yet met
  torch::Tensor from_;     // (S*constraints) state and constraint that each transition comes from
  torch::Tensor photo_;    // (N) its position in the batch
  torch::Tensor scores_;   // (N,S,B) of the open beams
  torch::Tensor worst_;    // (N,S,B) log-probability of the least likely word of each
  torch::Tensor tokens_;   // (R)
  torch::Tensor history_;  // (N,S,B,T) words so far
  torch::Tensor best_score_;   // (N,S) normalised, of the best finished caption
  torch::Tensor best_log_;     // (N,S)
  torch::Tensor best_tokens_;  // (N,S,T)
  torch::Tensor best_length_;  // (N,S)
  torch::Tensor best_worst_;   // (N,S)
  torch::Tensor done_;  // (N) bool: the best is final, whatever happens to the rest of the batch

  // Of the P best finished captions, in falling order, where alternatives are kept; else undefined.
  torch::Tensor top_score_;   // (N,P) normalised
  torch::Tensor top_log_;     // (N,P)
  torch::Tensor top_length_;  // (N,P)
  torch::Tensor top_tokens_;  // (N,P,T)
  torch::Tensor settled_;     // (N) bool: all P are final
  // The open beams when the best became final, as if the search had ended then.
  torch::Tensor end_scores_, end_history_;  // (N,S,B), (N,S,B,T)

  // Where attention is kept; else undefined.
  std::vector<torch::Tensor> attention_;  // of each step (R,L), R being that step's
  torch::Tensor rows_;                    // (N,S,B,T) the row of its step that each word came from
  torch::Tensor best_rows_;               // (N,S,T)
};

}  // namespace photoscribe
