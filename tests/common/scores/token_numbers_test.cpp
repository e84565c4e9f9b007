// Tokens numbered without being made, and files read in pieces on threads: both say what the plain
// ways say.
#include "common/scores/token_numbers.h"

#include <gmock/gmock.h>

#include <map>
#include <random>

#include "common/scores/caption_file.h"
#include "common/scores/caption_set.h"
#include "common/scores/score_corpus.h"
#include "tests/support/temp_dir.h"

namespace photoscribe::test {
namespace {

/// Captions of pieces that the rules treat in their own ways, and of any bytes.
std::vector<std::string> made_captions(int count, unsigned seed) {
  static const std::vector<std::string> kPieces{"A dog",
                                                " ",
                                                "can't",
                                                "\"",
                                                "``",
                                                "''",
                                                "-",
                                                "--",
                                                "...",
                                                "dog's",
                                                "U.S.",
                                                "a.m.",
                                                "cannot",
                                                "'tis",
                                                "gonna",
                                                "1,000",
                                                "10:30",
                                                "t-shirt",
                                                "and/or",
                                                "(",
                                                ")",
                                                "{x}",
                                                "*",
                                                "/",
                                                "Mr.",
                                                "\xe2\x80\x99s",
                                                "\xe2\x80\x94",
                                                "caf\xc3\xa9",
                                                "\xc2\xa0",
                                                "\t",
                                                "!!",
                                                "?",
                                                ";",
                                                ",",
                                                "'90s",
                                                "'",
                                                "'em",
                                                "the man",
                                                "\xff\xfe",
                                                "&quot;",
                                                "&amp;",
                                                "<skipped>",
                                                "-lrb-",
                                                "\\"};
  std::mt19937 random(seed);
  std::vector<std::string> captions;
  for (int i = 0; i < count; ++i) {
    std::string text;
    for (std::size_t n = random() % 12; n > 0; --n) {
      text += kPieces[random() % kPieces.size()];
      if (random() % 2 == 0) text += ' ';
      if (random() % 40 == 0) text += static_cast<char>(random() % 256);
    }
    captions.push_back(std::move(text));
  }
  return captions;
}

TEST(TokenNumbers, AreThoseOfTheTokensThemselves) {
  for (const Tokenizer tokenizer : {Tokenizer::ptb, Tokenizer::none, Tokenizer::mteval_13a}) {
    TokenTable plain, fast;
    TokenNumbers numbers(tokenizer, fast);
    for (const std::string& caption : made_captions(1'000, 11)) {
      TokenIds expected, got;
      for (const std::string& token : tokens_of(tokenizer, caption))
        expected.push_back(plain.id_of(token));
      numbers.append(caption, got);
      ASSERT_EQ(got, expected) << name_of(tokenizer) << ": " << caption;
    }
    EXPECT_EQ(fast.size(), plain.size());
  }
}

/// All that a reader says of a file.
struct Told {
  std::vector<std::string> captions;
  std::string end;  // the facts, or the error
  TokenTable words;
  TokenIds tokens;
};

std::string text_of(const FileCaption& one) {
  std::string text;
  for (const std::string_view part : {one.id, one.other_id, one.caption, one.split, one.folder})
    (text += part) += '|';
  return text + std::to_string(one.line) + (one.begins_list ? "|begins" : "");
}

Told read(const std::string& file, int threads, bool strict) {
  Told told;
  int count = 0;
  const auto take = [&](const FileCaption& one) -> Status {
    if (++count % 997 == 0) return fail(Errc::bad_payload, "not this one");
    told.captions.push_back(text_of(one));
    if (one.tokens != nullptr) {
      for (const TokenId id : one.tokens->ids)
        told.tokens.push_back(one.tokens->words->in(told.words, id));
    } else {
      for (const std::string& token : tokens_of(Tokenizer::ptb, one.caption))
        told.tokens.push_back(told.words.id_of(token));
    }
    return {};
  };
  const auto facts = threads == 0
                         ? read_caption_file(file, take, strict)
                         : read_tokenised_captions(file, Tokenizer::ptb, threads, take, strict);
  told.end = facts
                 ? std::string(name_of(facts->form)) + " " + std::to_string(facts->captions) + " " +
                       std::to_string(facts->without_caption) + " " + to_text(facts->left_out)
                 : facts.error().message;
  return told;
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) >= 0x20) out += c;
  }
  return out;
}

/// A file of several blocks in each form, with wrong lines, endings of every kind, and blanks.
std::map<std::string, std::string> files_in_every_form() {
  const auto captions = made_captions(8'000, 3);
  std::string flickr, json, csv = "image,caption,state\n", results = "[", coco, karpathy, cr;
  for (std::size_t i = 0; i < captions.size(); ++i) {
    const std::string name = "photo" + std::to_string(i / 5) + ".jpg";
    const std::string& caption = captions[i];
    const std::string end = i % 3 == 0 ? "\r\n" : i % 31 == 0 ? "\n\n" : "\n";
    const std::string number = std::to_string(i % 901 == 0 ? 0 : i % 5);
    flickr += name + (i % 701 == 0 ? " " : "#" + number) + "\t" + caption + end;
    cr += name + "#" + number + "\t" + caption + "\r";
    const std::string quoted = "\"" + escaped(caption) + "\"";
    json += i % 555 == 0 ? "{\"id\": 7, \"caption\": nul}" + end
            : i % 4 == 0
                ? R"({"id":")" + name + R"(","split":"val","captions":[)" + quoted + "," + quoted +
                      "]}" + end
                : R"({"image_id":)" + std::to_string(i) + R"(,"path":"a/b/x.jpg","caption":)" +
                      (i % 7 == 0 ? "null" : quoted) + "}" + end;
    csv +=
        name + ",\"" + (i % 50 == 0 ? "two\nlines " : "") + std::to_string(i) + " it\",done" + end;
    results += std::string(i == 0 ? "" : ",") + R"({"image_id":)" + std::to_string(i) +
               R"(,"caption":)" + quoted + "}";
    coco += std::string(i == 0 ? "" : ",") + R"({"image_id":)" + std::to_string(i / 5) +
            R"(,"caption":)" + quoted + "}";
    if (i % 5 == 0) {
      karpathy += std::string(i == 0 ? "" : ",") + R"({"filename":")" + name + R"(","cocoid":)" +
                  std::to_string(i) + R"(,"split":"test","sentences":[{"raw":)" + quoted +
                  R"(},{"raw":"a"}]})";
    }
  }
  return {{"flickr", flickr},
          {"cr", cr},
          {"json", json},
          {"csv", csv},
          {"results", results + "]"},
          {"broken", results + ",{"},
          {"coco", R"({"images":[{"id":1,"file_name":"one.jpg"}],"annotations":[)" + coco + "]}"},
          {"karpathy", R"({"images":[)" + karpathy + "]}"},
          {"one", "a.jpg#0\tno end of line"}};
}

class TokenisedCaptions : public ::testing::TestWithParam<const char*> {};

TEST_P(TokenisedCaptions, AreThoseOfThePlainReaderForAnyNumberOfThreads) {
  const TempDir folder;
  const auto files = files_in_every_form();
  const std::string file = folder.write("captions", files.at(GetParam()));
  for (const bool strict : {false, true}) {
    const Told plain = read(file, 0, strict);
    for (const int threads : {1, 3}) {
      const Told told = read(file, threads, strict);
      EXPECT_EQ(told.end, plain.end) << threads << " threads";
      EXPECT_TRUE(told.captions == plain.captions) << threads << " threads";
      EXPECT_TRUE(told.tokens == plain.tokens) << threads << " threads";
    }
  }
}
INSTANTIATE_TEST_SUITE_P(Forms, TokenisedCaptions,
                         ::testing::Values("flickr", "cr", "json", "csv", "results", "broken",
                                           "coco", "karpathy", "one"),
                         [](const auto& one) { return std::string(one.param); });

TEST(ScoreCorpus, IsTheSameToTheBitForAnyNumberOfThreads) {
  TokenTable words;
  CaptionSet hypotheses(words, Tokenizer::ptb), references(words, Tokenizer::ptb);
  const auto captions = made_captions(18'000, 5);
  std::vector<ScoredPair> pairs;
  for (std::uint32_t photo = 0; photo < 9'000; ++photo) {
    const std::string name = std::to_string(photo);
    hypotheses.add(name, captions[2 * photo]);
    for (std::uint32_t i = 0; i < 2; ++i)
      references.add(name, captions[(2 * photo + 3 * i + 1) % captions.size()]);
    pairs.push_back({photo, photo});
  }
  hypotheses.group();
  references.group();
  DocumentFrequencies plain;  // a photo after the other
  std::vector<TokenSpan> own;
  for (const ScoredPair& pair : pairs) {
    references.captions_of(pair.reference, own);
    plain.add_photo(own);
  }
  const auto expected = score_photos(hypotheses, references, pairs, plain, BleuRule::coco, 1);

  for (const int threads : {1, 2, 5}) {
    const DocumentFrequencies table = frequencies_of(references, pairs, threads);
    EXPECT_EQ(table.ngrams(), plain.ngrams());
    EXPECT_EQ(table.photos(), plain.photos());
    const auto scores = score_photos(hypotheses, references, pairs, table, BleuRule::coco, threads);
    for (std::size_t i = 0; i < scores.size(); ++i) {
      ASSERT_EQ(scores[i].counts, expected[i].counts);
      ASSERT_EQ(scores[i].rouge_l, expected[i].rouge_l);
      ASSERT_EQ(scores[i].cider_d, expected[i].cider_d);
    }
    EXPECT_EQ(score_of(scores, BleuRule::coco).cider_d, score_of(expected, BleuRule::coco).cider_d);
  }
}

}  // namespace
}  // namespace photoscribe::test
