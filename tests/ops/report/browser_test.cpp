// The page in a real browser: nothing complains, the charts are there, filter and order work.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "ops/cli/run/child_output.h"
#include "ops/report/page.h"
#include "tests/ops/report/report_fixture.h"

namespace photoscribe::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Works the page's own controls and leaves what it saw in an attribute of the root element.
constexpr const char* kVisitor = R"js(<script>
window.addEventListener("load", () => {
  const saw = {};
  const change = (id, value) => {
    const control = document.getElementById(id);
    control.value = value;
    control.dispatchEvent(new Event(id === "words" ? "input" : "change"));
  };
  const shown = () => Array.from(document.querySelectorAll(".photo")).filter((card) => !card.hidden);
  saw.charts = document.querySelectorAll("svg.chart").length;
  saw.bars = Array.from(document.querySelectorAll("svg.chart")).map((c) => c.querySelectorAll(".bar").length);
  saw.height = document.querySelector("svg.chart").getBoundingClientRect().height;
  saw.all = shown().length;
  change("which", "most blurred");
  saw.blurred = shown().length;
  change("which", "");
  change("words", "NUMBER 4 GRASS");
  saw.words = shown().map((card) => card.dataset.name);
  change("words", "");
  change("order", "blur up");
  saw.blurs = shown().map((card) => Number(card.dataset.blur));
  saw.download = !document.getElementById("download").hidden;
  saw.numbers = JSON.parse(document.getElementById("report-data").textContent).counts.photos;
  document.documentElement.setAttribute("data-saw", JSON.stringify(saw));
});
</script>)js";

TEST_F(ReportTest, PageWorksInABrowser) {
  const auto browser = cli::run_child({"chromium", "--version"}, std::chrono::seconds(20));
  if (!browser || browser->exit_status != 0) GTEST_SKIP() << "chromium is not installed here";
  std::string page = report::html_page(report());
  page.insert(page.rfind("</body>"), kVisitor);
  const std::string file = folder_.write("report.html", page);

  const auto seen = must(cli::run_child(
      {"chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
       "--enable-logging=stderr", "--user-data-dir=" + folder_.file("profile"),
       "--virtual-time-budget=5000", "--dump-dom", "file://" + file},
      std::chrono::seconds(120)));

  EXPECT_THAT(seen.err, Not(HasSubstr("CONSOLE")));
  const std::string mark = "data-saw=\"";
  const std::size_t from = seen.out.find(mark);
  ASSERT_NE(from, std::string::npos) << seen.out.substr(0, 500) << seen.err;
  std::string text = seen.out.substr(from + mark.size());
  text = text.substr(0, text.find("\">"));
  for (std::size_t at = text.find("&quot;"); at != std::string::npos; at = text.find("&quot;")) {
    text.replace(at, 6, "\"");
  }
  const auto saw = nlohmann::json::parse(text);
  EXPECT_EQ(saw["charts"], 4);
  for (const auto& bars : saw["bars"]) EXPECT_GT(bars.get<int>(), 0);
  EXPECT_GT(saw["height"].get<double>(), 50);
  EXPECT_GT(saw["all"].get<int>(), 6);
  EXPECT_EQ(saw["blurred"], 1);
  EXPECT_EQ(saw["words"], nlohmann::json::array({"p4.jpg"}));
  const auto blurs = saw["blurs"].get<std::vector<double>>();
  EXPECT_TRUE(std::is_sorted(blurs.begin(), blurs.end()));
  EXPECT_EQ(saw["download"], true);
  EXPECT_EQ(saw["numbers"], kCaptioned + 3);
}

}  // namespace
}  // namespace photoscribe::test
