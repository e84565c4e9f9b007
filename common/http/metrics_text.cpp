#include "common/http/metrics_text.h"

#include <array>
#include <charconv>

#include "common/core/resident_memory.h"
#include "common/text/utf8.h"

namespace photoscribe::http {
namespace {

constexpr std::array<std::string_view, 3> kTypes{"gauge", "counter", "histogram"};

/// The shortest text that reads as the same number; as other programs write it ("0.0005", not
/// "5e-04"), since the bound of a bucket is compared as text.
std::string number(double value) {
  std::array<char, 32> text{};
  char* const last = text.data() + text.size();
  const bool fraction = value > -1 && value < 1;
  const auto made = fraction ? std::to_chars(text.data(), last, value, std::chars_format::general)
                             : std::to_chars(text.data(), last, value);
  return {text.data(), made.ptr};
}

/// A label's value: \, " and newlines escaped.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : replaced(text)) {
    if (c == '\\' || c == '"') out += '\\';
    out += c == '\n' ? "\\n" : std::string(1, c);
  }
  return out;
}

}  // namespace

void MetricsText::family(std::string_view name, Type type, std::string_view help) {
  name_ = name;
  text_.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ");
  text_.append(name).append(" ").append(kTypes[static_cast<std::size_t>(type)]).append("\n");
}

void MetricsText::line(std::string_view suffix, Labels labels, std::string_view le, double value) {
  text_.append(name_).append(suffix);
  char before = '{';
  const auto add = [&](std::string_view name, std::string_view text) {
    text_.append(1, std::exchange(before, ',')).append(name).append("=\"");
    text_.append(escaped(text)).append("\"");
  };
  for (const auto& [name, text] : labels) add(name, text);
  if (!le.empty()) add("le", le);
  if (before == ',') text_ += '}';
  text_.append(" ").append(number(value)).append("\n");
}

void MetricsText::sample(Labels labels, double value) { line("", labels, "", value); }

void MetricsText::sample(Labels labels, const Histogram& histogram) {
  std::uint64_t below = 0;
  for (std::size_t i = 0; i <= histogram.bounds().size(); ++i) {
    below += histogram.bucket(i);
    const bool last = i == histogram.bounds().size();
    line("_bucket", labels, last ? "+Inf" : number(histogram.bounds()[i]),
         static_cast<double>(below));
  }
  line("_sum", labels, "", histogram.sum());
  line("_count", labels, "", static_cast<double>(below));
}

void MetricsText::add_process() {
  family("process_resident_memory_bytes", Type::gauge,
         "Bytes of the process that are in memory, mapped files included.");
  sample({}, static_cast<double>(resident_bytes()));
}

Answer metrics_answer(std::string text) {
  Answer answer;
  answer.type = "text/plain; version=0.0.4; charset=utf-8";
  answer.body = std::move(text);
  return answer;
}

}  // namespace photoscribe::http
