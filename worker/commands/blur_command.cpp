#include "worker/commands/blur_command.h"

#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>
#include <ostream>
#include <variant>

#include "common/core/standard_output.h"
#include "common/image/photo.h"
#include "common/text/base64.h"
#include "common/text/escape.h"
#include "common/text/utf8.h"
#include "worker/photo/named_photos.h"

namespace photoscribe {
namespace {

using Json = nlohmann::ordered_json;

struct NotMeasured {
  Reason reason = Reason::unreadable;
  std::string detail;
};
using Outcome = std::variant<Measured, NotMeasured>;

Outcome measure(const std::string& file, PhotosByName& photos, const BlurCommand& command) {
  const auto bytes = photos.read(file, command.limits.file_bytes_max);
  if (!bytes) return NotMeasured{bytes.error().reason, bytes.error().detail};
  auto measured = measure_photo(*bytes, command.settings, command.limits);
  if (!measured) return NotMeasured{measured.error().reason, measured.error().detail};
  return *measured;
}

void write_json(const std::string& file, const Outcome& outcome, const BlurSettings& settings,
                std::ostream& out) {
  Json line;
  line["file"] = replaced(file);
  if (!is_valid_utf8(file)) line["path_base64"] = base64(file);
  if (const auto* measured = std::get_if<Measured>(&outcome)) {
    const BlurScores& scores = measured->blur_scores;
    line["blur_score"] = scores.of(settings.mode);
    line["verdict"] = is_blurred(scores, settings) ? "blurred" : "clear";
    line["mode"] = to_string(settings.mode);
    for (const BlurMode mode : kBlurModes)
      line["scores"][std::string(to_string(mode))] = scores.of(mode);
    line["width"] = measured->width_px;
    line["height"] = measured->height_px;
    if (measured->preview) line["preview"] = true;
  } else {
    const auto& why = std::get<NotMeasured>(outcome);
    line["reason"] = to_string(why.reason);
    line["detail"] = replaced(why.detail);
  }
  out << line.dump() << '\n';
}

void write_text(const std::string& file, const Outcome& outcome, const BlurSettings& settings,
                std::ostream& out) {
  // A name that could break the line is quoted.
  const std::string quoted_name = log_value(file);
  const std::string name =
      quoted_name.size() == file.size() + 2 ? file : quoted_name;  // nothing was escaped
  if (const auto* measured = std::get_if<Measured>(&outcome)) {
    const BlurScores& scores = measured->blur_scores;
    out << fmt::format("{:12.3f}  {:7}  {}x{}  {}{}\n", scores.of(settings.mode),
                       is_blurred(scores, settings) ? "blurred" : "clear", measured->width_px,
                       measured->height_px, name,
                       measured->preview ? "  (the preview in a RAW file)" : "");
    return;
  }
  const auto& why = std::get<NotMeasured>(outcome);
  out << fmt::format("{:>12}  failed   {}  {} ({})\n", "-", to_string(why.reason), name,
                     replaced(why.detail));
}

}  // namespace

int run_blur_command(const BlurCommand& command, std::ostream& out) {
  // What a person names on the command line may lie anywhere.
  auto photos = PhotosByName::open();
  int status = 0;
  for (const auto& file : command.files) {
    const Outcome outcome = photos
                                ? measure(file, *photos, command)
                                : Outcome(NotMeasured{Reason::unreadable, photos.error().message});
    if (std::holds_alternative<NotMeasured>(outcome)) status = 1;
    if (command.json) {
      write_json(file, outcome, command.settings, out);
    } else {
      write_text(file, outcome, command.settings, out);
    }
    out.flush();
    if (standard_output_lost()) break;
  }
  return status;
}

}  // namespace photoscribe
