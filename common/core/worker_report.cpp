#include "common/core/worker_report.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace photoscribe {
namespace {

using nlohmann::json;

constexpr std::size_t kReportMax = 64 * 1024, kTextMax = 1'000, kListMax = 1'000;

std::string text_of(const json& value) {
  std::string text = value.get<std::string>();
  if (text.size() > kTextMax) throw std::runtime_error("a text is too long");
  return text;
}

std::int64_t count_of(const json& value) {
  const auto number = value.get<std::int64_t>();
  if (!value.is_number_integer() || number < 0) throw std::runtime_error("a count is none");
  return number;
}

}  // namespace

std::string to_json(const WorkerReport& report) {
  const json object{{"name", report.name},
                    {"host", report.host},
                    {"pid", report.pid},
                    {"protocol_version", report.protocol_version},
                    {"preprocessing_version", report.preprocessing_version},
                    {"model_hash", report.model_hash},
                    {"model_name", report.model_name},
                    {"devices", report.devices},
                    {"roots", report.roots},
                    {"starting", report.starting},
                    {"not_ready", report.not_ready},
                    {"photos", report.photos},
                    {"cpu_s", report.cpu_s},
                    {"photos_per_s", report.photos_per_s}};
  return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

Expected<WorkerReport> parse_worker_report(std::string_view text) {
  if (text.size() > kReportMax) return fail(Errc::bad_payload, "worker report: too large");
  return guard(Errc::bad_payload, "worker report", [&] {
    const json object = json::parse(text);
    WorkerReport report;
    report.name = text_of(object.at("name"));
    report.host = text_of(object.at("host"));
    report.pid = count_of(object.at("pid"));
    report.protocol_version = object.at("protocol_version").get<int>();
    report.preprocessing_version = object.at("preprocessing_version").get<int>();
    report.model_hash = text_of(object.at("model_hash"));
    report.model_name = text_of(object.at("model_name"));
    const json& devices = object.at("devices");
    const json& roots = object.at("roots");
    if (!devices.is_array() || !roots.is_object() || devices.size() > kListMax ||
        roots.size() > kListMax) {
      throw std::runtime_error("devices or roots are none");
    }
    for (const json& one : devices) report.devices.push_back(text_of(one));
    for (const auto& [name, why] : roots.items()) report.roots[name] = text_of(why);
    report.starting = object.at("starting").get<bool>();
    report.not_ready = text_of(object.at("not_ready"));
    report.photos = count_of(object.at("photos"));
    report.cpu_s = std::max(0.0, object.value("cpu_s", 0.0));  // workers of before do not tell
    report.photos_per_s = object.at("photos_per_s").get<double>();
    return report;
  });
}

std::string to_line(const SeenWorker& worker) {
  return std::to_string(worker.age.count()) + " " + to_json(worker.report);
}

Expected<SeenWorker> parse_seen_worker(std::string_view line) {
  std::int64_t age = 0;
  const auto [stop, wrong] = std::from_chars(line.data(), line.data() + line.size(), age);
  if (wrong != std::errc{} || age < 0 || stop == line.data() + line.size() || *stop != ' ') {
    return fail(Errc::bad_payload, "worker report: has no age");
  }
  Expected<WorkerReport> report =
      parse_worker_report(line.substr(static_cast<std::size_t>(stop + 1 - line.data())));
  if (!report) return fail(report.error());
  return SeenWorker{std::move(*report), std::chrono::milliseconds(age)};
}

}  // namespace photoscribe
