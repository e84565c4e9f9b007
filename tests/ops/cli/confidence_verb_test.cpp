// The verb `confidence`, as a process, on databases made through Store.
#include <gmock/gmock.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "common/core/model_folder.h"
#include "tests/ops/cli/program.h"
#include "tests/scheduler/store/store_fixture.h"

namespace photoscribe::cli {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class ConfidenceVerb : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(folder_.path() / "model");
    folder_.write("model/model.yaml",
                  "name: one\n" + to_yaml(ModelArchitecture(), SearchSettings()));
    folder_.write("model/vocab.txt", "a\nb\n");
    folder_.write("model/weights.safetensors", "bytes");
    hash_ = test::must(read_model_folder(folder_.file("model"))).hash;
  }

  /// Captions about a dog; in `share_wrong` of them there is none. Beams agree on the right ones.
  std::string database(const std::string& name, int photos, double share_wrong) {
    const std::string path = folder_.file(name);
    Store store = test::must(Store::open_writer(path));
    RunSettings settings = test::settings();
    settings.model_hash = hash_;
    const RunId run = test::must(store.ensure_run("default", settings)).run.id;
    std::vector<FoundFile> files;
    std::vector<NamedReferences> references;
    const auto wrong = [&](std::int64_t i) {
      return static_cast<double>(i) < share_wrong * photos;
    };
    for (int i = 0; i < photos; ++i) {
      files.push_back(test::file(std::to_string(i) + ".jpg"));
      references.push_back({files.back().path, {wrong(i) ? "a boat on the sea" : "a dog runs"}});
    }
    Scan scan = test::must(store.begin_scan(run, {{"images", "/archive/images"}}));
    test::must(scan.add(files));
    test::must(scan.finish({}, {}));
    test::must(store.set_references(run, references));
    std::vector<Result> results;
    for (const Task& task : test::must(store.take_tasks(run, 10'000))) {
      const int i = std::stoi(task.path);
      results.push_back(test::captioned(task, "a dog"));
      const double noise = (i * 37 % 100) / 400.0;
      std::get<Captioned>(results.back().outcome).caption.evidence =
          CaptionEvidence{-2, wrong(i) ? 0.2 + noise : 0.6 + noise, 1, 0, 0};
      std::get<Captioned>(results.back().outcome).caption.concepts = concepts_;
    }
    test::must(store.record(run, test::incoming(results)));
    return path;
  }

  test::TempDir folder_;
  std::string hash_;
  std::vector<Concept> concepts_;  // of every photo
};

TEST_F(ConfidenceVerb, FitsOnSeveralDatabasesAndWritesTheLeastConfidence) {
  const std::string flickr = database("flickr.db", 200, 0.2), coco = database("coco.db", 60, 0.6);

  const ChildOutput output =
      photoscribe({"confidence", flickr, coco, "--write", folder_.file("model"), "--json"});

  ASSERT_EQ(output.exit_status, 0) << output.err;
  const json summary = json::parse(output.out);
  EXPECT_EQ(summary["captions"], 260);
  EXPECT_NEAR(summary["share_good"].get<double>(), 0.6, 1e-9) << "each domain counts alike";
  EXPECT_GT(summary["auc"].get<double>(), 0.99);
  EXPECT_GT(summary["weights"]["beam_agreement"].get<double>(), 0);
  EXPECT_EQ(summary["domains"][1]["name"], "coco");
  const auto written = test::must(read_model_folder(folder_.file("model"))).confidence;
  ASSERT_TRUE(written);
  EXPECT_NEAR(written->min, summary["min"].get<double>(), 1e-9);
  EXPECT_GT(written->min, 0);

  const ChildOutput all = photoscribe({"confidence", flickr, coco, "--target-precision", "0.55"});
  EXPECT_THAT(all.out, HasSubstr("260 captions of 2 domains, 60.0 % of them right"));
  EXPECT_THAT(all.out, HasSubstr("  min: 0  #"));
}

/// What the classifier of concepts thinks of them counts, and each has an offset.
TEST_F(ConfidenceVerb, KnowsTheObjectsThatConceptsSpeakFor) {
  const std::string silent = database("silent.db", 200, 0.4);
  concepts_ = {{"dog", 0.75F}, {"grass", 0.5F}};
  const std::string flickr = database("flickr.db", 200, 0.4);

  const ChildOutput output =
      photoscribe({"confidence", flickr, "--write", folder_.file("model"), "--json"});

  ASSERT_EQ(output.exit_status, 0) << output.err;
  const json summary = json::parse(output.out);
  ASSERT_TRUE(summary["objects"].contains("dog")) << summary;
  EXPECT_EQ(summary["objects"].size(), 1U) << "grass is not named";
  EXPECT_NEAR(summary["means"]["object_log_odds"].get<double>(), std::log(3.0), 1e-3);
  const auto written = test::must(read_model_folder(folder_.file("model"))).confidence;
  ASSERT_TRUE(written);
  EXPECT_TRUE(written->objects.contains("dog"));
  const json none = json::parse(photoscribe({"confidence", silent, "--json"}).out);
  EXPECT_TRUE(none.value("objects", json::object()).empty()) << none;
}

TEST_F(ConfidenceVerb, RefusesAnotherModelAndADatabaseThatIsNotThere) {
  const std::string flickr = database("flickr.db", 200, 0.2);
  hash_ = std::string(64, 'f');
  const std::string foreign = database("foreign.db", 60, 0.5);

  const ChildOutput mixed = photoscribe({"confidence", flickr, foreign});
  EXPECT_EQ(mixed.exit_status, 2);
  EXPECT_THAT(mixed.err, HasSubstr("one model is fitted at a time"));
  const ChildOutput other = photoscribe({"confidence", foreign, "--write", folder_.file("model")});
  EXPECT_EQ(other.exit_status, 2);
  EXPECT_THAT(other.err, HasSubstr("is not the model of these runs"));
  const ChildOutput gone = photoscribe({"confidence", folder_.file("nowhere.db")});
  EXPECT_EQ(gone.exit_status, 2);
  EXPECT_THAT(gone.err, HasSubstr("no such database"));
}

}  // namespace
}  // namespace photoscribe::cli
