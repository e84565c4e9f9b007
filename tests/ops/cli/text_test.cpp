#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "common/text/base64.h"
#include "common/text/escape.h"
#include "common/text/human_numbers.h"
#include "common/text/safe_text.h"
#include "common/text/utf8.h"
#include "ops/cli/doctor/doctor_checks.h"
#include "ops/cli/run/workers_here.h"

namespace photoscribe::cli {
namespace {

TEST(SafeText, ShowsControlCharactersAndBadBytesAsEscapes) {
  EXPECT_EQ(shown("plain é 写真 🙂.jpg"), "plain é 写真 🙂.jpg");
  EXPECT_EQ(shown("a\nb\tc\rd"), "a\\nb\\tc\\rd");
  EXPECT_EQ(shown("\x1b[31mred\x07"), "\\x1B[31mred\\x07");
  EXPECT_EQ(shown("caf\xe9.jpg"), "caf\\xE9.jpg");
  EXPECT_EQ(shown("\xe2\x80\xaegpj.exe"), "\\u{202E}gpj.exe");
  EXPECT_EQ(shown("\xc2\x9b"), "\\u{9B}");
  EXPECT_EQ(shown(std::string("a\0b", 3)), "a\\x00b");
}

TEST(SafeText, TellsUtf8FromOtherBytes) {
  EXPECT_TRUE(is_valid_utf8("") && is_valid_utf8("é") && is_valid_utf8("\xf4\x8f\xbf\xbf"));
  for (const char* const bad : {"\xff", "\xc3", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80",
                                "\xf4\x90\x80\x80", "\x80", "a\xe9z"}) {
    EXPECT_FALSE(is_valid_utf8(bad)) << shown(bad);
  }
}

TEST(SafeText, ReplacesBadBytesAndKeepsTheRest) {
  EXPECT_EQ(replaced("caf\xe9\n.jpg"), "caf\xEF\xBF\xBD\n.jpg");
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foob\xff"), "Zm9vYv8=");
}

TEST(SafeText, CutsByColumnsAndNotByBytes) {
  EXPECT_EQ(columns("写真a"), 5U);
  EXPECT_EQ(columns("e\xcc\x81"), 1U);
  EXPECT_EQ(cut_end("写真a", 5), "写真a");
  EXPECT_EQ(cut_end("写真ab", 5), "写真…");
  EXPECT_EQ(cut_start("写真ab", 4), "…ab");
  EXPECT_EQ(cut_start("abcdef", 4), "…def");
  EXPECT_EQ(cut_end("abc", 0), "");
}

TEST(SafeText, QuotesWordsForAShell) {
  EXPECT_EQ(shell_quoted("a/b.db"), "a/b.db");
  EXPECT_EQ(shell_quoted(""), "''");
  EXPECT_EQ(shell_quoted("my photos"), "'my photos'");
  EXPECT_EQ(shell_quoted("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_quoted("a\nb'c\\"), "$'a\\x0Ab\\'c\\\\'");
  EXPECT_EQ(shell_quoted("caf\xe9"), "$'caf\\xE9'");
}

TEST(Utf8, WritesCodePointsAndMeasuresThemInColumns) {
  std::string text;
  for (const char32_t one : {U'a', U'é', U'写', U'🙂', char32_t{0xD800}, char32_t{0x110000}})
    append_utf8(text, one);
  EXPECT_EQ(text, "aé写🙂\uFFFD\uFFFD");
  EXPECT_EQ(columns("🙂"), 2U);
  EXPECT_EQ(columns("ไทย"), 3U);
  EXPECT_EQ(columns("नमस्ते"), 4U) << "marks of any script take none";
  EXPECT_EQ(columns("a\xff"), 2U);
}

TEST(Escape, KeepsBytesInTheirPlace) {
  EXPECT_EQ(html_escaped("<a href=\"x\">'&\xff"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;\uFFFD");
  EXPECT_EQ(csv_field("a b", ",\"\n"), "a b");
  EXPECT_EQ(csv_field("a,\"b\"", ",\"\n"), "\"a,\"\"b\"\"\"");
  EXPECT_EQ(percent_escaped(std::string("é%\xff\0/", 6)), "é%%FF%00/");
  EXPECT_EQ(percent_escaped("50%é", "%"), "50%25é");
  EXPECT_EQ(log_value("a \"b\"\n\x1b\xff\\"), "\"a \\\"b\\\"\\n\\x1b\\xff\\\\\"");
}

TEST(HumanNumbers, ReadAsAPersonWritesThem) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(-1234567), "-1,234,567");
  EXPECT_EQ(counted(1, "photo"), "1 photo");
  EXPECT_EQ(counted(7000, "photo"), "7,000 photos");
  EXPECT_EQ(duration_text(8.44), "8.4 s");
  EXPECT_EQ(duration_text(9.99), "10 s");
  EXPECT_EQ(duration_text(192), "3 min 12 s");
  EXPECT_EQ(duration_text(3599.7), "1 h 00 min");
  EXPECT_EQ(duration_text(200'000), "2 d 07 h");
  EXPECT_EQ(bytes_text(999), "999 B");
  EXPECT_EQ(bytes_text(1'500'000), "1.5 MB");
  EXPECT_EQ(bytes_text(412'000'000), "412 MB");
  EXPECT_EQ(rate_text(0.126), "0.13");
  EXPECT_EQ(rate_text(8.44), "8.4");
  EXPECT_EQ(rate_text(1234.5), "1,235");
}

TEST(WorkerPlan, GivesEachGpuAWorkerUnlessSomebodySaysOtherwise) {
  const std::vector<std::string> two{"cuda:0", "cuda:1"};
  WorkerConfig config;
  EXPECT_EQ(plan_workers(config, {}), (WorkerPlan{1, "auto"}));
  EXPECT_EQ(plan_workers(config, {"cuda:0"}), (WorkerPlan{1, "auto"}));
  EXPECT_EQ(plan_workers(config, two), (WorkerPlan{2, "cuda:0,cuda:1"}));
  config.count = 1;
  EXPECT_EQ(plan_workers(config, two), (WorkerPlan{1, "auto"})) << "one process may serve both";
  config.count = 4;
  EXPECT_EQ(plan_workers(config, two), (WorkerPlan{4, "cuda:0,cuda:1"}));
  EXPECT_EQ(plan_workers(config, {}), (WorkerPlan{4, "auto"}));
  config.count.reset();
  config.devices = "cuda:1,cuda:3";
  EXPECT_EQ(plan_workers(config, two), (WorkerPlan{2, "cuda:1,cuda:3"}));
  config.devices = "cpu";
  EXPECT_EQ(plan_workers(config, two), (WorkerPlan{1, "cpu"}));
}

TEST(DoctorChecks, TellAReferenceBlasFromAFastOne) {
  const auto health = [](double gflops) {
    return worker_checks_from(R"({"blas": {"gflops": )" + std::to_string(gflops) +
                                  R"(}, "devices": ["cpu"], "model": {"loads": true}})",
                              0)
        .at(0)
        .health;
  };

  EXPECT_EQ(health(5), CheckHealth::bad);
  EXPECT_EQ(health(98), CheckHealth::good);
}

TEST(DoctorChecks, SayWhenAGpuLiesIdleAndWhenAModelDoesNotOpen) {
  const auto checks = worker_checks_from(
      R"({"blas": {"library": "inside LibTorch"}, "devices": ["cpu"],
          "model": {"loads": false, "error": "vocab.txt: missing"}})",
      1);

  EXPECT_EQ(checks.at(0).health, CheckHealth::good);
  EXPECT_EQ(checks.at(1).health, CheckHealth::warning);
  EXPECT_EQ(checks.at(2).health, CheckHealth::bad);
  EXPECT_EQ(checks.at(2).finding, "vocab.txt: missing");
}

TEST(DoctorChecks, DoNotTrustAnAnswerThatIsNoJson) {
  for (const char* const text : {"", "segfault", "[]", R"({"devices": 7})", R"({"blas": 3})"}) {
    EXPECT_EQ(worker_checks_from(text, 0).at(0).health, CheckHealth::bad) << text;
  }
}

TEST(DoctorChecks, ReadTheVersionOfRedisAndValkey) {
  EXPECT_EQ(redis_version_from("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc"), "7.0.15");
  EXPECT_EQ(redis_version_from("Valkey server v=8.1.1 sha=00000000:0"), "8.1.1");
  EXPECT_EQ(redis_version_from("bash: not found"), "");
}

}  // namespace
}  // namespace photoscribe::cli
