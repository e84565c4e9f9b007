// Learning from another model's probabilities.
#include "models/train/teacher.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <iterator>

#include "tests/models/train/fit_fixture.h"

namespace photoscribe {
namespace {

using test::Fit;
using testing::HasSubstr;

TEST_F(Fit, AStudentTakesAfterItsTeacher) {
  FitOptions teacher_options = options("teacher");
  teacher_options.epochs = 1;  // it knows little but word frequencies: unlike the captions
  ASSERT_TRUE(fit(teacher_options));
  TeachOptions teaching{.models = {teacher_options.output},
                        .sources = teacher_options.sources,
                        .split = list_,
                        .output = folder_.file("teacher.safetensors"),
                        .words_kept = 100,
                        .words_max = 8};
  const Status asked = teach(teaching);
  ASSERT_TRUE(asked) << asked.error().message;

  // How far two models are from the teacher, in nats per word, on the captions that both saw.
  const auto distance = [&](const std::string& folder) {
    teaching.models = {folder};
    const std::string own = teaching.output + ".own";
    TeachOptions same = teaching;
    same.output = own;
    EXPECT_TRUE(teach(same));
    const auto wanted = load_tensors(teaching.output), predicted = load_tensors(own);
    double sum = 0;
    const auto places = wanted->at("words").size(0);
    for (std::int64_t i = 0; i < places; ++i) {
      torch::Tensor table = at::full({100}, 1e-6);
      table.index_put_({predicted->at("words")[i]},
                       predicted->at("probabilities")[i].clamp_min(1e-6));
      sum -= (wanted->at("probabilities")[i] * table.index_select(0, wanted->at("words")[i]).log())
                 .sum()
                 .item<double>();
    }
    return sum / static_cast<double>(places);
  };
  FitOptions alone = options("alone"), student = options("student");
  alone.seed = student.seed = 9;
  alone.epochs = student.epochs = 30;
  alone.patience = student.patience = 30;
  student.teacher = teaching.output;
  student.loss.teacher_share = 1;
  ASSERT_TRUE(fit(alone));
  const Status learnt = fit(student);
  ASSERT_TRUE(learnt) << learnt.error().message;
  const double by_student = distance(student.output), by_another = distance(alone.output);
  std::printf("from the teacher: student %.4f, another %.4f nats a word\n", by_student, by_another);
  EXPECT_LT(by_student, by_another - 0.3);

  // A teacher's file for other captions is refused.
  FitOptions other = options("other");
  other.teacher = teaching.output;
  other.sources.captions.front() = folder_.write("other.txt", [this] {
    std::ifstream in(captions_);
    std::string text{std::istreambuf_iterator<char>(in), {}};
    return text.replace(text.find("calm"), 4, "cold");
  }());
  const Status refused = fit(other);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("other captions"));
}

TEST_F(Fit, SoftTargetsFollowThePackedWordsAndTheMirror) {
  const std::string text =
      "a.bmp#0\tleft a b\na.bmp#1\tb right\nb.bmp#0\ta\nc.bmp#0\tb left a right\n";
  const std::string captions = folder_.write("sides.txt", text),
                    list = folder_.write("sides.list", "a.bmp\nb.bmp\nc.bmp\n");
  const auto split = read_split({{}, {captions}}, list);
  const auto vocabulary = make_vocabulary(*split, {}, {1});
  // Position i has its own target as the likeliest word, then word i of a count.
  std::vector<std::int64_t> targets, words;
  for (const CaptionedPhoto& photo : *split)
    for (const Tokens& caption : photo.captions)
      for (const std::int64_t word : encode_caption(caption, *vocabulary, 8, false)) {
        targets.push_back(word);
        words.insert(words.end(), {word, static_cast<std::int64_t>(targets.size()) % 4});
      }
  const auto P = static_cast<std::int64_t>(targets.size());
  const torch::Tensor probabilities = at::arange(2 * P, torch::kHalf).view({P, 2}) / 64;
  const std::string file = folder_.file("sides.safetensors");
  ASSERT_TRUE(save_tensors(file, {{"targets", at::tensor(targets)},
                                  {"words", at::tensor(words).view({P, 2})},
                                  {"probabilities", probabilities}}));
  const auto teacher = Teacher::open(file, *split, *vocabulary, 8);
  ASSERT_TRUE(teacher) << teacher.error().message;

  const Batch batch = make_batch(*split, {2, 0}, {true, false}, *vocabulary, 8);
  const SoftTargets soft = teacher->of(batch);

  ASSERT_EQ(soft.words.size(0), batch.packing.total);
  // A flipped photo's targets have left and right swapped, and so have the teacher's words.
  EXPECT_TRUE(at::equal(soft.words.select(1, 0), batch.targets));
  const auto start_of_c = P - 5;
  EXPECT_FLOAT_EQ(soft.probabilities[0][1].item<float>(),
                  static_cast<float>(2 * start_of_c + 1) / 64);
}

}  // namespace
}  // namespace photoscribe
