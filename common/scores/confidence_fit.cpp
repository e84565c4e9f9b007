#include "common/scores/confidence_fit.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>
#include <string>

namespace photoscribe {
namespace {

constexpr std::size_t kTerms = std::tuple_size_v<ConfidenceFeatures> + 1;  // and the bias, first
using Terms = std::array<double, kTerms>;

struct Scale {
  Terms mean{}, deviation{};
};

Scale scale_of(std::span<const JudgedCaption> captions, std::span<const double> weights) {
  Scale scale;
  scale.deviation.fill(1);
  for (std::size_t k = 1; k < kTerms; ++k) {
    double sum = 0, squares = 0, count = 0;
    for (std::size_t i = 0; i < captions.size(); ++i) {
      const std::optional<double>& known = captions[i].features[k - 1];
      if (!known) continue;
      sum += weights[i] * *known;
      squares += weights[i] * *known * *known;
      count += weights[i];
    }
    if (count == 0) continue;
    scale.mean[k] = sum / count;
    const double variance = squares / count - scale.mean[k] * scale.mean[k];
    scale.deviation[k] = variance > 1e-12 ? std::sqrt(variance) : 1;
  }
  return scale;
}

Terms standardised(const ConfidenceFeatures& features, const Scale& scale) {
  Terms x{1};
  for (std::size_t k = 1; k < kTerms; ++k) {
    x[k] = (features[k - 1].value_or(scale.mean[k]) - scale.mean[k]) / scale.deviation[k];
  }
  return x;
}

/// Solves a x = b for a symmetric positive definite a, by elimination.
Terms solve(std::array<Terms, kTerms> a, Terms b) {
  for (std::size_t i = 0; i < kTerms; ++i) {
    for (std::size_t row = i + 1; row < kTerms; ++row) {
      const double factor = a[row][i] / a[i][i];
      for (std::size_t column = i; column < kTerms; ++column) {
        a[row][column] -= factor * a[i][column];
      }
      b[row] -= factor * b[i];
    }
  }
  for (std::size_t i = kTerms; i-- > 0;) {
    for (std::size_t column = i + 1; column < kTerms; ++column) b[i] -= a[i][column] * b[column];
    b[i] /= a[i][i];
  }
  return b;
}

Terms newton(std::span<const JudgedCaption> captions, std::span<const double> counts,
             const Scale& scale) {
  constexpr double kRidge = 1e-3;
  constexpr int kSteps = 50;
  Terms weights{};
  for (int step = 0; step < kSteps; ++step) {
    std::array<Terms, kTerms> curvature{};
    Terms gradient{};
    for (std::size_t i = 0; i < captions.size(); ++i) {
      const JudgedCaption& one = captions[i];
      const Terms x = standardised(one.features, scale);
      double odds = 0;
      for (std::size_t k = 0; k < kTerms; ++k) odds += weights[k] * x[k];
      const double p = 1 / (1 + std::exp(-odds));
      for (std::size_t k = 0; k < kTerms; ++k) {
        gradient[k] += counts[i] * (p - (one.good ? 1 : 0)) * x[k];
        for (std::size_t j = 0; j < kTerms; ++j)
          curvature[k][j] += counts[i] * p * (1 - p) * x[k] * x[j];
      }
    }
    const auto count = static_cast<double>(captions.size());
    for (std::size_t k = 0; k < kTerms; ++k) {
      gradient[k] /= count;
      for (double& value : curvature[k]) value /= count;
      curvature[k][k] += kRidge;
      gradient[k] += kRidge * weights[k];
    }
    const Terms move = solve(curvature, gradient);
    double largest = 0;
    for (std::size_t k = 0; k < kTerms; ++k) {
      weights[k] -= move[k];
      largest = std::max(largest, std::abs(move[k]));
    }
    if (largest < 1e-10) break;
  }
  return weights;
}

double weight_of(std::span<const double> weights, std::size_t i) {
  return weights.empty() ? 1 : weights[i];
}

/// Places of the captions by rising probability.
std::vector<std::size_t> rising(std::span<const double> probabilities) {
  std::vector<std::size_t> order(probabilities.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return probabilities[a] < probabilities[b]; });
  return order;
}

/// The share of pairs of a good and a bad caption in which the good one has the higher probability;
/// a tie is half a pair.
double area_under_curve(std::span<const double> probabilities, const std::vector<bool>& good,
                        std::span<const double> weights) {
  const std::vector<std::size_t> order = rising(probabilities);
  double pairs = 0, goods = 0, bads = 0;
  for (std::size_t from = 0; from < order.size();) {
    double goods_here = 0, bads_here = 0;
    std::size_t to = from;
    for (; to < order.size() && probabilities[order[to]] == probabilities[order[from]]; ++to) {
      (good[order[to]] ? goods_here : bads_here) += weight_of(weights, order[to]);
    }
    pairs += goods_here * (bads + bads_here / 2);
    goods += goods_here;
    bads += bads_here;
    from = to;
  }
  return goods == 0 || bads == 0 ? 0.5 : pairs / (goods * bads);
}

}  // namespace

Expected<ConfidenceModel> fit_confidence(std::span<const JudgedCaption> captions) {
  constexpr std::size_t kFewest = 50;
  const auto goods =
      std::count_if(captions.begin(), captions.end(), [](const auto& one) { return one.good; });
  if (captions.size() < kFewest || goods == 0 ||
      static_cast<std::size_t>(goods) == captions.size()) {
    return fail(Errc::usage, "confidence: " + std::to_string(captions.size()) + " captions, " +
                                 std::to_string(goods) + " of them good, are too few to tell by; " +
                                 std::to_string(kFewest) + " of both kinds are needed");
  }
  const std::vector<double> counts = domain_weights(captions);
  const Scale scale = scale_of(captions, counts);
  const Terms weights = newton(captions, counts, scale);
  ConfidenceModel model;
  model.bias = weights[0];
  for (std::size_t k = 1; k < kTerms; ++k) {
    model.weights[k - 1] = weights[k] / scale.deviation[k];
    model.means[k - 1] = scale.mean[k];
    model.bias -= model.weights[k - 1] * scale.mean[k];
  }
  return model;
}

std::vector<double> domain_weights(std::span<const JudgedCaption> captions) {
  std::map<std::size_t, double> photos;
  for (const JudgedCaption& one : captions) ++photos[one.domain];
  const double each = static_cast<double>(captions.size()) / static_cast<double>(photos.size());
  std::vector<double> weights;
  for (const JudgedCaption& one : captions) weights.push_back(each / photos[one.domain]);
  return weights;
}

std::vector<ShownPoint> shown_at(std::span<const double> probabilities,
                                 const std::vector<bool>& good,
                                 std::span<const double> min_confidences,
                                 std::span<const double> weights) {
  std::vector<ShownPoint> points;
  for (const double min : min_confidences) {
    double all = 0, shown = 0, right = 0;
    for (std::size_t i = 0; i < probabilities.size(); ++i) {
      const double weight = weight_of(weights, i);
      all += weight;
      if (is_unsure(probabilities[i], min)) continue;
      shown += weight;
      if (good[i]) right += weight;
    }
    points.push_back({min, all == 0 ? 0 : shown / all, shown == 0 ? 1 : right / shown});
  }
  return points;
}

std::optional<double> min_for_precision(std::span<const double> probabilities,
                                        const std::vector<bool>& good, double target_precision,
                                        std::span<const double> weights, std::size_t fewest) {
  const std::vector<std::size_t> order = rising(probabilities);
  std::optional<double> best;
  double shown = 0, right = 0;
  for (std::size_t from = order.size(); from-- > 0;) {  // the surest first
    const double weight = weight_of(weights, order[from]);
    shown += weight;
    if (good[order[from]]) right += weight;
    const bool tied = from > 0 && probabilities[order[from - 1]] == probabilities[order[from]];
    if (tied || order.size() - from < fewest || right < target_precision * shown) continue;
    best = from == 0 ? 0 : probabilities[order[from]];
  }
  return best;
}

Reliability reliability_of(std::span<const double> probabilities, const std::vector<bool>& good,
                           std::span<const double> weights) {
  constexpr std::size_t kBins = 10;
  Reliability result;
  std::array<ReliabilityBin, kBins> bins{};
  std::array<double, kBins> in_bin{};
  double count = 0;
  for (std::size_t i = 0; i < probabilities.size(); ++i) {
    const double p = probabilities[i];
    const double truth = good[i] ? 1 : 0;
    const double weight = weight_of(weights, i);
    const std::size_t place = std::min(kBins - 1, static_cast<std::size_t>(p * kBins));
    ReliabilityBin& bin = bins[place];
    ++bin.captions;
    in_bin[place] += weight;
    count += weight;
    bin.predicted += weight * p;
    bin.good += weight * truth;
    result.brier += weight * (p - truth) * (p - truth);
    result.share_good += weight * truth;
  }
  result.captions = static_cast<std::int64_t>(probabilities.size());
  if (count == 0) count = 1;
  result.brier /= count;
  result.share_good /= count;
  for (std::size_t place = 0; place < kBins; ++place) {
    ReliabilityBin& bin = bins[place];
    if (bin.captions == 0) continue;
    bin.predicted /= in_bin[place];
    bin.good /= in_bin[place];
    result.ece += in_bin[place] / count * std::abs(bin.predicted - bin.good);
    result.bins.push_back(bin);
  }
  result.auc = area_under_curve(probabilities, good, weights);
  return result;
}

Expected<std::vector<double>> cross_validated(std::span<const JudgedCaption> captions,
                                              std::size_t folds) {
  std::vector<double> probabilities(captions.size());
  for (std::size_t fold = 0; fold < folds; ++fold) {
    std::vector<JudgedCaption> others;
    for (std::size_t i = 0; i < captions.size(); ++i) {
      if (i % folds != fold) others.push_back(captions[i]);
    }
    const Expected<ConfidenceModel> model = fit_confidence(others);
    if (!model) return fail(model.error());
    for (std::size_t i = fold; i < captions.size(); i += folds) {
      probabilities[i] = confidence(*model, captions[i].features);
    }
  }
  return probabilities;
}

}  // namespace photoscribe
