// The part of a model's folder that needs no LibTorch.
#include "common/core/model_folder.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/support/temp_dir.h"

namespace photoscribe {
namespace {

using testing::HasSubstr;
using testing::Not;

class ModelFolderFile : public testing::Test {
 protected:
  void SetUp() override {
    folder_.write("model.yaml", "# made by hand\nname: small\n" +
                                    to_yaml(ModelArchitecture(), SearchSettings()) +
                                    "training:\n  note: 'keeps its text'\n");
    folder_.write("vocab.txt", "a\nb\n");
    folder_.write("weights.safetensors", "bytes");
  }
  [[nodiscard]] std::string yaml() const {
    std::ifstream in(folder_.file("model.yaml"));
    return {std::istreambuf_iterator<char>(in), {}};
  }
  test::TempDir folder_;
};

TEST_F(ModelFolderFile, TakesAConfidenceAndKeepsTheRestAndTheHash) {
  const std::string folder = folder_.path().string();
  const auto before = read_model_folder(folder);
  ASSERT_TRUE(before) << before.error().message;
  EXPECT_EQ(before->confidence, std::nullopt);

  for (const double bias : {1.25, -3.5}) {
    const ConfidenceModel fitted{
        bias, {0.5, -0.0625, 2, 1, 3, 5, 7, 9}, {-2.5, 9, 3, -4, 0.5, -1, 0.25, 1.5}, 0.625};
    ASSERT_TRUE(write_confidence(folder, fitted));
    const auto after = read_model_folder(folder);
    ASSERT_TRUE(after) << after.error().message;
    EXPECT_EQ(after->confidence, fitted);
    EXPECT_EQ(after->hash, before->hash);
  }

  EXPECT_THAT(yaml(), HasSubstr("# made by hand\n"));
  EXPECT_THAT(yaml(), HasSubstr("  note: 'keeps its text'\n"));
  EXPECT_THAT(yaml(), Not(HasSubstr("bias: 1.25")));
}

TEST_F(ModelFolderFile, SaysTheGridThatTheDecoderLooksAtWhereItIsNotTheEncoders) {
  const std::string folder = folder_.path().string();
  ModelArchitecture pooled;
  EXPECT_THAT(to_yaml(pooled, SearchSettings()), Not(HasSubstr("grid_side")));
  const std::string plain = read_model_folder(folder)->hash;
  pooled.grid_side = 14;
  folder_.write("model.yaml", "name: pooled\n" + to_yaml(pooled, SearchSettings()));
  const auto read = read_model_folder(folder);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->architecture, pooled);
  EXPECT_NE(read->hash, plain);
  pooled.grid_side = 65;
  folder_.write("model.yaml", "name: pooled\n" + to_yaml(pooled, SearchSettings()));
  EXPECT_THAT(read_model_folder(folder).error().message, HasSubstr("architecture.grid_side"));
}

TEST_F(ModelFolderFile, SaysFromWhichProbabilityOnConceptsAreNamedWhereTheyAre) {
  const std::string folder = folder_.path().string();
  folder_.write("concepts.txt", "dog\n");
  ModelArchitecture made;
  made.concepts = made.concept_slots = 1;
  const auto hash_with = [&](double said_min) {
    made.concept_said_min = said_min;
    folder_.write("model.yaml", "name: one\n" + to_yaml(made, SearchSettings()));
    const auto read = read_model_folder(folder);
    EXPECT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->architecture, made);
    return read->hash;
  };
  // Off, a folder is what it was before there was this setting; on, its captions are others.
  const std::string off = hash_with(0);
  EXPECT_THAT(yaml(), Not(HasSubstr("concept_said_min")));
  EXPECT_NE(hash_with(0.8), off);
  EXPECT_THAT(yaml(), HasSubstr("concept_said_min: 0.8\n"));
  made.concept_said_min = 1.5;
  folder_.write("model.yaml", "name: one\n" + to_yaml(made, SearchSettings()));
  EXPECT_THAT(read_model_folder(folder).error().message,
              HasSubstr("architecture.concept_said_min: must be in 0 to 1"));
}

TEST_F(ModelFolderFile, SaysAtWhichProbabilityConceptsAreUndecidedWhereItIsNotTheUsualOne) {
  const std::string folder = folder_.path().string();
  folder_.write("concepts.txt", "dog\n");
  ModelArchitecture made;
  made.concepts = made.concept_slots = 1;
  const auto read_with = [&](double undecided) {
    made.concept_undecided = undecided;
    folder_.write("model.yaml", "name: one\n" + to_yaml(made, SearchSettings()));
    return read_model_folder(folder);
  };
  const auto usual = read_with(ModelArchitecture().concept_undecided);
  ASSERT_TRUE(usual) << usual.error().message;
  EXPECT_THAT(yaml(), Not(HasSubstr("concept_undecided")));
  const auto other = read_with(0.3);
  ASSERT_TRUE(other) << other.error().message;
  EXPECT_EQ(other->architecture, made);
  EXPECT_NE(other->hash, usual->hash) << "its captions are others";
  for (const double wrong : {0.0, 1.0, -0.1, 1.5}) {
    EXPECT_THAT(read_with(wrong).error().message,
                HasSubstr("architecture.concept_undecided: must be above 0 and below 1"));
  }
}

TEST_F(ModelFolderFile, TakesAConfidenceOfThreeTermsAsOlderVersionsWroteIt) {
  folder_.write("model.yaml", yaml() +
                                  "confidence:  # log-odds that CIDEr-D is at least 0.5\n"
                                  "  bias: 3\n  mean_log_prob: 6\n  tokens: -0.5\n"
                                  "  log10_blur: 0.25\n");

  const auto model = read_model_folder(folder_.path().string());

  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(model->confidence, (ConfidenceModel{3, {6, -0.5, 0.25}}));
  EXPECT_EQ(model->confidence->min, 0) << "no caption of an older model is unsure";
}

TEST_F(ModelFolderFile, ReadsTheConfidenceThatItWrote) {
  ConfidenceModel fitted{0.5, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, {0.125, 0, 0, 0, 0, 0, 0, 1}, 0.25};
  fitted.objects = {{"dog", -0.75}, {"living room", 0.25}, {"tv", 0}};
  const auto before = read_model_folder(folder_.path().string());

  ASSERT_TRUE(write_confidence(folder_.path().string(), fitted));
  ASSERT_TRUE(write_confidence(folder_.path().string(), fitted));  // in place of the first

  const auto model = read_model_folder(folder_.path().string());
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(model->confidence, fitted);
  EXPECT_EQ(model->hash, before->hash);
}

TEST_F(ModelFolderFile, WithoutObjectsHasTheTermsThatEarlierVersionsKnow) {
  ConfidenceModel fitted{0.5, {1, 2, 3, 4, 5, 6, 7, 8}, {0.125, 0, 0, 0, 0, 0, 0, 1}, 0.25};
  EXPECT_THAT(to_yaml(fitted), Not(HasSubstr("object")));

  ASSERT_TRUE(write_confidence(folder_.path().string(), fitted));

  const auto model = read_model_folder(folder_.path().string());
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(model->confidence, fitted);
}

TEST_F(ModelFolderFile, RefusesAMeanOfNoTermAndAMinimumThatIsNoProbability) {
  const std::string before = yaml();
  for (const auto& [section, why] : {std::pair{"  means:\n    mood: 2\n", "confidence.means.mood"},
                                     {"  objects: dog\n", "confidence.objects: must be a map"},
                                     {"  objects:\n    dog: often\n", "confidence.objects"},
                                     {"  objects:\n    dog: .nan\n", "confidence.objects.dog"},
                                     {"  tokens: .inf\n", "must be finite"},
                                     {"  means:\n    tokens: .nan\n", "must be finite"},
                                     {"  min: 1.5\n", "0 to 1"}}) {
    folder_.write("model.yaml", before + "confidence:\n  bias: 1\n" + section);
    const auto refused = read_model_folder(folder_.path().string());
    ASSERT_FALSE(refused) << section;
    EXPECT_THAT(refused.error().message, HasSubstr(why));
  }
}

TEST_F(ModelFolderFile, NamesAnUnknownTermOfTheConfidence) {
  folder_.write("model.yaml", yaml() + "confidence:\n  bias: 1\n  mood: 2\n");

  const auto refused = read_model_folder(folder_.path().string());

  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("confidence.mood"));
}

/// Two models beside each other in one folder, as photoscribe-train ensemble makes it.
class EnsembleFolder : public testing::Test {
 protected:
  void SetUp() override {
    for (const std::string member : {"member1", "member2"}) {
      std::filesystem::create_directory(folder_.path() / member);
      write_model(member, member);
    }
    write_yaml("members: [member1, member2]\n");
  }
  void write_model(const std::string& at, const std::string& weights) {
    folder_.write(at + "/model.yaml",
                  "name: one\n" + to_yaml(ModelArchitecture(), SearchSettings()));
    folder_.write(at + "/vocab.txt", "a\nb\n");
    folder_.write(at + "/weights.safetensors", weights);
  }
  void write_yaml(const std::string& members) {
    SearchSettings search;
    search.beam = 7;
    folder_.write("model.yaml", "name: both\n" + members + to_yaml(search));
  }
  [[nodiscard]] Expected<ModelFolder> read() const {
    return read_model_folder(folder_.path().string());
  }
  test::TempDir folder_;
};

TEST_F(EnsembleFolder, HasItsMembersAndItsOwnSearch) {
  const auto ensemble = read();

  ASSERT_TRUE(ensemble) << ensemble.error().message;
  ASSERT_EQ(ensemble->members.size(), 2U);
  EXPECT_EQ(ensemble->members[1].folder, folder_.file("member2"));
  EXPECT_EQ(ensemble->search.beam, 7);
  EXPECT_EQ(ensemble->architecture, ensemble->members[0].architecture);
}

TEST_F(EnsembleFolder, ItsHashIsItsMembersAndTheirOrder) {
  const std::string before = read()->hash;
  write_yaml("members: [member2, member1]\n");
  const std::string swapped = read()->hash;
  write_yaml("members: [member1, member2]\n");
  write_model("member2", "other weights");
  const std::string other = read()->hash;
  EXPECT_EQ(before.size(), 64U);
  EXPECT_NE(before, swapped);
  EXPECT_NE(before, other);
  EXPECT_NE(before, read()->members[0].hash);
}

TEST_F(EnsembleFolder, RefusesMembersThatAreNotFoldersBesideIt) {
  const std::vector<std::pair<std::string, std::string>> wrong{
      {"[]", "1 to 64"},
      {"[../member1]", "not the name of a folder"},
      {"[.]", "not the name of a folder"},
      {"[/etc]", "not the name of a folder"},
      {"[member3]", "member3"},
  };
  for (const auto& [members, why] : wrong) {
    write_yaml("members: " + members + "\n");
    const auto refused = read();
    ASSERT_FALSE(refused) << members;
    EXPECT_THAT(refused.error().message, HasSubstr(why));
  }
}

TEST_F(EnsembleFolder, RefusesAMemberThatIsAnEnsembleAndAnArchitectureOfItsOwn) {
  folder_.write("member2/model.yaml", "members: [member1]\n" + to_yaml(SearchSettings()));
  const auto nested = read();
  ASSERT_FALSE(nested);
  EXPECT_THAT(nested.error().message, HasSubstr("cannot have members"));

  write_model("member2", "member2");
  write_yaml("members: [member1, member2]\narchitecture:\n  encoder: vgg16\n");
  const auto both = read();
  ASSERT_FALSE(both);
  EXPECT_THAT(both.error().message, HasSubstr("an ensemble has none of its own"));
}

TEST_F(ModelFolderFile, SaysWhyAConfidenceCannotBeWritten) {
  const auto refused = write_confidence(folder_.file("nowhere"), ConfidenceModel());

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::environment);
}

}  // namespace
}  // namespace photoscribe
