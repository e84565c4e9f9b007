#include "ops/cli/score/confidence_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "common/core/model_folder.h"
#include "common/text/human_numbers.h"
#include "common/text/safe_text.h"
#include "ops/report/tables.h"

namespace photoscribe::cli {
namespace {

DomainFit judged(std::string name, std::span<const double> probabilities,
                 const std::vector<bool>& good, std::span<const double> min_confidences,
                 std::span<const double> weights = {}) {
  return {std::move(name), reliability_of(probabilities, good, weights),
          shown_at(probabilities, good, min_confidences, weights)};
}

std::string reliability_text(const Reliability& r) {
  std::string out = fmt::format(
      "  area under the ROC curve {:.3f}, Brier score {:.4f} (constant guess {:.4f}), "
      "calibration error {:.4f}\n\n",
      r.auc, r.brier, r.share_good * (1 - r.share_good), r.ece);
  out += "  predicted  right     captions\n";
  for (const ReliabilityBin& bin : r.bins) {
    out += fmt::format("  {:8.1f} %  {:5.1f} %  {}\n", 100 * bin.predicted, 100 * bin.good,
                       grouped(bin.captions));
  }
  return out + "\n";
}

/// Precision among the captions shown against the share shown, one line per minimum confidence.
std::string shown_text(const FittedConfidence& fitted) {
  std::vector<const DomainFit*> columns{&fitted.all};
  if (fitted.domains.size() > 1) {
    for (const DomainFit& one : fitted.domains) columns.push_back(&one);
  }
  std::string out =
      "  right among the captions shown (and the share that is "
      "shown)\n  from    ";
  for (const DomainFit* one : columns) out += fmt::format("  {:20}", cut_end(shown(one->name), 20));
  out += "\n";
  for (std::size_t i = 0; i < fitted.min_confidences.size(); ++i) {
    const double min = fitted.min_confidences[i];
    out += fmt::format("  {:.4f}{} ", min, fitted.min == min ? "*" : " ");
    for (const DomainFit* one : columns) {
      out += fmt::format("  {:5.1f} % ({:5.1f} %)   ", 100 * one->shown[i].precision,
                         100 * one->shown[i].share);
    }
    out += "\n";
  }
  return out;
}

nlohmann::json domain_json(const DomainFit& one) {
  nlohmann::json object = report::to_json(one.held_out);
  object["name"] = replaced(one.name);
  object["shown"] = nlohmann::json::array();
  for (const ShownPoint& point : one.shown) {
    object["shown"].push_back({{"min_confidence", point.min_confidence},
                               {"share", point.share},
                               {"precision", point.precision}});
  }
  return object;
}

}  // namespace

std::vector<std::string> labels_of(const std::vector<DomainName>& domains) {
  std::set<std::string> databases, runs, roots;
  for (const DomainName& one : domains) {
    databases.insert(one.database);
    runs.insert(one.run);
    roots.insert(one.root);
  }
  std::vector<std::string> labels;
  for (const DomainName& one : domains) {
    std::string label = databases.size() > 1 ? one.database : "";
    const auto add = [&label](const std::set<std::string>& all, const std::string& part) {
      if (all.size() > 1) label += (label.empty() ? "" : "/") + part;
    };
    add(runs, one.run);
    add(roots, one.root);
    labels.push_back(label.empty() ? one.database : label);
  }
  return labels;
}

FittedConfidence fitted_confidence(const ConfidenceModel& model,
                                   std::span<const JudgedCaption> captions,
                                   std::span<const double> held_out,
                                   const std::vector<std::string>& domains,
                                   double target_precision) {
  FittedConfidence fitted;
  fitted.model = model;
  fitted.target_precision = target_precision;
  std::vector<bool> good;
  for (const JudgedCaption& one : captions) good.push_back(one.good);
  const std::vector<double> weights = domain_weights(captions);
  fitted.min = min_for_precision(held_out, good, target_precision, weights);
  if (fitted.min) {
    fitted.min = std::floor(*fitted.min * 1e4) / 1e4;  // as it is written
    fitted.model.min = *fitted.min;
  }
  std::set<double> mins{0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9};
  if (fitted.min) mins.insert(*fitted.min);
  fitted.min_confidences.assign(mins.begin(), mins.end());
  fitted.all = judged("all alike", held_out, good, fitted.min_confidences, weights);
  for (std::size_t domain = 0; domain < domains.size(); ++domain) {
    std::vector<double> of_domain;
    std::vector<bool> good_there;
    for (std::size_t i = 0; i < captions.size(); ++i) {
      if (captions[i].domain != domain) continue;
      of_domain.push_back(held_out[i]);
      good_there.push_back(good[i]);
    }
    fitted.domains.push_back(
        judged(domains[domain], of_domain, good_there, fitted.min_confidences));
  }
  return fitted;
}

std::string confidence_text(const FittedConfidence& fitted) {
  const Reliability& r = fitted.all.held_out;
  return fmt::format(
      "{} captions of {}, {:.1f} % of them right. On captions that the fit did not see:\n"
      "{}{}  {} {:g} % of them {}right\n\n{}",
      grouped(r.captions), counted(std::ssize(fitted.domains), "domain"), 100 * r.share_good,
      reliability_text(r), shown_text(fitted),
      fitted.min ? "* the lowest at which" : "no minimum confidence makes",
      100 * fitted.target_precision, fitted.min ? "are " : "", to_yaml(fitted.model));
}

std::string confidence_json(const FittedConfidence& fitted) {
  nlohmann::json object = domain_json(fitted.all);
  object.erase("name");
  object["bias"] = fitted.model.bias;
  for (std::size_t i = 0; i < kConfidenceTerms.size(); ++i) {
    object["weights"][std::string(kConfidenceTerms[i])] = fitted.model.weights[i];
    object["means"][std::string(kConfidenceTerms[i])] = fitted.model.means[i];
  }
  object["objects"] = fitted.model.objects;
  object["target_precision"] = fitted.target_precision;
  object["min"] = fitted.min ? nlohmann::json(*fitted.min) : nlohmann::json();
  object["domains"] = nlohmann::json::array();
  for (const DomainFit& one : fitted.domains) object["domains"].push_back(domain_json(one));
  return object.dump() + "\n";
}

}  // namespace photoscribe::cli
