#include "common/scores/confidence_fit.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <map>
#include <numeric>
#include <string>
#include <utility>

namespace photoscribe {
namespace {

constexpr std::size_t kTerms = kConfidenceTerms.size() + 1;  // and the bias, first

using Vector = std::vector<double>;
using Matrix = std::vector<Vector>;

/// One caption's row of the regression: the bias and the standardised terms, then a 1 for each
/// object that it names, by their places.
struct Row {
  std::array<double, kTerms> terms{1};
  std::vector<std::size_t> objects;
};

struct Scale {
  std::array<double, kTerms> mean{}, deviation{};
};

Scale scale_of(std::span<const ConfidenceTerms> captions, std::span<const double> weights) {
  Scale scale;
  scale.deviation.fill(1);
  for (std::size_t k = 1; k < kTerms; ++k) {
    double sum = 0, squares = 0, count = 0;
    for (std::size_t i = 0; i < captions.size(); ++i) {
      const std::optional<double>& known = captions[i][k - 1];
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

/// The objects that concepts speak for, as far as these captions name them; offsets of 0.
ObjectOffsets known_objects(std::span<const JudgedCaption> captions) {
  ObjectOffsets known;
  for (const JudgedCaption& one : captions)
    for (const NamedObject& object : one.features.objects)
      if (object.probability > 0) known.emplace(object.name, 0);
  return known;
}

std::vector<Row> rows_of(std::span<const JudgedCaption> captions,
                         std::span<const ConfidenceTerms> terms, const Scale& scale,
                         const ObjectOffsets& objects) {
  std::vector<Row> rows(captions.size());
  for (std::size_t i = 0; i < captions.size(); ++i) {
    for (std::size_t k = 1; k < kTerms; ++k) {
      rows[i].terms[k] =
          (terms[i][k - 1].value_or(scale.mean[k]) - scale.mean[k]) / scale.deviation[k];
    }
    for (const NamedObject& object : captions[i].features.objects) {
      const auto found = objects.find(object.name);
      if (found == objects.end()) continue;
      rows[i].objects.push_back(kTerms +
                                static_cast<std::size_t>(std::distance(objects.begin(), found)));
    }
  }
  return rows;
}

/// Calls `with` with each place of a row that is not 0, and what is there.
template <class With>
void for_each_place(const Row& row, With with) {
  for (std::size_t k = 0; k < kTerms; ++k) with(k, row.terms[k]);
  for (const std::size_t k : row.objects) with(k, 1.0);
}

/// Solves a x = b for a symmetric positive definite a, by elimination.
Vector solve(Matrix a, Vector b) {
  const std::size_t size = b.size();
  for (std::size_t i = 0; i < size; ++i) {
    for (std::size_t row = i + 1; row < size; ++row) {
      const double factor = a[row][i] / a[i][i];
      if (factor == 0) continue;
      for (std::size_t column = i; column < size; ++column) {
        a[row][column] -= factor * a[i][column];
      }
      b[row] -= factor * b[i];
    }
  }
  for (std::size_t i = size; i-- > 0;) {
    for (std::size_t column = i + 1; column < size; ++column) b[i] -= a[i][column] * b[column];
    b[i] /= a[i][i];
  }
  return b;
}

/// The weights of `size` places, by Newton's method.
Vector newton(std::span<const Row> rows, std::span<const JudgedCaption> captions,
              std::span<const double> counts, std::size_t size) {
  constexpr double kRidge = 1e-3, kObjectRidge = 20;
  constexpr int kSteps = 50;
  const auto count = static_cast<double>(rows.size());
  Vector weights(size);
  for (int step = 0; step < kSteps; ++step) {
    Matrix curvature(size, Vector(size));
    Vector gradient(size);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      double odds = 0;
      for_each_place(rows[i], [&](std::size_t k, double x) { odds += weights[k] * x; });
      const double p = 1 / (1 + std::exp(-odds));
      const double miss = counts[i] * (p - (captions[i].good ? 1 : 0)) / count;
      const double slope = counts[i] * p * (1 - p) / count;
      for_each_place(rows[i], [&](std::size_t k, double x) {
        gradient[k] += miss * x;
        for_each_place(rows[i], [&](std::size_t j, double y) { curvature[k][j] += slope * x * y; });
      });
    }
    for (std::size_t k = 0; k < size; ++k) {
      const double ridge = k < kTerms ? kRidge : kObjectRidge / count;
      curvature[k][k] += ridge;
      gradient[k] += ridge * weights[k];
    }
    const Vector move = solve(std::move(curvature), std::move(gradient));
    double largest = 0;
    for (std::size_t k = 0; k < size; ++k) {
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
  ConfidenceModel model;
  model.objects = known_objects(captions);
  std::vector<ConfidenceTerms> terms;
  for (const JudgedCaption& one : captions)
    terms.push_back(confidence_terms(one.features, model.objects));
  const Scale scale = scale_of(terms, counts);
  const std::vector<Row> rows = rows_of(captions, terms, scale, model.objects);
  const Vector weights = newton(rows, captions, counts, kTerms + model.objects.size());
  model.bias = weights[0];
  for (std::size_t k = 1; k < kTerms; ++k) {
    model.weights[k - 1] = weights[k] / scale.deviation[k];
    model.means[k - 1] = scale.mean[k];
    model.bias -= model.weights[k - 1] * scale.mean[k];
  }
  std::size_t place = kTerms;
  for (auto& [name, offset] : model.objects) offset = weights[place++];
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
