// metrics_text: numbers in Prometheus' text format (0.0.4), for every /metrics of ours.
//
// Not prometheus-cpp: its registry takes a lock and looks labels up for each number that changes,
// and holds what the archive, the scheduler and the worker own already; what is left of it, the
// text, is this file. The format: prometheus.io/docs/instrumenting/exposition_formats.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "common/core/counters.h"
#include "common/http/http_message.h"

namespace photoscribe::http {

class MetricsText {
 public:
  using Label = std::pair<std::string_view, std::string_view>;
  using Labels = std::initializer_list<Label>;
  enum class Type { gauge, counter, histogram };

  /// Begins a family: the samples that follow are of it. A name comes once, with its unit, and
  /// `_total` for a counter; `help` is one line.
  void family(std::string_view name, Type type, std::string_view help);
  /// Values of labels are any text.
  void sample(Labels labels, double value);
  void sample(Labels labels, const Counter& counter) {
    sample(labels, static_cast<double>(counter.value()));
  }
  /// Buckets, sum and count, of a histogram's family.
  void sample(Labels labels, const Histogram& histogram);

  /// What every program tells of itself: its memory.
  void add_process();

  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  void line(std::string_view suffix, Labels labels, std::string_view le, double value);

  std::string name_, text_;
};

[[nodiscard]] Answer metrics_answer(std::string text);

}  // namespace photoscribe::http
