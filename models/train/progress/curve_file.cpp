#include "models/train/progress/curve_file.h"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "common/core/output_file.h"

namespace photoscribe {
namespace {

constexpr const char* kHeading =
    "stage,epoch,step,rate,loss,bleu1,bleu2,bleu3,bleu4,seconds,cider\n";

/// Names may hold bytes that are not UTF-8.
std::string line_of(const nlohmann::json& object) {
  return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + '\n';
}

Status write(const std::string& path, const std::string& text) {
  return write_output(path, text, OutputFile::Unfinished::is_reused);
}

}  // namespace

std::string begin_curve(const std::string& before) {
  if (before.starts_with(kHeading)) return before;
  std::string text = kHeading;
  std::istringstream lines(before);
  std::string line;
  std::getline(lines, line);  // its heading: no cider
  while (std::getline(lines, line)) text += line + ",\n";
  return text;
}

std::string curve_line(const Progress& p, const ScoredStep& at) {
  const SplitScore& score = at.score;
  return fmt::format("{},{},{},{:.3g},{:.4f},{:.4f},{:.4f},{:.4f},{:.4f},{:.0f},{:.4f}\n",
                     to_string(p.stage), at.epoch, p.step, at.rate, at.loss, score.bleu[0],
                     score.bleu[1], score.bleu[2], score.bleu[3], p.seconds, score.cider);
}

Status write_curve(const std::string& work, const Progress& progress,
                   const std::vector<std::string>& names,
                   const std::vector<std::string>& captions) {
  std::error_code failed;
  std::filesystem::create_directories(work + "/captions", failed);
  if (failed) return fail(Errc::environment, work + "/captions: " + failed.message());
  std::string lines;
  for (std::size_t i = 0; i < names.size(); ++i)
    lines += line_of({{"id", names[i]}, {"caption", captions[i]}});
  const std::string file = work + "/captions/" + to_string(progress.stage) + "-" +
                           std::to_string(progress.step) + ".jsonl";
  if (Status s = write(file, lines); !s) return s;
  return write(work + "/curve.csv", progress.curve);
}

Status write_references(const std::string& work, const std::vector<CaptionedPhoto>& dev) {
  std::string lines;
  for (const CaptionedPhoto& photo : dev) {
    nlohmann::json captions = nlohmann::json::array();
    for (const Tokens& words : photo.captions) {
      std::string text;
      for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
      captions.push_back(text);
    }
    lines += line_of({{"id", photo.name}, {"captions", captions}});
  }
  return write(work + "/references.jsonl", lines);
}

void clear_captions(const std::string& work) {
  std::error_code ignored;
  std::filesystem::remove_all(work + "/captions", ignored);
}

}  // namespace photoscribe
