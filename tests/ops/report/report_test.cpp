// What a report says about a run, on a real database and real photos.
#include "ops/report/report.h"

#include <gmock/gmock.h>

#include "common/scores/tokenize.h"
#include "ops/report/page.h"
#include "ops/report/tables.h"
#include "tests/ops/report/report_fixture.h"

namespace photoscribe::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const report::GalleryPhoto* photo_named(const report::Report& made, const std::string& name) {
  for (const auto& photo : made.gallery) {
    if (photo.name == name) return &photo;
  }
  return nullptr;
}

TEST_F(ReportTest, ScoresTheCaptionedPhotosAndAllOfThem) {
  const report::Report made = report();

  ASSERT_TRUE(made.evaluation);
  const report::Evaluation& e = *made.evaluation;
  EXPECT_EQ(e.clear.photos, kCaptioned);
  EXPECT_EQ(e.all.photos,
            kCaptioned + 1);  // the blurred one has references, the failed one has not
  EXPECT_EQ(e.blurred, 1);
  BleuCounts sum;
  for (int i = 0; i < kCaptioned; ++i) {
    std::vector<Tokens> references;
    for (const std::string& text : references_of(i)) references.push_back(ptb_tokens(text));
    sum += count_bleu(ptb_tokens(caption_of(i)), references);
  }
  for (std::size_t n = 0; n < 4; ++n) EXPECT_DOUBLE_EQ(e.clear.score.bleu[n], bleu(sum)[n]);
  EXPECT_NEAR(e.all.score.rouge_l * (kCaptioned + 1), e.clear.score.rouge_l * kCaptioned, 1e-9);
  EXPECT_LT(e.clear.intervals.bleu[0].low, e.clear.score.bleu[0]);
  EXPECT_GT(e.clear.intervals.bleu[0].high, e.clear.score.bleu[0]);
  EXPECT_THAT(e.clear.signature, HasSubstr("photos:12|refs:2|tok:ptb"));
  EXPECT_THAT(e.clear.signature, HasSubstr("split:dev.txt|blurred-dropped:1"));
}

TEST_F(ReportTest, ScoresWhatIsShownAndWhatIsKeptBack) {
  RunSettings judged = settings();
  judged.confidence = ConfidenceModel{3, {5}};
  judged.min_confidence = 0.5;  // of five tokens, log-probability -3 and above
  EXPECT_EQ(must(store().ensure_run("default", judged)).became_unsure, kCaptioned - 3);

  const report::Report made = report(20);

  ASSERT_TRUE(made.evaluation);
  const report::Evaluation& e = *made.evaluation;
  EXPECT_EQ(e.unsure, kCaptioned - 3);
  EXPECT_EQ(e.clear.photos, 3);
  EXPECT_EQ(e.clear.name, "captions shown");
  EXPECT_THAT(e.clear.signature, HasSubstr("|blurred-dropped:1|unsure-dropped:9"));
  ASSERT_TRUE(e.with_unsure);
  EXPECT_EQ(e.with_unsure->photos, kCaptioned);
  EXPECT_EQ(e.all.photos, kCaptioned + 1);
  EXPECT_NEAR(e.all.score.rouge_l * (kCaptioned + 1), e.clear.score.rouge_l * 3, 1e-9)
      << "a caption that is kept back counts as an empty one";
  EXPECT_EQ(e.reliability->captions, kCaptioned) << "of all captions: else nobody could tell";
  // The even captions are references, the odd ones name men and a table that nobody saw.
  EXPECT_DOUBLE_EQ(e.reliability->share_good, 0.5);
  ASSERT_EQ(e.precision.size(), 1U) << "one root";
  const auto& points = e.precision[0].points;
  EXPECT_EQ(points[0].share, 1);
  EXPECT_DOUBLE_EQ(points[0].precision, 0.5);
  EXPECT_EQ(points[5].min_confidence, 0.5);
  EXPECT_DOUBLE_EQ(points[5].share, 3.0 / kCaptioned);
  EXPECT_DOUBLE_EQ(points[5].precision, 2.0 / 3) << "captions 0 to 2 are shown";
  EXPECT_EQ(photo_named(made, "p5.jpg")->state, "unsure");
  EXPECT_THAT(html_page(made), HasSubstr("unsure: confidence below 0.5"));
  EXPECT_THAT(report::markdown(made), HasSubstr("3 captioned, 9 unsure, 1 blurred"));
  EXPECT_THAT(report::markdown(made), HasSubstr("| 0.5 | 66.7 (25.0) |"));
  EXPECT_THAT(html_page(made), HasSubstr("id=\"precision\""));
}

TEST_F(ReportTest, CountsCaptionsThatNameWhatNoReferenceNames) {
  const report::Report made = report();

  // "a … dog" once, "a dog … grass" five times, and six times men and a table that nobody named.
  const report::ScoreLine& clear = made.evaluation->clear;
  EXPECT_EQ(clear.chair_counts, (ChairCounts{12, 6, 1 + 10 + 12, 12, 0, 0}));
  EXPECT_DOUBLE_EQ(clear.chair.chair_s, 0.5);
  EXPECT_DOUBLE_EQ(made.evaluation->all.chair.chair_s, 6.0 / 13);
  EXPECT_LT(clear.chair_intervals.chair_s.low, 0.5);
  EXPECT_GT(clear.chair_intervals.chair_s.high, 0.5);
  EXPECT_THAT(clear.signature, HasSubstr("|chair:" + ObjectLexicon::built_in().hash()));

  const nlohmann::json json = report::to_json(made)["scores"]["clear"]["chair"];
  EXPECT_EQ(json["chair_s"], 0.5);
  EXPECT_EQ(json["hallucinated"], 12);
  EXPECT_TRUE(json["recall"].is_null());  // no photo has three references
  EXPECT_THAT(report::markdown(made), HasSubstr("CHAIRs | CHAIRi | recall |"));
  EXPECT_THAT(report::markdown(made), HasSubstr("| 50.0 ("));
  EXPECT_THAT(report::html_page(made), HasSubstr("<th>CHAIRs</th>"));
  EXPECT_THAT(report::html_page(made), HasSubstr("<td>50.0<small>"));
}

TEST_F(ReportTest, PicksThePhotosThatAreWorthALook) {
  const report::Report made = report();

  const report::GalleryPhoto* best = photo_named(made, "p2.jpg");
  ASSERT_NE(best, nullptr);
  EXPECT_THAT(best->galleries, Contains("best"));
  EXPECT_DOUBLE_EQ(best->rouge_l.value(), 1.0);
  const report::GalleryPhoto* worst = photo_named(made, "p1.jpg");
  ASSERT_NE(worst, nullptr);
  EXPECT_THAT(worst->galleries, Contains("worst"));
  const report::GalleryPhoto* surest = photo_named(made, name_of(0));
  ASSERT_NE(surest, nullptr);
  EXPECT_THAT(surest->galleries, Contains("most confident"));
  EXPECT_THAT(surest->galleries, Contains("just clear"));
  EXPECT_NEAR(surest->confidence.value(), std::exp(-1.0 / 5), 1e-12);
  const report::GalleryPhoto* blur = photo_named(made, "p12.jpg");
  ASSERT_NE(blur, nullptr);
  EXPECT_THAT(blur->galleries, ::testing::ElementsAre("most blurred"));
  EXPECT_EQ(photo_named(made, "p13.jpg"), nullptr);
  EXPECT_THAT(best->thumbnail, StartsWith("\xff\xd8"));
  EXPECT_NE(best->thumbnail, surest->thumbnail);
}

TEST_F(ReportTest, ShowsAPhotoThatIsGoneWithoutItsPicture) {
  const report::Report made = report(20);

  const report::GalleryPhoto* gone = photo_named(made, "p3.jpg");

  ASSERT_NE(gone, nullptr);
  EXPECT_TRUE(gone->thumbnail.empty());
  EXPECT_THAT(report::html_page(made), HasSubstr("cannot be read now"));
}

TEST_F(ReportTest, ComparesTwoRunsPhotoByPhoto) {
  RunSettings greedy = settings();
  greedy.search.beam = 1;
  const RunId other = must(store().ensure_run("greedy", greedy)).run.id;
  std::vector<FoundFile> files;
  for (int i = 0; i < kCaptioned; ++i) files.push_back(file(name_of(i)));
  Scan one = must(store().begin_scan(other, {{"photos", folder_.file("photos")}}));
  must(one.add(files));
  must(one.finish({}, {}));
  finish(other, "two men sit at a table");
  report::ReportOptions options;
  options.resamples = 200;

  const report::Report made = must(report::make_report(store(), run(), options, &store(), other));
  const report::Report same = must(report::make_report(store(), run(), options, &store(), run()));

  ASSERT_TRUE(made.evaluation->against);
  EXPECT_EQ(made.evaluation->against->photos, kCaptioned);
  EXPECT_GT(made.evaluation->against->scores.bleu[0].difference, 0.2);
  EXPECT_LT(made.evaluation->against->scores.bleu[0].p, 0.05);
  EXPECT_EQ(same.evaluation->against->scores.bleu[0].difference, 0);
  EXPECT_EQ(same.evaluation->against->scores.bleu[0].p, 1);
  EXPECT_THAT(report::markdown(made), HasSubstr("## Against run greedy"));
}

TEST_F(ReportTest, RefusesToCompareRunsWithoutACommonPhoto) {
  const RunId other = must(store().ensure_run("empty", settings())).run.id;
  report::ReportOptions options;

  const auto refused = report::make_report(store(), run(), options, &store(), other);

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::usage);
}

TEST_F(ReportTest, WritesAPageThatNeedsNothingAndReadsNoMarkup) {
  const std::string page = report::html_page(report());

  EXPECT_THAT(page, Not(HasSubstr("<script>alert")));
  EXPECT_THAT(page, Not(HasSubstr("<b>&\"0.jpg")));
  EXPECT_THAT(page, Not(HasSubstr("<i>of the model")));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;alert(1)&lt;/script&gt;"));
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  for (const char* elsewhere : {"http://", "https://", "src=\"/", "@import", "url("}) {
    EXPECT_THAT(page, Not(HasSubstr(elsewhere))) << elsewhere;
  }
  const std::string mark = "id=\"report-data\">";
  const std::size_t from = page.find(mark) + mark.size();
  const auto numbers =
      nlohmann::json::parse(page.substr(from, page.find("</script>", from) - from));
  EXPECT_EQ(numbers["scores"]["clear"]["photos"], kCaptioned);
  EXPECT_EQ(numbers["counts"]["pending"], 1);
  EXPECT_EQ(numbers["failures"][0]["reason"], "truncated");
}

TEST(PValue, Issue13NeverPrintsAsNothingAtAll) {
  EXPECT_EQ(report::p_value(0), "< 0.001");
  EXPECT_EQ(report::p_value(0.00099), "< 0.001");
  EXPECT_EQ(report::p_value(0.001), "0.001");
  EXPECT_EQ(report::p_value(0.25), "0.250");
}

TEST_F(ReportTest, Issue13SortsByConfidenceWhereThereAreNoReferences) {
  const RunId other = must(store().ensure_run("plain", settings())).run.id;
  Scan one = must(store().begin_scan(other, {{"photos", folder_.file("photos")}}));
  must(one.add(std::vector{file(name_of(0))}));
  must(one.finish({}, {}));
  finish(other, "two men sit at a table");
  report::ReportOptions options;
  options.resamples = 200;
  const auto opens_with = [](const std::string& order) {
    return HasSubstr("<select id=\"order\"><option value=\"" + order + " down\">");
  };

  EXPECT_THAT(report::html_page(must(report::make_report(store(), other, options))),
              opens_with("confidence"));
  EXPECT_THAT(report::html_page(must(report::make_report(store(), run(), options))),
              opens_with("cider"));
}

TEST_F(ReportTest, ReportsOnARunWithoutReferences) {
  const RunId other = must(store().ensure_run("plain", settings())).run.id;
  Scan one = must(store().begin_scan(other, {{"photos", folder_.file("photos")}}));
  must(one.add(std::vector{file("p1.jpg")}));
  must(one.finish({}, {}));
  report::ReportOptions options;

  const report::Report made = must(report::make_report(store(), other, options));

  EXPECT_FALSE(made.evaluation);
  EXPECT_THAT(report::html_page(made), Not(HasSubstr("id=\"scores\"")));
  EXPECT_THAT(report::markdown(made), HasSubstr("1 photo: 0 captioned"));
}

}  // namespace
}  // namespace photoscribe::test
