// report_fixture: a run with captioned, blurred, failed and pending photos, references for most,
// and real JPEGs behind all but one.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "ops/report/report.h"
#include "tests/common/image/make_images.h"
#include "tests/scheduler/store/store_fixture.h"

namespace photoscribe::test {

class ReportTest : public StoreTest {
 protected:
  static constexpr int kCaptioned = 12;

  void SetUp() override {
    StoreTest::SetUp();
    std::filesystem::create_directory(folder_.path() / "photos");
    std::vector<FoundFile> files;
    for (int i = 0; i < kCaptioned + 3; ++i) {
      const std::string name = name_of(i);
      files.push_back(file(name));
      const auto picture = testing::sharp_picture(64, 48, static_cast<std::uint32_t>(i + 1));
      const auto bytes = testing::encode_jpeg(picture);
      if (i != 3)
        folder_.write("photos/" + name,
                      {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    }
    Scan one = must(store().begin_scan(run(), {{"photos", folder_.file("photos")}}));
    must(one.add(files));
    must(one.finish({}, {}));
    std::vector<NamedReferences> references;
    for (int i = 0; i < kCaptioned + 1; ++i) references.push_back({name_of(i), references_of(i)});
    must(store().set_references(run(), references));
    must(store().set_references_file(run(), "captions.token.txt"));
    must(store().set_split_file(run(), "dev.txt"));
    finish(run());
  }

  static std::string name_of(int i) {
    return i == 0 ? "<b>&\"0.jpg" : "p" + std::to_string(i) + ".jpg";
  }
  static std::vector<std::string> references_of(int i) {
    const std::string n = std::to_string(i);
    return {"a dog number " + n + " runs on the green grass", "dog " + n + " is running fast"};
  }
  /// The even ones are right, the odd ones are not.
  static std::string caption_of(int i) {
    if (i == 0) return "a <script>alert(1)</script> dog";
    return i % 2 == 0 ? references_of(i)[0] : "two men sit at a table";
  }

  /// Captions 0 to 11; 12 is blurred, 13 failed, 14 pending.
  void finish(RunId of, const std::string& other_caption = "") {
    std::vector<Result> results;
    for (const Task& task : must(store().take_tasks(of, 100))) {
      const int i = task.path == name_of(0) ? 0 : std::stoi(task.path.substr(1));
      if (i == kCaptioned + 2) continue;
      if (i == kCaptioned) {
        results.push_back(blurred(task, 12.5));
      } else if (i == kCaptioned + 1) {
        results.push_back(failed(task, Reason::truncated, "ends early"));
      } else {
        results.push_back(
            captioned(task, other_caption.empty() ? caption_of(i) : other_caption, 200 + i));
        std::get<Captioned>(results.back().outcome).caption.log_prob = -1.0 - i;
      }
      results.back().finished_unix_ms = 1'700'000'000'000 + 1'000 * i;
    }
    must(store().record(of, incoming(std::move(results))));
  }

  report::Report report(std::size_t gallery_photos = 4) {
    report::ReportOptions options;
    options.database = database();
    options.model_card = "# Card\n<i>of the model</i>";
    options.resamples = 200;
    options.gallery_photos = gallery_photos;
    options.thumbnails = [](const std::vector<std::string>& names) {
      std::vector<std::string> pictures;
      for (const std::string& name : names) {
        std::ifstream in(name, std::ios::binary);  // as the worker's are: JPEG, or nothing
        pictures.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
      }
      return pictures;
    };
    return must(report::make_report(store(), run(), options));
  }
};

}  // namespace photoscribe::test
