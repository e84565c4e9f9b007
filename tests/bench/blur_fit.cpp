// Fits blur mode `learned` (common/image/blur_model.txt) to labelled photos, and judges it and the
// other modes on photos that a fit did not see.
//
//   build/release/bin/blur_fit MODEL WEIGHT:LABELS.csv:PHOTOS… [--repeats N] [--ridge R]
//                              [--evidence FILE]
//
// LABELS: file,label (blurred or clear) and, best, group: photos of one scene, or made from one
// photo. Every set counts by its WEIGHT, in it both kinds alike. Writes the model that is fitted to
// everything; prints, by set, the area under the ROC of five-fold cross-validation over groups,
// repeated with other folds, beside the other modes', and thresholds. --evidence writes what each
// photo is judged by, as CSV.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <map>
#include <numeric>
#include <opencv2/imgcodecs.hpp>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "common/core/spec.h"
#include "common/image/blur_score.h"

namespace {

using namespace photoscribe;         // NOLINT: a program of one file
using namespace photoscribe::image;  // NOLINT

constexpr std::size_t kTerms = 1 + kEvidences + kEvidences * (kEvidences + 1) / 2;
using Terms = std::array<double, kTerms>;

struct Photo {
  std::string file;
  std::size_t set = 0;
  bool clear = false;
  std::size_t group = 0;
  double weight = 0;
  BlurScores scores;
  BlurEvidence evidence{};
};

/// 1, the evidence made comparable, its squares and products: what clear_percent adds up.
Terms terms_of(const BlurModel& scale, const BlurEvidence& evidence) {
  Terms terms{1};
  std::size_t at = 1;
  BlurEvidence value{};
  for (std::size_t i = 0; i < kEvidences; ++i)
    terms[at++] = value[i] = comparable(scale, evidence, i);
  for (std::size_t i = 0; i < kEvidences; ++i)
    for (std::size_t j = 0; j <= i; ++j) terms[at++] = value[i] * value[j];
  return terms;
}

double dot(const Terms& a, const Terms& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

/// Solves a * x = b for a symmetric positive definite `a`, by Gauss.
Terms solve(std::vector<Terms> a, Terms b) {
  for (std::size_t i = 0; i < kTerms; ++i) {
    for (std::size_t row = i + 1; row < kTerms; ++row) {
      const double factor = a[row][i] / a[i][i];
      for (std::size_t k = i; k < kTerms; ++k) a[row][k] -= factor * a[i][k];
      b[row] -= factor * b[i];
    }
  }
  for (std::size_t i = kTerms; i-- > 0;) {
    for (std::size_t k = i + 1; k < kTerms; ++k) b[i] -= a[i][k] * b[k];
    b[i] /= a[i][i];
  }
  return b;
}

/// Logistic regression with a ridge, by Newton's method; of photos `used` says yes to.
template <class Used>
Terms fit(const std::vector<Photo>& photos, const std::vector<Terms>& terms, double ridge,
          Used used) {
  Terms weights{};
  for (int step = 0; step < 15; ++step) {
    Terms gradient{};
    std::vector<Terms> curvature(kTerms, Terms{});
    for (std::size_t k = 0; k < kTerms; ++k) {
      const double pull = k == 0 ? 1e-9 : ridge;
      gradient[k] = pull * weights[k];
      curvature[k][k] = pull;
    }
    for (std::size_t n = 0; n < photos.size(); ++n) {
      if (!used(photos[n])) continue;
      const double p = 1 / (1 + std::exp(-dot(weights, terms[n])));
      const double off = photos[n].weight * (p - (photos[n].clear ? 1 : 0));
      const double bend = photos[n].weight * p * (1 - p);
      for (std::size_t i = 0; i < kTerms; ++i) {
        gradient[i] += off * terms[n][i];
        for (std::size_t j = 0; j < kTerms; ++j)
          curvature[i][j] += bend * terms[n][i] * terms[n][j];
      }
    }
    const Terms change = solve(curvature, gradient);
    double largest = 0;
    for (std::size_t k = 0; k < kTerms; ++k) {
      weights[k] -= change[k];
      largest = std::max(largest, std::abs(change[k]));
    }
    if (largest < 1e-6) break;
  }
  return weights;
}

BlurModel scale_of(const std::vector<Photo>& photos) {
  BlurModel scale;
  double total = 0;
  for (const Photo& photo : photos) total += photo.weight;
  for (std::size_t i = 0; i < kEvidences; ++i) {
    double sum = 0, squares = 0;
    for (const Photo& photo : photos) sum += photo.weight * photo.evidence[i];
    scale.mean[i] = sum / total;
    for (const Photo& photo : photos)
      squares += photo.weight * std::pow(photo.evidence[i] - scale.mean[i], 2);
    scale.deviation[i] = std::sqrt(squares / total);
  }
  return scale;
}

/// The probability that a blurred photo scores below a clear one, of one set.
double area(const std::vector<Photo>& photos, const std::vector<double>& scores, std::size_t set) {
  std::vector<std::pair<double, bool>> one;
  for (std::size_t n = 0; n < photos.size(); ++n)
    if (photos[n].set == set) one.emplace_back(scores[n], photos[n].clear);
  std::sort(one.begin(), one.end());
  double below = 0, clear = 0, sum = 0;
  for (std::size_t i = 0; i < one.size();) {
    double blurred_here = 0, clear_here = 0;
    std::size_t end = i;
    for (; end < one.size() && one[end].first == one[i].first; ++end)
      (one[end].second ? clear_here : blurred_here) += 1;
    sum += clear_here * (below + blurred_here / 2);
    below += blurred_here;
    clear += clear_here;
    i = end;
  }
  return sum / (below * clear);
}

/// Shares of a set's photos of one kind that score below the threshold.
double share_below(const std::vector<Photo>& photos, const std::vector<double>& scores,
                   std::size_t set, bool clear, double threshold) {
  double all = 0, below = 0;
  for (std::size_t n = 0; n < photos.size(); ++n) {
    if (photos[n].set != set || photos[n].clear != clear) continue;
    all += 1;
    below += scores[n] < threshold ? 1 : 0;
  }
  return below / all;
}

void read_set(const std::string& labels, const std::string& folder, std::size_t set,
              std::map<std::string, std::size_t>& groups, std::vector<Photo>& photos) {
  std::ifstream in(labels);
  std::string line, word;
  std::vector<std::string> heading;
  const auto split = [&word](const std::string& text) {
    std::vector<std::string> words;
    std::istringstream stream(text);
    while (std::getline(stream, word, ',')) words.push_back(word);
    return words;
  };
  std::getline(in, line);
  heading = split(line);
  const auto column = static_cast<std::size_t>(std::find(heading.begin(), heading.end(), "group") -
                                               heading.begin());
  int nothing = 0;
  while (std::getline(in, line)) {
    const std::vector<std::string> words = split(line);
    if (words.size() < 2) continue;
    const cv::Mat gray = cv::imread(folder + "/" + words[0], cv::IMREAD_GRAYSCALE);
    if (gray.empty()) continue;
    BlurMeter meter({gray.cols, gray.rows}, {});
    for (int y = 0; y < gray.rows; ++y) meter.push(gray.ptr(y));
    const auto evidence = meter.evidence();
    if (!evidence) {
      ++nothing;
      continue;
    }
    const std::string stem = words[0].substr(0, words[0].rfind('.'));
    const std::string& group = column < words.size() ? words[column] : stem;
    photos.push_back({words[0], set, words[1] == "clear",
                      groups.try_emplace(group, groups.size()).first->second, 0, meter.scores(),
                      *evidence});
  }
  std::printf("%s: %zu photos so far; %d with nothing to see left out\n", labels.c_str(),
              photos.size(), nothing);
}

void set_weights(std::vector<Photo>& photos, const std::vector<double>& of_set) {
  std::map<std::pair<std::size_t, bool>, double> counts;
  for (const Photo& photo : photos) counts[{photo.set, photo.clear}] += 1;
  const double all = std::accumulate(of_set.begin(), of_set.end(), 0.0);
  for (Photo& photo : photos)
    photo.weight = static_cast<double>(photos.size()) * of_set[photo.set] / all / 2 /
                   counts[{photo.set, photo.clear}];
}

void write_model(const std::string& file, BlurModel model, const Terms& weights) {
  // The head of the file, which explains it, stays.
  std::string head, line;
  for (std::ifstream in(file); std::getline(in, line) && line.starts_with("#");)
    head += line + "\n";
  std::ofstream out(file);
  out << head << std::setprecision(6);
  const auto name = [](std::size_t i) { return to_string(static_cast<Evidence>(i)); };
  out << "bias " << weights[0] << "\n\n# name mean deviation weight\n";
  for (std::size_t i = 0; i < kEvidences; ++i)
    out << "evidence " << name(i) << ' ' << model.mean[i] << ' ' << model.deviation[i] << ' '
        << weights[1 + i] << '\n';
  out << "\n# name name weight\n";
  std::size_t at = 1 + kEvidences;
  for (std::size_t i = 0; i < kEvidences; ++i)
    for (std::size_t j = 0; j <= i; ++j)
      out << "product " << name(i) << ' ' << name(j) << ' ' << weights[at++] << '\n';
}

void write_evidence(const std::string& file, const std::vector<Photo>& photos) {
  std::ofstream out(file);
  out << std::setprecision(9) << "file,clear";
  for (std::size_t i = 0; i < kEvidences; ++i) out << ',' << to_string(static_cast<Evidence>(i));
  for (const Photo& photo : photos) {
    out << '\n' << photo.file << ',' << photo.clear;
    for (const double value : photo.evidence) out << ',' << value;
  }
  out << '\n';
}

struct Spread {
  double mean = 0, deviation = 0;
};

Spread spread_of(const std::vector<double>& values) {
  Spread spread;
  for (const double value : values) spread.mean += value / static_cast<double>(values.size());
  for (const double value : values)
    spread.deviation += std::pow(value - spread.mean, 2) / static_cast<double>(values.size());
  spread.deviation = std::sqrt(spread.deviation);
  return spread;
}

void report(const std::vector<Photo>& photos, const std::vector<std::vector<double>>& repeats,
            std::size_t sets) {
  std::vector<double> mean(photos.size());
  for (const auto& scores : repeats)
    for (std::size_t n = 0; n < photos.size(); ++n)
      mean[n] += scores[n] / static_cast<double>(repeats.size());
  for (std::size_t set = 0; set < sets; ++set) {
    std::printf("set %zu:", set);
    for (const BlurMode mode : kBlurModes) {
      if (mode == BlurMode::learned) continue;
      std::vector<double> scores;
      for (const Photo& photo : photos) scores.push_back(photo.scores.of(mode));
      std::printf(" %s %.4f", std::string(to_string(mode)).c_str(), area(photos, scores, set));
    }
    std::vector<double> areas;
    for (const auto& scores : repeats) areas.push_back(area(photos, scores, set));
    const Spread spread = spread_of(areas);
    std::printf(" | learned, cross-validated %.4f (deviation %.4f)\n", spread.mean,
                spread.deviation);
    for (const double threshold : {5.0, 10.0, 20.0, 30.0, 40.0, 50.0, 70.0})
      std::printf("  below %2.0f: %5.1f %% of the blurred, %4.1f %% of the clear\n", threshold,
                  100 * share_below(photos, mean, set, false, threshold),
                  100 * share_below(photos, mean, set, true, threshold));
  }
}

int run(const std::vector<std::string>& words) {
  std::vector<Photo> photos;
  std::vector<double> weights;
  std::map<std::string, std::size_t> groups;
  std::string evidence_file;
  int repeats = 10;
  double ridge = 10;
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (words[i] == "--repeats") {
      repeats = std::stoi(words.at(++i));
    } else if (words[i] == "--ridge") {
      ridge = std::stod(words.at(++i));
    } else if (words[i] == "--evidence") {
      evidence_file = words.at(++i);
    } else {
      const std::size_t first = words[i].find(':'), second = words[i].find(':', first + 1);
      read_set(words[i].substr(first + 1, second - first - 1), words[i].substr(second + 1),
               weights.size(), groups, photos);
      weights.push_back(std::stod(words[i].substr(0, first)));
    }
  }
  set_weights(photos, weights);
  if (!evidence_file.empty()) write_evidence(evidence_file, photos);
  const BlurModel scale = scale_of(photos);
  std::vector<Terms> terms;
  for (const Photo& photo : photos) terms.push_back(terms_of(scale, photo.evidence));
  constexpr std::size_t kFolds = 5;
  std::vector<std::vector<double>> judged;
  for (int repeat = 0; repeat < repeats; ++repeat) {
    std::vector<std::size_t> fold(groups.size());
    std::iota(fold.begin(), fold.end(), std::size_t{0});
    std::shuffle(fold.begin(), fold.end(), std::mt19937(static_cast<unsigned>(repeat)));
    std::vector<double>& scores = judged.emplace_back(photos.size());
    for (std::size_t out = 0; out < kFolds; ++out) {
      const auto is_out = [&](const Photo& photo) { return fold[photo.group] % kFolds == out; };
      const Terms w = fit(photos, terms, ridge, [&](const Photo& photo) { return !is_out(photo); });
      for (std::size_t n = 0; n < photos.size(); ++n)
        if (is_out(photos[n])) scores[n] = 100 / (1 + std::exp(-dot(w, terms[n])));
    }
  }
  report(photos, judged, weights.size());
  write_model(words[0], scale, fit(photos, terms, ridge, [](const Photo&) { return true; }));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() < 2) {
    std::cerr << "blur_fit MODEL WEIGHT:LABELS.csv:PHOTOS… [--repeats N] [--ridge R] "
                 "[--evidence FILE]\n";
    return 2;
  }
  return run(words);
}
