// archive: the database behind the page, for several threads at once: connections that read, the
// index of each run, and the lists of photos that pages have open.
//
// Nothing here holds a read transaction for longer than one call of the store, so the writer is
// never kept from emptying its log. A list is kept until others need its place: a page scrolls
// through one and the same list while photos arrive.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "common/core/error.h"
#include "scheduler/store/browse.h"
#include "scheduler/store/photo_view.h"
#include "scheduler/store/store.h"

namespace photoscribe::serve {

/// Two connections, used together by one thread.
struct Reader {
  Store store;
  PhotoBrowser browser;
};

/// Which photos, in which order, as a page asks for them.
struct PhotoQuery {
  RunId run = 0;
  PhotoFilter filter;
  std::int64_t root_id = 0;  // 0: all roots
  std::string folder;        // of that root; empty: all of it
  std::string words;         // to be found; empty: no search
  bool edited = false;
  std::string key;  // the same text for the same query
};

struct OpenView {
  std::string token;
  std::shared_ptr<const PhotoView> view;
};

class Archive {
 public:
  explicit Archive(std::string database);
  Archive(const Archive&) = delete;
  Archive& operator=(const Archive&) = delete;
  ~Archive();

  /// Interrupts what is being read and whoever waits for it. Nothing is read after that.
  void stop();

  [[nodiscard]] const std::string& database() const noexcept { return database_; }

  /// Calls `read` with a Reader that nobody else uses meanwhile; what it returns, or the error of
  /// opening one.
  template <class Read>
  auto read(Read&& read) -> decltype(read(std::declval<Reader&>())) {
    Expected<std::unique_ptr<Reader>> reader = take();
    if (!reader) return fail(reader.error());
    auto result = read(**reader);
    give_back(std::move(*reader), result.has_value());
    return result;
  }

  /// The list of the query: that of `token` when it is still there, else one that is at most a few
  /// seconds old.
  [[nodiscard]] Expected<OpenView> view(const PhotoQuery& query, const std::string& token);
  /// Whether index() answers at once.
  [[nodiscard]] bool has_read(RunId run);
  /// Waits until the run's photos are read, the first time.
  [[nodiscard]] Expected<std::shared_ptr<const PhotoIndex>> index(RunId run);

 private:
  struct Indexed {
    std::shared_ptr<PhotoIndex> index;
    std::chrono::steady_clock::time_point asked, refreshed;
    std::optional<Error> failed;
    bool ready = false;
  };
  struct KeptView {
    OpenView open;
    std::string key;
    std::chrono::steady_clock::time_point made;
  };
  [[nodiscard]] Expected<std::unique_ptr<Reader>> take();
  [[nodiscard]] Expected<std::unique_ptr<Reader>> lend(std::unique_ptr<Reader> reader);
  /// Indexes for search what is not indexed yet, for kCatchUp at most: what is left is found later.
  void catch_up();
  void give_back(std::unique_ptr<Reader> reader, bool good);
  [[nodiscard]] std::optional<OpenView> kept(const PhotoQuery& query, const std::string& token,
                                             std::int64_t version);
  void refresh_loop();

  const std::string database_;
  std::mutex readers_mutex_;
  std::vector<std::unique_ptr<Reader>> readers_;
  std::set<Reader*> lent_;

  std::mutex views_mutex_;
  std::list<KeptView> views_;  // the last used in front
  std::int64_t next_token_ = 1;

  std::mutex index_mutex_;
  std::condition_variable index_changed_;
  std::map<RunId, Indexed> indexes_;
  std::atomic<bool> ending_ = false;
  std::thread refresher_;
};

}  // namespace photoscribe::serve
