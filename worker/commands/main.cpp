// photoscribe-worker: takes tasks from Redis and returns captions. Also `blur` and `check`.
#include <CLI/CLI.hpp>
#include <iostream>

#include "common/core/standard_output.h"
#include "worker/commands/blur_command.h"
#include "worker/commands/check_command.h"
#include "worker/commands/options.h"
#include "worker/commands/thumbnail_command.h"
#include "worker/commands/work_command.h"

namespace photoscribe {
namespace {

void declare_limits(CLI::App& verb, DecodeLimits& limits) {
  verb.add_option("--pixels-max", limits.pixels_max, "limits.pixels_max of the configuration")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  verb.add_option("--file-bytes-max", limits.file_bytes_max, "limits.file_bytes_max, likewise")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
}

constexpr int kUsageStatus = 2;

int run(int argc, char** argv) {
  CLI::App app("Captions the photos that a photoscribe run puts into Redis.", "photoscribe-worker");
  WorkerOptions options;
  declare_options(app, options);
  app.require_subcommand(0, 1);

  BlurCommand blur_command;
  CLI::App& blur = *app.add_subcommand("blur", "blur scores of single files, and nothing else");
  blur.add_option("files", blur_command.files, "photos")->type_name("FILE")->required();
  blur.add_flag("--json", blur_command.json, "one JSON object per file and line");
  const CLI::Option* const threshold =
      blur.add_option("--blur-threshold", blur_command.settings.blur_threshold,
                      "a score below it is blurred (default: 100; mode learned: 20)");
  std::string blur_mode(to_string(blur_command.settings.mode));
  blur.add_option("--blur-mode", blur_mode, "full, normalised, tile_max, edges or learned")
      ->capture_default_str()
      ->check(CLI::IsMember({"full", "normalised", "tile_max", "edges", "learned"}));

  declare_limits(blur, blur_command.limits);

  ThumbnailCommand thumbnail_command;
  std::string remote;
  bool thumbnail_server = false;
  CLI::App& thumbnails = *app.add_subcommand("thumbnails", "small JPEGs of photos, for pages");
  auto* const files =
      thumbnails.add_option("files", thumbnail_command.files, "photos")->type_name("FILE");
  auto* const output =
      thumbnails.add_option("-o,--output", thumbnail_command.output, "folder for 0.jpg, 1.jpg …")
          ->type_name("DIR");
  thumbnails
      .add_flag(
          "--stdin", thumbnail_server,
          "read \"SIDE PATH\" and a NUL from standard input, one after the other; answer with\n"
          "the number of bytes, a newline and the JPEG")
      ->excludes(files)
      ->excludes(output);
  thumbnails.add_option("--side", thumbnail_command.side_px, "pixels of the longer side")
      ->capture_default_str()
      ->check(CLI::Range(16, 1024));

  declare_limits(thumbnails, thumbnail_command.limits);
  thumbnails
      .add_option("--remote", remote,
                  "how photos are fetched from web servers, as `photoscribe` hands it on")
      ->type_name("JSON");

  bool check_json = false;
  std::string check_model;
  CLI::App& check = *app.add_subcommand("check", "what this machine can do for a worker");
  check.add_flag("--json", check_json, "for machines");
  check.add_option("--model", check_model, "the model's folder")->type_name("DIR");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsageStatus;
  }
  blur_command.settings.mode = *blur_mode_from_string(blur_mode);
  if (threshold->count() == 0)
    blur_command.settings.blur_threshold = default_blur_threshold(blur_command.settings.mode);
  if (blur.parsed()) return run_blur_command(blur_command, std::cout);
  if (!remote.empty()) {
    const auto settings = parse_remote_settings(remote);
    if (!settings) {
      std::cerr << "photoscribe-worker thumbnails: --remote: " << settings.error().message << "\n";
      return kUsageStatus;
    }
    thumbnail_command.remote = *settings;
  }
  if (thumbnails.parsed() && thumbnail_server)
    return run_thumbnail_server(thumbnail_command.limits, thumbnail_command.remote, std::cin,
                                std::cout);
  if (thumbnails.parsed()) {
    if (thumbnail_command.files.empty() || thumbnail_command.output.empty()) {
      std::cerr << "photoscribe-worker thumbnails: name photos and --output DIR, or --stdin\n";
      return kUsageStatus;
    }
    return run_thumbnail_command(thumbnail_command);
  }
  if (check.parsed()) return run_check_command(check_model, check_json, std::cout);
  return run_work_command(options);
}

}  // namespace
}  // namespace photoscribe

int main(int argc, char** argv) {
  photoscribe::open_standard_output();
  photoscribe::prepare_worker_process(argv);
  return photoscribe::close_standard_output("photoscribe-worker", photoscribe::run(argc, argv));
}
