// archive: the database behind the page, for several threads: connections that read, the index of
// each run, and the lists of photos that pages have open.
//
// Nothing here holds a read transaction for longer than one call of the store, so the writer can
// always checkpoint its log. A list is kept until newer ones replace it, so that a page scrolls
// through the same list while photos arrive.
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

/// Two connections, used by one thread at a time.
struct Reader {
  Store store;
  PhotoBrowser browser;
};

/// Which photos a page asks for, and in which order.
struct PhotoQuery {
  RunId run = 0;
  PhotoFilter filter;
  std::int64_t root_id = 0;  // 0: all roots
  std::string folder;        // of that root; empty: the whole root
  std::string words;         // to search for; empty: no search
  bool edited = false;
  std::string key;  // equal for equal queries
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

  /// Calls `read` with a Reader of its own; returns its result, or the error of opening one.
  template <class Read>
  auto read(Read&& read) -> decltype(read(std::declval<Reader&>())) {
    Expected<std::unique_ptr<Reader>> reader = take();
    if (!reader) return fail(reader.error());
    auto result = read(**reader);
    give_back(std::move(*reader), result.has_value());
    return result;
  }

  /// The list of the query: that of `token` if it is still kept, else one that is at most a few
  /// seconds old.
  [[nodiscard]] Expected<OpenView> view(const PhotoQuery& query, const std::string& token);
  /// Whether index() would return at once.
  [[nodiscard]] bool has_read(RunId run);
  /// The first time, waits until the run's photos are read.
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
  /// Adds to the search index what is missing, for at most kCatchUp; the rest is found later.
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
  std::list<KeptView> views_;  // the last used first
  std::int64_t next_token_ = 1;

  std::mutex index_mutex_;
  std::condition_variable index_changed_;
  std::map<RunId, Indexed> indexes_;
  std::atomic<bool> ending_ = false;
  std::thread refresher_;
};

}  // namespace photoscribe::serve
