// Whole captioners that do not fit: what the errors say. What they compute when they do is in
// captioner_parity_test.cpp.
#include "models/train/import/import_captioner.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace photoscribe {
namespace {

using testing::HasSubstr;

const std::string kFolder = std::string(PHOTOSCRIBE_SOURCE_DIR) + "/tests/models/captioners/";

CaptionerFiles sgrvinod() {
  return {*read_state_dict(kFolder + "sgrvinod_states.pth.tar"), std::nullopt,
          *read_word_list(kFolder + "sgrvinod_WORDMAP.json")};
}

CaptionerFiles ruotianluo(const std::string& name) {
  return {*read_state_dict(kFolder + "ruotianluo_" + name + ".pth"),
          *read_state_dict(kFolder + "ruotianluo_resnet50.pth"),
          *read_word_list(kFolder + "ruotianluo_" + name + "_infos.pkl")};
}

CaptionerFiles yunjey() {
  return {*read_state_dict(kFolder + "yunjey_decoder.ckpt"),
          *read_state_dict(kFolder + "yunjey_encoder.ckpt"),
          *read_word_list(kFolder + "yunjey_vocab.pkl")};
}

std::string refusal(CaptionerKind kind, const CaptionerFiles& files) {
  const auto made = import_captioner(kind, files, {});
  EXPECT_FALSE(made);
  if (made) return "";
  EXPECT_EQ(made.error().code, Errc::invalid_config);
  return made.error().message;
}

TEST(ImportCaptioner, NamesEveryArrayThatIsMissingOrHasAnotherShapeOrIsLeftOver) {
  CaptionerFiles files = sgrvinod();
  TensorMap& t = files.checkpoint.tensors;
  t.erase("decoder.f_beta.bias");
  t.erase("encoder.resnet.5.0.conv2.weight");
  t["decoder.init_h.weight"] = at::zeros({3, 4});
  t["decoder.deep_output.weight"] = at::zeros({3, 4});
  const std::string error = refusal(CaptionerKind::sgrvinod, files);
  EXPECT_THAT(error, HasSubstr("decoder.f_beta.bias is missing"));
  EXPECT_THAT(error, HasSubstr("encoder.resnet.5.0.conv2.weight is missing"));
  EXPECT_THAT(error, HasSubstr("decoder.init_h.weight has the shape [3, 4], not [11, 512]"));
  EXPECT_THAT(error, HasSubstr("decoder.deep_output.weight is left over"));
}

TEST(ImportCaptioner, NamesTheArrayThatWouldHaveSaidASize) {
  CaptionerFiles files = sgrvinod();
  files.checkpoint.tensors.erase("decoder.fc.weight");
  EXPECT_THAT(refusal(CaptionerKind::sgrvinod, files), HasSubstr("decoder.fc.weight is missing"));
}

TEST(ImportCaptioner, RefusesASecondLayer) {
  CaptionerFiles files = yunjey();
  files.checkpoint.tensors["lstm.weight_ih_l1"] = at::zeros({44, 11});
  EXPECT_THAT(refusal(CaptionerKind::yunjey, files), HasSubstr("lstm.weight_ih_l1 is left over"));
}

TEST(ImportCaptioner, RefusesAnotherKindsCheckpoint) {
  const std::string error = refusal(CaptionerKind::yunjey, sgrvinod());
  EXPECT_THAT(error, HasSubstr("no captioner of yunjey"));
  EXPECT_THAT(error, HasSubstr("lstm.weight_ih_l0"));
  EXPECT_THAT(error, HasSubstr("it holds decoder."));
}

TEST(ImportCaptioner, AsksForTheEncodersFile) {
  CaptionerFiles files = ruotianluo("fc");
  files.encoder.reset();
  EXPECT_THAT(refusal(CaptionerKind::ruotianluo, files), HasSubstr("--encoder"));
}

TEST(ImportCaptioner, WordsOfAnotherCheckpointAreRefused) {
  CaptionerFiles files = sgrvinod();
  files.words.words.resize(50);
  files.words.words[49] = "zebra";
  EXPECT_THAT(refusal(CaptionerKind::sgrvinod, files),
              HasSubstr("its tables have 23 rows, and 'zebra' is number 49"));
  files = sgrvinod();
  files.words.end = -1;
  EXPECT_THAT(refusal(CaptionerKind::sgrvinod, files), HasSubstr("no <start> or no <end>"));
}

TEST(ImportCaptioner, ATransformerIsNotTakenForAnLstm) {
  CaptionerFiles files = ruotianluo("att2in2");
  files.words.kind = "transformer";
  EXPECT_THAT(refusal(CaptionerKind::ruotianluo, files),
              HasSubstr("its infos call it transformer"));
}

TEST(ImportCaptioner, WarnsOfRegionFeatures) {
  CaptionerFiles files = ruotianluo("att2in2");
  files.words.features = "data/cocobu_att";
  const auto made = import_captioner(CaptionerKind::ruotianluo, files, {});
  ASSERT_TRUE(made) << made.error().message;
  ASSERT_EQ(made->notes.size(), 1U);
  EXPECT_THAT(made->notes[0], HasSubstr("bottom-up"));
  EXPECT_EQ(made->architecture.input_side_px, 544);
  EXPECT_EQ(made->architecture.encoder, "caffe_resnet50");
}

TEST(ImportCaptioner, ADepthThatNoResnetHasIsNamed) {
  CaptionerFiles files = sgrvinod();
  for (auto it = files.checkpoint.tensors.begin(); it != files.checkpoint.tensors.end();)
    it = it->first.starts_with("encoder.resnet.7.1.") ? files.checkpoint.tensors.erase(it)
                                                      : std::next(it);
  EXPECT_THAT(refusal(CaptionerKind::sgrvinod, files), HasSubstr("2, 2, 2, 1 blocks"));
}

TEST(ImportCaptioner, WordsThatAVocabularyCannotHoldAreLeftOut) {
  CaptionerFiles files = sgrvinod();
  files.words.words[3] = "two words";
  const auto made = import_captioner(CaptionerKind::sgrvinod, files, {});
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->vocabulary.number("two words"), kUnknownToken);
  EXPECT_EQ(made->vocabulary.size(), 22);
  EXPECT_EQ(made->notes.size(), 1U);
}

TEST(WordList, ReadsWhatPython2Wrote) {
  const test::TempDir folder;
  const auto list = read_word_list(folder.write(
      "infos.pkl",
      "(dp0\nS'vocab'\n(dS'1'\nS'caf\\xe9'\nsS'2'\nS'UNK'\nssS'opt'\ncopy_reg\n_reconstructor\n"
      "(cargparse\nNamespace\nc__builtin__\nobject\nNtR(dS'caption_model'\nS'fc'\nsS'seq_length'\n"
      "I16\nsbs."));
  ASSERT_TRUE(list) << list.error().message;
  EXPECT_EQ(list->words, (std::vector<std::string>{"", "caf\xc3\xa9", "UNK"}));
  EXPECT_EQ(list->start, 0);
  EXPECT_EQ(list->unknown, 2);
  EXPECT_EQ(list->kind, "fc");
  EXPECT_EQ(list->words_max, 16);
}

TEST(WordList, RefusesWhatIsNotOne) {
  const test::TempDir folder;
  const auto message = [&](const std::string& text) {
    return read_word_list(folder.write("words", text)).error().message;
  };
  EXPECT_THAT(message("{\"a\": \"b\"}"), HasSubstr("'a' has no number"));
  EXPECT_THAT(message("{\"a\": 1, \"b\": 1}"), HasSubstr("have the number 1"));
  EXPECT_THAT(message("{\"a\": 99999999}"), HasSubstr("has the number 99999999"));
  EXPECT_THAT(message("{}"), HasSubstr("no words"));
  EXPECT_THAT(message("(d."), HasSubstr("neither"));
  EXPECT_THAT(message("a\nb\n"), HasSubstr("not a pickle"));
}

}  // namespace
}  // namespace photoscribe
