// serve_fixture: a server over a database with one photo in each state.
#pragma once

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tests/ops/serve/serve_process.h"
#include "tests/scheduler/store/store_fixture.h"

namespace photoscribe::test {

class Serve : public StoreTest {
 protected:
  /// One photo of each state, in two folders, with names that are hard to print.
  void SetUp() override {
    StoreTest::SetUp();
    scan({file("a/one \"1\".jpg"), file("a/caf\xe9.jpg"), file("b/deep/broken.jpg"),
          file("b/late.jpg"), file("b/two%.jpg")});
    std::vector<Task> tasks = take();
    std::sort(tasks.begin(), tasks.end(),
              [](const Task& x, const Task& y) { return x.path < y.path; });
    Result sure = captioned(tasks[1], "a dog, \"rex\", runs", 123.5);
    sure.finished_unix_ms += 1000;
    record({blurred(tasks[0], 20.25), sure, failed(tasks[2], Reason::truncated, "cut <b>short</b>"),
            captioned(tasks[4], "two dogs on a beach", 900)});
    must(store().index_captions(100));
    must(store().add_event(run(), "warning", "worker_died", "worker 1 ended (signal 9)"));
  }

  ServeProcess& start(const std::vector<std::string>& words = {}) {
    std::filesystem::create_directories(cache());
    server_.emplace(database(), cache(), words);
    return *server_;
  }
  [[nodiscard]] std::string cache() const { return folder_.file("cache"); }

  nlohmann::json photos(const std::string& parameters) {
    return server_->get("/api/photos?run=1&" + parameters);
  }
  std::vector<std::string> names(const std::string& parameters) {
    std::vector<std::string> all;
    const nlohmann::json found = photos(parameters);
    for (const nlohmann::json& row : found["rows"]) all.push_back(row["name"]);
    return all;
  }
  std::int64_t id_of(const std::string& name) {
    const nlohmann::json found = photos("");
    for (const nlohmann::json& row : found["rows"]) {
      if (row["name"] == name) return row["id"];
    }
    return 0;
  }

  std::optional<ServeProcess> server_;
};

}  // namespace photoscribe::test
