#include "common/core/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

namespace photoscribe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// A YAML file that is removed after the test.
class YamlFile {
 public:
  explicit YamlFile(const std::string& text) {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "photoscribe-config-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    std::ofstream(path()) << text;
  }
  ~YamlFile() { std::filesystem::remove_all(folder_); }
  YamlFile(const YamlFile&) = delete;
  YamlFile& operator=(const YamlFile&) = delete;
  [[nodiscard]] std::string path() const { return folder_ + "/photoscribe.yaml"; }

 private:
  std::string folder_;
};

std::string error_of(const std::string& yaml) {
  const YamlFile file(yaml);
  const auto loaded = load_config(file.path(), {}, {});
  if (loaded) return "no error";
  EXPECT_EQ(loaded.error().code, Errc::invalid_config);
  const std::string& message = loaded.error().message;
  return message.starts_with(file.path()) ? message.substr(file.path().size()) : message;
}

TEST(Config, TakesTheDefaultWhereNothingIsSaid) {
  const auto loaded = load_config("", {}, {});

  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->config, Config());
  EXPECT_TRUE(loaded->origins.empty());
}

TEST(Config, PutsFlagsAboveTheEnvironmentAboveTheFile) {
  const YamlFile file(
      "blur:\n  blur_threshold: 1\nlease:\n  max_deliveries: 7\nworker:\n  batch: 8\n");

  const auto loaded =
      load_config(file.path(), {"PHOTOSCRIBE_BLUR_THRESHOLD=2", "PHOTOSCRIBE_WORKER_BATCH=9"},
                  {{"blur.blur_threshold", "--blur-threshold", "3.5"}});

  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->config.settings.blur.blur_threshold, 3.5);
  EXPECT_EQ(loaded->config.worker.batch, 9);
  EXPECT_EQ(loaded->config.lease.max_deliveries, 7);
  EXPECT_EQ(loaded->origins.at("blur.blur_threshold"), "--blur-threshold");
  EXPECT_EQ(loaded->origins.at("worker.batch"), "PHOTOSCRIBE_WORKER_BATCH");
  EXPECT_EQ(loaded->origins.at("lease.max_deliveries"), file.path() + ":4");
}

TEST(Config, RefusesAnUnknownKeyWithItsLineAndTheNearestName) {
  EXPECT_EQ(error_of("blur:\n  mode: full\n  blur_treshold: 3\n"),
            ":3: unknown key blur.blur_treshold; did you mean blur.blur_threshold?");
  EXPECT_EQ(error_of("serch:\n  beam: 3\n"), ":1: unknown key serch; did you mean search?");
  EXPECT_EQ(error_of("colour_of_the_sky: blue\n"), ":1: unknown key colour_of_the_sky");
}

TEST(Config, ReadsSizesAsPeopleWriteThem) {
  const std::pair<const char*, std::optional<std::int64_t>> sizes[] = {
      {"none", std::nullopt},  {"3000000", 3'000'000}, {"7B", 7},
      {"512MiB", 512LL << 20}, {"2G", 2LL << 30},      {"1TiB", 1LL << 40},
  };
  for (const auto& [text, bytes] : sizes) {
    const auto loaded = load_config("", {}, {{"worker.memory_max", "--memory-max", text}});
    ASSERT_TRUE(loaded) << text;
    EXPECT_EQ(loaded->config.worker.memory_max, bytes) << text;
  }
  for (const char* text : {"", "much", "-1", "0", "2GB", "2Gi", "1.5G", "9000000T", "G"}) {
    EXPECT_FALSE(load_config("", {}, {{"worker.memory_max", "--memory-max", text}})) << text;
  }
}

TEST(Config, GivesModeLearnedItsOwnThreshold) {
  const ConfigFlag learned{"blur.mode", "--blur-mode", "learned"};
  const ConfigFlag threshold{"blur.blur_threshold", "--blur-threshold", "35"};

  EXPECT_EQ(load_config("", {}, {})->config.settings.blur.blur_threshold, 100);
  EXPECT_EQ(load_config("", {}, {learned})->config.settings.blur.blur_threshold, 20);
  EXPECT_EQ(load_config("", {}, {learned, threshold})->config.settings.blur.blur_threshold, 35);
}

TEST(Config, NamesFieldAndLineOfABadValue) {
  const std::pair<const char*, const char*> cases[] = {
      {"blur:\n  tile_px: 7\n", ":2: blur.tile_px: 7 is below 16"},
      {"blur:\n  tile_px: seven\n", ":2: blur.tile_px: \"seven\" is not a whole number"},
      {"blur:\n  blur_threshold: nan\n", ":2: blur.blur_threshold: nan is below 0"},
      {"search:\n  beam: 65\n",
       ":2: search.beam: 65 is above 64, or \"model\" for the model's own"},
      {"queue:\n  window: 99999999999999999999\n",
       ":2: queue.window: 99999999999999999999 is out of range"},
      {"blur:\n  mode: half\n",
       ":2: blur.mode: blur mode \"half\": choose full, normalised, tile_max, edges or learned"},
      {"blur:\n  tile_px: [7]\n", ":2: blur.tile_px: a single value is expected here"},
      {"blur:\n  tile_px: 32\n  tile_px: 64\n", ":3: blur.tile_px is set a second time"},
      {"blur: 7\n", ":1: blur must hold `name: value` lines"},
      {"- blur\n", ":1: the file must hold `name: value` lines"},
  };
  for (const auto& [yaml, message] : cases) EXPECT_EQ(error_of(yaml), message) << yaml;
}

TEST(Config, KnowsHowDevicesAreWritten) {
  for (const char* good : {"auto", "cpu", "cuda", "cuda:0,cuda:12"}) {
    EXPECT_EQ(error_of("worker:\n  devices: \"" + std::string(good) + "\"\n"), "no error");
  }
  EXPECT_THAT(error_of("worker:\n  devices: banana\n"), HasSubstr("'banana' is not a device"));
}

TEST(Config, SaysWhereAFileIsNoYaml) {
  EXPECT_THAT(error_of("blur:\n  mode: [full\n"), HasSubstr("not YAML"));
  EXPECT_THAT(load_config("/nonexistent/photoscribe.yaml", {}, {}).error().message,
              HasSubstr("/nonexistent/photoscribe.yaml"));
}

TEST(Config, EndsWithOneLineWhateverTheFileIs) {
  std::string bomb = "database: &a0 [x, x, x]\n", deep(200'000, '[');
  for (int i = 1; i < 40; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    bomb +=
        "k" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last + ", " + last + "]\n";
  }
  for (const std::string& text : {bomb, deep, "a: " + deep, std::string(5 << 20, 'x')}) {
    const std::string error = error_of(text);
    EXPECT_NE(error, "no error");
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
  }
  for (const auto& [file, what] :
       {std::pair("/", "is a folder"), std::pair("/dev/zero", "is no file")})
    EXPECT_EQ(load_config(file, {}, {}).error().message, std::string(file) + ": " + what);
}

TEST(Config, EndsWithOneLineWhateverTheEnvironmentSays) {
  for (const char* value :
       {"", "nan", "-nan", "inf", "1e999", "0x", "1 2", "\xff\xfe", "99999999999999999999"}) {
    const auto loaded = load_config("",
                                    {"PHOTOSCRIBE_BLUR_THRESHOLD=" + std::string(value),
                                     "PHOTOSCRIBE_LIMITS_PIXELS_MAX=" + std::string(value)},
                                    {});
    ASSERT_FALSE(loaded) << value;
    EXPECT_EQ(loaded.error().code, Errc::invalid_config);
    EXPECT_EQ(loaded.error().message.find('\n'), std::string::npos) << loaded.error().message;
  }
}

TEST(Config, ReadsAnEmptyFileAndEmptySectionsAsNothing) {
  const YamlFile file("# nothing\nblur:\n");

  const auto loaded = load_config(file.path(), {}, {});

  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->config, Config());
}

TEST(Config, RefusesSettingsThatContradictEachOther) {
  EXPECT_THAT(error_of("lease:\n  lease_ms: 1000\n  beat_ms: 900\n"), HasSubstr("lease.beat_ms"));
}

TEST(Config, BlamesTheVariableAndTheFlag) {
  const auto variable = load_config("", {"PHOTOSCRIBE_SEARCH_BEAM=many"}, {});
  const auto flag = load_config("", {}, {{"search.beam", "--beam", "0"}});

  EXPECT_THAT(variable.error().message, HasSubstr("PHOTOSCRIBE_SEARCH_BEAM: \"many\""));
  EXPECT_EQ(variable.error().code, Errc::invalid_config);
  EXPECT_THAT(flag.error().message, HasSubstr("--beam: 0 is below 1"));
  EXPECT_EQ(flag.error().code, Errc::usage);
}

TEST(Config, WarnsOfVariablesThatNothingReads) {
  const auto loaded = load_config(
      "", {"PHOTOSCRIBE_BLUR_TRESHOLD=3", "PHOTOSCRIBE_REDIS_PASSWORD=s", "HOME=/root"}, {});

  ASSERT_TRUE(loaded);
  EXPECT_THAT(loaded->warnings,
              ElementsAre("environment: nothing reads PHOTOSCRIBE_BLUR_TRESHOLD; did you mean "
                          "PHOTOSCRIBE_BLUR_THRESHOLD?"));
}

TEST(Config, RefusesAPasswordInAnAddressAndDoesNotRepeatIt) {
  for (const std::string url :
       {"redis://:hunter2@host", "rediss://me:hunter2@host:6380/0", "http://me:hunter2@host"}) {
    const auto loaded = load_config("", {}, {{"redis.url", "--redis", url}});

    ASSERT_FALSE(loaded) << url;
    EXPECT_EQ(loaded.error().code, Errc::usage);
    EXPECT_THAT(loaded.error().message, testing::Not(HasSubstr("hunter2")));
  }
  for (const std::string url :
       {"redis://host:6379", "rediss://me@host", "unix:/run/redis.sock", ""}) {
    EXPECT_TRUE(load_config("", {}, {{"redis.url", "--redis", url}})) << url;
  }
}

TEST(Config, NamesEnvironmentVariablesAfterTheirKeys) {
  EXPECT_EQ(environment_name("model"), "PHOTOSCRIBE_MODEL");
  EXPECT_EQ(environment_name("blur.blur_threshold"), "PHOTOSCRIBE_BLUR_THRESHOLD");
  EXPECT_EQ(environment_name("blur.tile_px"), "PHOTOSCRIBE_BLUR_TILE_PX");
  EXPECT_EQ(environment_name("redis.password_file"), "PHOTOSCRIBE_REDIS_PASSWORD_FILE");

  std::set<std::string> names;
  for (const std::string& key : config_keys()) names.insert(environment_name(key));
  EXPECT_EQ(names.size(), config_keys().size()) << "two keys share a variable";
}

TEST(Config, ReadsBackWhatItWrites) {
  const auto loaded = load_config(
      "", {"PHOTOSCRIBE_DATABASE=a \"b\" #c: é.db"},
      {{"search.beam", "--beam", "5"}, {"blur.blur_threshold", "--blur-threshold", "0.1"}});
  ASSERT_TRUE(loaded);
  const YamlFile file(to_yaml(*loaded));

  const auto again = load_config(file.path(), {}, {});

  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->config, loaded->config);
}

TEST(Config, ShipsASampleFileThatIsItsOwnOutput) {
  std::ifstream file(PHOTOSCRIBE_SOURCE_DIR "/ops/config/photoscribe.yaml");
  std::ostringstream text;
  text << file.rdbuf();

  EXPECT_EQ(text.str(), to_yaml(*load_config("", {}, {})))
      << "write it anew: env -i photoscribe config show > ops/config/photoscribe.yaml";
}

TEST(Config, LetsTheModelDecideWhatIsNotOverridden) {
  ModelFolder model;
  model.hash = std::string(64, 'c');
  model.search = {.beam = 4, .length_alpha = 0.5, .tokens_max = 30};
  model.confidence = ConfidenceModel{.min = 0.25};
  const auto settings = [&](const std::vector<ConfigFlag>& flags) {
    return settings_for(load_config("", {}, flags)->config, model, "fast");
  };
  const ConfigFlag beam{"search.beam", "--beam", "1"}, again{"search.beam", "--beam", "model"};
  const ConfigFlag sure{"confidence.min", "--min-confidence", "0"};

  const RunSettings got = settings({beam});

  EXPECT_EQ(got.search, (SearchSettings{.beam = 1, .length_alpha = 0.5, .tokens_max = 30}));
  EXPECT_EQ(got.model_hash, model.hash);
  EXPECT_EQ(got.model_name, "fast");
  EXPECT_EQ(got.confidence, model.confidence);
  EXPECT_EQ(got.min_confidence, 0.25);
  EXPECT_EQ(settings({beam, again}).search, model.search);
  EXPECT_EQ(settings({sure}).min_confidence, 0);
}

}  // namespace
}  // namespace photoscribe
