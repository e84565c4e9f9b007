#include "ops/report/confidence_fit.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <string>

namespace photoscribe::report {
namespace {

constexpr std::size_t kTerms = std::tuple_size_v<ConfidenceFeatures> + 1;  // and the bias, first
using Terms = std::array<double, kTerms>;

struct Scale {
  Terms mean{}, deviation{};
};

Scale scale_of(std::span<const JudgedCaption> captions) {
  Scale scale;
  scale.deviation.fill(1);
  const auto count = static_cast<double>(captions.size());
  for (std::size_t k = 1; k < kTerms; ++k) {
    double sum = 0, squares = 0;
    for (const JudgedCaption& one : captions) {
      sum += one.features[k - 1];
      squares += one.features[k - 1] * one.features[k - 1];
    }
    scale.mean[k] = sum / count;
    const double variance = squares / count - scale.mean[k] * scale.mean[k];
    scale.deviation[k] = variance > 1e-12 ? std::sqrt(variance) : 1;
  }
  return scale;
}

Terms standardised(const ConfidenceFeatures& features, const Scale& scale) {
  Terms x{1};
  for (std::size_t k = 1; k < kTerms; ++k) {
    x[k] = (features[k - 1] - scale.mean[k]) / scale.deviation[k];
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

Terms newton(std::span<const JudgedCaption> captions, const Scale& scale) {
  constexpr double kRidge = 1e-3;
  constexpr int kSteps = 50;
  Terms weights{};
  for (int step = 0; step < kSteps; ++step) {
    std::array<Terms, kTerms> curvature{};
    Terms gradient{};
    for (const JudgedCaption& one : captions) {
      const Terms x = standardised(one.features, scale);
      double odds = 0;
      for (std::size_t k = 0; k < kTerms; ++k) odds += weights[k] * x[k];
      const double p = 1 / (1 + std::exp(-odds));
      for (std::size_t k = 0; k < kTerms; ++k) {
        gradient[k] += (p - (one.good ? 1 : 0)) * x[k];
        for (std::size_t j = 0; j < kTerms; ++j) curvature[k][j] += p * (1 - p) * x[k] * x[j];
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

double area_under_curve(std::span<const double> probabilities, const std::vector<bool>& good) {
  std::vector<std::size_t> order(probabilities.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return probabilities[a] < probabilities[b]; });
  double ranks_of_good = 0, goods = 0;
  for (std::size_t from = 0; from < order.size();) {  // ties share their mean rank
    std::size_t to = from;
    while (to < order.size() && probabilities[order[to]] == probabilities[order[from]]) ++to;
    const double rank = (static_cast<double>(from + to) + 1) / 2;
    for (std::size_t i = from; i < to; ++i) {
      if (!good[order[i]]) continue;
      ranks_of_good += rank;
      ++goods;
    }
    from = to;
  }
  const double bads = static_cast<double>(order.size()) - goods;
  if (goods == 0 || bads == 0) return 0.5;
  return (ranks_of_good - goods * (goods + 1) / 2) / (goods * bads);
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
  const Scale scale = scale_of(captions);
  const Terms weights = newton(captions, scale);
  ConfidenceModel model;
  model.bias = weights[0];
  for (std::size_t k = 1; k < kTerms; ++k) {
    model.weights[k - 1] = weights[k] / scale.deviation[k];
    model.bias -= model.weights[k - 1] * scale.mean[k];
  }
  return model;
}

Reliability reliability_of(std::span<const double> probabilities, const std::vector<bool>& good) {
  constexpr std::size_t kBins = 10;
  Reliability result;
  std::array<ReliabilityBin, kBins> bins{};
  for (std::size_t i = 0; i < probabilities.size(); ++i) {
    const double p = probabilities[i];
    const double truth = good[i] ? 1 : 0;
    auto& bin = bins[std::min(kBins - 1, static_cast<std::size_t>(p * kBins))];
    ++bin.captions;
    bin.predicted += p;
    bin.good += truth;
    result.brier += (p - truth) * (p - truth);
    result.share_good += truth;
  }
  result.captions = static_cast<std::int64_t>(probabilities.size());
  const auto count = static_cast<double>(std::max<std::size_t>(1, probabilities.size()));
  result.brier /= count;
  result.share_good /= count;
  for (ReliabilityBin& bin : bins) {
    if (bin.captions == 0) continue;
    const auto captions = static_cast<double>(bin.captions);
    bin.predicted /= captions;
    bin.good /= captions;
    result.ece += captions / count * std::abs(bin.predicted - bin.good);
    result.bins.push_back(bin);
  }
  result.auc = area_under_curve(probabilities, good);
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

}  // namespace photoscribe::report
