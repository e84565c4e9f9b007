// The list of concepts, the classifier that learns them, and how the decoder uses them.
#include "models/format/concepts.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "models/search/evidence.h"
#include "models/search/search.h"
#include "models/train/loss/concept_head.h"
#include "models/train/loss/text_batches.h"
#include "models/train/start.h"
#include "tests/models/decoder/small_decoder.h"
#include "tests/support/temp_dir.h"

namespace photoscribe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Vocabulary vocabulary() {
  return *Vocabulary::make({"a", "pizza", "dog", "dogs", "puppy", "cat", "eats"});
}

TEST(Concepts, AListIsReadWithItsWordsAndClasses) {
  const test::TempDir folder;
  const auto read = read_concepts(
      folder.write("c.txt", "# things\n\npizza | 963\ndog, dogs , puppy | 151-153 200\n  cat\r\n"));
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->size(), 3U);
  EXPECT_THAT(read->at(1).words, ElementsAre("dog", "dogs", "puppy"));
  EXPECT_THAT(read->at(1).classes, ElementsAre(151, 152, 153, 200));
  EXPECT_THAT(read->at(2).words, ElementsAre("cat"));

  // What is written is read back the same.
  ASSERT_TRUE(write_concepts(folder.file("again.txt"), *read));
  const auto again = read_concepts(folder.file("again.txt"));
  ASSERT_TRUE(again) << again.error().message;
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(again->at(i).words, read->at(i).words);
    EXPECT_EQ(again->at(i).classes, read->at(i).classes);
  }
}

TEST(Concepts, WhatIsWrongInAListIsNamedWithItsLine) {
  const test::TempDir folder;
  const auto message = [&folder](const std::string& text) {
    const auto read = read_concepts(folder.write("c.txt", text));
    return read ? std::string("was taken") : read.error().message;
  };
  EXPECT_THAT(message("dog\nhot dog\n"), HasSubstr("line 2: 'hot dog' is not one word"));
  EXPECT_THAT(message("dog,,cat\n"), HasSubstr("line 1: '' is not one word"));
  EXPECT_THAT(message("dog, cat\nbird\ncat\n"), HasSubstr("line 3: 'cat' is listed twice"));
  EXPECT_THAT(message("dog | 1000\n"), HasSubstr("'1000' is not a class"));
  EXPECT_THAT(message("dog | 3-x\n"), HasSubstr("'x' is not a class"));
  EXPECT_THAT(message("dog | 9-3\n"), HasSubstr("runs backwards"));
  EXPECT_THAT(message("# nothing\n"), HasSubstr("names no concept"));
  EXPECT_THAT(read_concepts(folder.file("none.txt")).error().message,
              HasSubstr("cannot be opened"));
}

TEST(Concepts, ThoseWithoutAWordOfTheVocabularyAreLeftOut) {
  const std::vector<ConceptEntry> all{{{"zebra"}, {340}}, {{"hound", "puppy", "dog"}, {}}};
  const auto known = known_concepts(all, vocabulary());
  ASSERT_EQ(known.size(), 1U);
  EXPECT_THAT(known[0].words, ElementsAre("puppy", "dog"));
  const ConceptNumbers numbers = concept_numbers(known, vocabulary());
  EXPECT_EQ(numbers.name[0].item<std::int64_t>(), vocabulary().number("puppy"));
  EXPECT_EQ(numbers.of_word[vocabulary().number("dog")].item<std::int64_t>(), 0);
  EXPECT_EQ(numbers.of_word[vocabulary().number("cat")].item<std::int64_t>(), -1);
}

const std::vector<ConceptEntry> kThings{{{"pizza"}, {963}}, {{"dog", "dogs", "puppy"}, {}}};

TEST(ConceptHead, TargetsAreWhatPeopleNameAndElseWhatTheClassifierSees) {
  const std::vector<CaptionedPhoto> photos{
      {"many.jpg", {{"a", "puppy"}, {"a", "dog"}, {"a", "dog", "eats"}}, 1},
      {"one.jpg", {{"a", "cat"}}, 1},
      {"none.jpg", {}, 1}};
  const ConceptLabels labels{{"many.jpg", {{"pizza", 0.4F}}}, {"none.jpg", {{"dogs", 0.9F}}}};
  const ConceptTargets t = concept_targets(photos, labels, kThings);
  const auto p = t.probability.accessor<float, 2>(), w = t.weight.accessor<float, 2>();
  EXPECT_FLOAT_EQ(p[0][0], 0.4F);  // not named, the classifier sees some
  EXPECT_FLOAT_EQ(p[0][1], 1);
  EXPECT_FLOAT_EQ(w[0][0], 1);  // three people would have named it
  EXPECT_FLOAT_EQ(p[1][0], 0);
  EXPECT_FLOAT_EQ(w[1][0], 0.25F);  // one might not
  EXPECT_FLOAT_EQ(p[2][1], 0.9F);
  EXPECT_FLOAT_EQ(w[2][1], 0.9F);
}

TEST(ConceptHead, WhatFewCaptionsAndNoLabelSayIsUnknown) {
  const std::vector<CaptionedPhoto> photos{{"many.jpg", {{"a"}, {"b"}, {"c"}}, 1},
                                           {"one.jpg", {{"a", "puppy"}}, 1},
                                           {"labelled.jpg", {{"a", "cat"}}, 4}};
  const ConceptLabels labels{{"labelled.jpg", {{"dog", 0.0F}}}};
  const ConceptTargets t = concept_targets(photos, labels, kThings);  // pizza, dog
  EXPECT_TRUE(at::equal(t.unknown, at::tensor({0, 0, 1, 0, 1, 0}).view({3, 2}).gt(0)));
}

TEST(ConceptHead, AThingLabelledAbsentCountsAndPhotosShownOftenCountMore) {
  const std::vector<CaptionedPhoto> photos{{"one.jpg", {{"a", "cat"}}, 1}, {"two.jpg", {}, 3}};
  const ConceptLabels labels{{"one.jpg", {{"pizza", 0.0F}}}, {"two.jpg", {{"pizza", 0.5F}}}};
  const ConceptTargets t = concept_targets(photos, labels, kThings);
  const auto p = t.probability.accessor<float, 2>(), w = t.weight.accessor<float, 2>();
  EXPECT_FLOAT_EQ(p[0][0], 0);
  EXPECT_FLOAT_EQ(w[0][0], 1);      // looked for and not there
  EXPECT_FLOAT_EQ(w[0][1], 0.25F);  // not looked for
  EXPECT_FLOAT_EQ(p[1][0], 0.5F);
  EXPECT_FLOAT_EQ(w[1][0], 1.5F);
  EXPECT_FLOAT_EQ(w[1][1], 0.75F);
}

TEST(ConceptHead, LearnsAndPredictsPhotosThatItWasNotTrainedOn) {
  // 400 photos of eight channels; the first channel says whether there is a pizza, none whether
  // there is a dog.
  at::manual_seed(1);
  torch::Tensor features = at::randn({400, 8}) * 3 + 5;
  ConceptTargets targets{at::zeros({400, 2}), at::ones({400, 2})};
  targets.probability.select(1, 0).copy_(features.select(1, 0).gt(5));
  targets.probability.select(1, 1).copy_(at::rand({400}).lt(0.25));
  const ConceptHead head = fit_concept_head(features, targets, 7);
  const torch::Tensor pizza = head.probabilities.select(1, 0),
                      dog = head.probabilities.select(1, 1);
  const torch::Tensor is = targets.probability.select(1, 0).gt(0.5);
  EXPECT_GT(pizza.masked_select(is).mean().item<double>(),
            pizza.masked_select(is.logical_not()).mean().item<double>() + 0.15);
  // An honest guess, since it was not trained on these photos: no certainty from noise.
  EXPECT_NEAR(dog.mean().item<double>(), 0.25, 0.08);
  EXPECT_LT(dog.max().item<double>(), 0.7);
  // The same again.
  EXPECT_TRUE(at::equal(fit_concept_head(features, targets, 7).probabilities, head.probabilities));
}

TEST(ConceptHead, InvalidLabelsAreRefusedWithTheirLine) {
  const test::TempDir folder;
  const auto good = read_concept_labels(
      folder.write("l.jsonl", "{\"id\":\"a.jpg\",\"concepts\":{\"pizza\":0.5,\"dog\":1}}\n\n"));
  ASSERT_TRUE(good) << good.error().message;
  EXPECT_EQ(good->at("a.jpg").size(), 2U);
  const auto bad = read_concept_labels(folder.write(
      "b.jsonl", "{\"id\":\"a.jpg\",\"concepts\":{}}\n{\"id\":\"b\",\"concepts\":{\"x\":1.5}}\n"));
  ASSERT_FALSE(bad);
  EXPECT_THAT(bad.error().message, HasSubstr("b.jsonl, line 2"));
}

TEST(TextBatches, ASentencesOwnConceptsAreDetectedInIt) {
  const std::vector<Tokens> sentences{{"a", "puppy", "eats"}};
  const Vocabulary words = vocabulary();
  const ConceptNumbers numbers = concept_numbers(kThings, words);
  // Where people named a dog the classifier said 0.7; its false alarms are pizzas of 0.3.
  const torch::Tensor detected = at::tensor({0.3F, 0.7F}).expand({20, 2}).contiguous();
  ConceptTargets targets{at::tensor({0.0F, 1.0F}).expand({20, 2}).contiguous(), at::ones({20, 2})};
  const TextBatches batches(sentences, words, numbers.of_word, detected, targets, 2, 10);
  std::mt19937_64 random(3);
  const auto batch = batches.draw(8, random);
  EXPECT_EQ(batch.rows.packing.counts, (std::vector<std::int64_t>{8, 8, 8, 8}));
  const auto p = batch.concepts.accessor<float, 2>();
  int alarms = 0;
  for (int i = 0; i < 8; ++i) {
    EXPECT_FLOAT_EQ(p[i][1], 0.7F);
    alarms += p[i][0] == 0.3F ? 1 : 0;
    EXPECT_TRUE(p[i][0] == 0.3F || p[i][0] == 0);
  }
  EXPECT_GT(alarms, 4);
}

ModelArchitecture with_concepts() {
  ModelArchitecture a = small_decoder("show_attend_tell");
  a.concepts = 2;
  a.concept_slots = 1;
  return a;
}

TEST(Concepts, AWordForWhatTheClassifierSeesIsLikelierAndForWhatItDoesNotLess) {
  at::manual_seed(2);
  ModelArchitecture a = with_concepts();
  const Vocabulary words = vocabulary();
  TensorMap tensors = random_decoder(a, words.size());
  add_concept_numbers(tensors, kThings, words);
  // Pizza is seen (0.9), a dog is not (0.01), whatever the photo; the gate is always 1.5.
  tensors["decoder.concept.head.weight"].zero_();
  tensors["decoder.concept.head.bias"] = at::logit(at::tensor({0.9F, 0.01F}));
  tensors["decoder.concept.gate.weight"].zero_();
  tensors["decoder.concept.gate.bias"].fill_(std::log(std::exp(1.5) - 1));
  const torch::Tensor photo = at::randn({1, 4, 12});
  const auto first_word = [&](double weight, double undecided = 0.1) {
    a.concept_weight = weight;
    a.concept_undecided = undecided;
    const auto network = make_step_network(take_decoder(tensors, a, words.size()));
    const Annotations annotations = network->annotate_photos(photo);
    torch::Tensor h = annotations.h, c = annotations.c;
    return network->step(annotations, at::tensor({kStartToken}), h, c).squeeze(0).clone();
  };
  const torch::Tensor plain = first_word(0), guided = first_word(1);
  const auto odds = [&](const torch::Tensor& log_p,
                        const char* word) {  // beside a word that names no thing
    return (log_p[words.number(word)] - log_p[words.number("eats")]).item<double>();
  };
  for (const char* dog : {"dog", "dogs", "puppy"})
    EXPECT_NEAR(odds(guided, dog), odds(plain, dog) + 1.5 * std::log(0.01 / 0.1), 1e-3) << dog;
  EXPECT_NEAR(odds(guided, "pizza"), odds(plain, "pizza") + 1.5 * std::log(0.9 / 0.1), 1e-3);
  EXPECT_NEAR(odds(guided, "cat"), odds(plain, "cat"), 1e-4);
  EXPECT_NEAR(guided.exp().sum().item<double>(), 1, 1e-4);
  const torch::Tensor careful = first_word(1, 0.4);
  EXPECT_NEAR(odds(careful, "dog"), odds(plain, "dog") + 1.5 * std::log(0.01 / 0.4), 1e-3);
  EXPECT_NEAR(odds(careful, "pizza"), odds(plain, "pizza") + 1.5 * std::log(0.9 / 0.4), 1e-3);
  EXPECT_NEAR(odds(careful, "cat"), odds(plain, "cat"), 1e-4);
}

TEST(Concepts, TheSearchReportsConceptsAndNovelty) {
  at::manual_seed(2);
  const ModelArchitecture a = with_concepts();
  const Vocabulary words = vocabulary();
  TensorMap tensors = random_decoder(a, words.size());
  add_concept_numbers(tensors, kThings, words);
  tensors["decoder.concept.head.weight"].zero_();
  tensors["decoder.concept.head.bias"] = at::logit(at::tensor({0.9F, 0.01F}));
  tensors["decoder.concept.feature.std"].fill_(2);
  tensors["decoder.word.bias"][kEndToken] = -2;  // captions of some words
  const CaptionSearch search(take_decoder(tensors, a, words.size()));
  const torch::Tensor photos = at::stack({at::full({4, 12}, 2.0F), at::full({4, 12}, 6.0F)});
  const auto found = search.run(photos, {.beam = 3, .length_alpha = 0.7, .tokens_max = 5});
  ASSERT_EQ(found.size(), 2U);
  for (const Hypothesis& one : found) {
    ASSERT_EQ(one.concepts.size(), 2U);
    EXPECT_NEAR(one.concepts[0], 0.9, 1e-5);
    EXPECT_LT(one.word_log_prob_min, 0);
    EXPECT_GE(one.word_log_prob_min, one.log_prob);
    EXPECT_GE(one.beam_agreement, 0);
    EXPECT_LE(one.beam_agreement, 1);
  }
  EXPECT_NEAR(found[0].novelty, 1, 1e-4);
  EXPECT_NEAR(found[1].novelty, 9, 1e-4);
}

TEST(Concepts, AThingIsNamedAgainOnlyWhenItsWordIsFarLikelierThanOthers) {
  at::manual_seed(2);
  ModelArchitecture a = with_concepts();
  a.concept_weight = 0;
  const Vocabulary words = vocabulary();
  TensorMap tensors = random_decoder(a, words.size());
  add_concept_numbers(tensors, kThings, words);
  // Every word is as likely at each place as its bias says.
  tensors["decoder.word.weight"].zero_();
  const auto caption = [&](float pizza) {
    tensors["decoder.word.bias"].fill_(-9);
    tensors["decoder.word.bias"][words.number("pizza")] = pizza;
    tensors["decoder.word.bias"][words.number("eats")] = 2;
    const CaptionSearch search(take_decoder(tensors, a, words.size()));
    return words.text(
        search.run(at::randn({1, 4, 12}), {.beam = 1, .length_alpha = 0.7, .tokens_max = 3})[0]
            .tokens);
  };
  EXPECT_EQ(caption(3), "pizza eats eats");  // a word that names no thing may be repeated
  EXPECT_EQ(caption(9), "pizza pizza pizza");
}

TEST(Evidence, ReportsHowTheClassifierAgreesWithTheCaption) {
  const Vocabulary words = vocabulary();
  const std::vector<ConceptEntry> things{{{"pizza"}, {}}, {{"dog", "puppy"}, {}}, {{"cat"}, {}}};
  Hypothesis hypothesis;
  for (const char* word : {"a", "puppy", "eats", "pizza"})
    hypothesis.tokens.push_back(words.number(word));
  hypothesis.concepts = {0.2F, 0.7F, 0.04F};
  hypothesis.word_log_prob_min = -3;
  hypothesis.beam_agreement = 0.5;
  hypothesis.novelty = 1.5;
  Caption caption;
  EvidenceRule(things, words).add(hypothesis, caption);
  ASSERT_TRUE(caption.evidence);
  const CaptionEvidence expected{-3, 0.5, 0.2F, 0.04F, 1.5};
  EXPECT_EQ(*caption.evidence, expected);
  EXPECT_THAT(caption.concepts, ElementsAre(Concept{"dog", 0.7F}, Concept{"pizza", 0.2F}));

  // A caption that names nothing contradicts nothing; a model without concepts reports nothing.
  hypothesis.tokens = {words.number("a")};
  EvidenceRule(things, words).add(hypothesis, caption);
  EXPECT_EQ(caption.evidence->mentioned_min, 1);
  EXPECT_NEAR(caption.evidence->unmentioned_max, 0.7, 1e-6);
  Caption silent;
  EvidenceRule({}, words).add(hypothesis, silent);
  EXPECT_FALSE(silent.evidence);
}

TEST(Start, WordsKeepTheirRowsWhereTheVocabularyHasThemElsewhere) {
  ModelArchitecture a = with_concepts();
  a.concepts = a.concept_slots = 0;
  const Vocabulary before = *Vocabulary::make({"dog", "cat"}),
                   now = *Vocabulary::make({"pizza", "cat", "dog"});
  Start start;
  start.decoder = random_decoder(a, before.size());
  start.words = before.words();
  const TensorMap decoder = complete_decoder(start, a, now);
  for (const char* name :
       {"decoder.embedding.weight", "decoder.word.weight", "decoder.word.bias"}) {
    for (const char* word : {"dog", "cat"})
      EXPECT_TRUE(at::equal(decoder.at(name)[now.number(word)],
                            start.decoder.at(name)[before.number(word)]))
          << name << " " << word;
  }
  EXPECT_TRUE(at::equal(decoder.at("decoder.cell.hidden.weight"),
                        start.decoder.at("decoder.cell.hidden.weight")));
  a.hidden_size = 8;
  EXPECT_THROW((void)complete_decoder(start, a, now), std::runtime_error);
}

}  // namespace
}  // namespace photoscribe
