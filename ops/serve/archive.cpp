#include "ops/serve/archive.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "scheduler/store/search.h"

namespace photoscribe::serve {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kReadersKept = 4, kViewsKept = 12, kIndexesKept = 3;
constexpr auto kRefresh = 1s;    // refresh period of an index in use
constexpr auto kUsed = 15s;      // an index is in use for this long after a request
constexpr auto kViewFresh = 2s;  // while photos arrive, a list is reused for this long
constexpr auto kCatchUp = 300ms;
constexpr auto kFirstReading = 120s;  // enough to read ten million photos

}  // namespace

Archive::Archive(std::string database) : database_(std::move(database)) {
  refresher_ = std::thread([this] { refresh_loop(); });
}

Archive::~Archive() {
  stop();
  refresher_.join();
}

void Archive::stop() {
  {
    const std::lock_guard<std::mutex> lock(index_mutex_);
    ending_ = true;
  }
  index_changed_.notify_all();
  const std::lock_guard<std::mutex> lock(readers_mutex_);
  for (Reader* reader : lent_) reader->browser.interrupt();
}

void Archive::catch_up() {
  const auto backlog = read([](Reader& reader) { return reader.store.search_backlog(); });
  if (!backlog || *backlog == 0) return;
  const auto until = Clock::now() + kCatchUp;
  // If the database cannot be written, it is searched as it is.
  (void)catch_up_index(database_, [until](std::int64_t) { return Clock::now() < until; });
}

Expected<std::unique_ptr<Reader>> Archive::lend(std::unique_ptr<Reader> reader) {
  const std::lock_guard<std::mutex> lock(readers_mutex_);
  if (ending_) return fail(Errc::cancelled, "the server is ending");
  lent_.insert(reader.get());
  return reader;
}

Expected<std::unique_ptr<Reader>> Archive::take() {
  std::unique_ptr<Reader> reader;
  {
    const std::lock_guard<std::mutex> lock(readers_mutex_);
    if (!readers_.empty()) {
      reader = std::move(readers_.back());
      readers_.pop_back();
    }
  }
  if (reader) return lend(std::move(reader));
  Expected<Store> store = Store::open_reader(database_);
  if (!store) return fail(store.error());
  Expected<PhotoBrowser> browser = PhotoBrowser::open(database_);
  if (!browser) return fail(browser.error());
  return lend(std::make_unique<Reader>(Reader{std::move(*store), std::move(*browser)}));
}

void Archive::give_back(std::unique_ptr<Reader> reader, bool good) {
  const std::lock_guard<std::mutex> lock(readers_mutex_);
  lent_.erase(reader.get());
  if (good && readers_.size() < kReadersKept) readers_.push_back(std::move(reader));
}

bool Archive::has_read(RunId run) {
  const std::lock_guard<std::mutex> lock(index_mutex_);
  const auto found = indexes_.find(run);
  return found != indexes_.end() && found->second.ready;
}

Expected<std::shared_ptr<const PhotoIndex>> Archive::index(RunId run) {
  std::unique_lock<std::mutex> lock(index_mutex_);
  Indexed& indexed = indexes_[run];
  if (!indexed.index) indexed.index = std::make_shared<PhotoIndex>(run);
  indexed.asked = Clock::now();
  indexed.failed.reset();
  std::shared_ptr<const PhotoIndex> index = indexed.index;
  if (indexed.ready) return index;
  index_changed_.notify_all();
  const bool answered = index_changed_.wait_for(lock, kFirstReading, [&] {
    const auto found = indexes_.find(run);
    return ending_ || found == indexes_.end() || found->second.ready || found->second.failed;
  });
  const auto found = indexes_.find(run);
  if (found != indexes_.end() && found->second.ready) return index;
  if (found != indexes_.end() && found->second.failed) return fail(*found->second.failed);
  return fail(Errc::store_busy, answered && ending_
                                    ? "the server is stopping"
                                    : "the photos are still being read: try again soon");
}

void Archive::refresh_loop() {
  std::unique_lock<std::mutex> lock(index_mutex_);
  while (!ending_) {
    const auto now = Clock::now();
    RunId due = 0;
    std::shared_ptr<PhotoIndex> index;
    for (auto& [run, indexed] : indexes_) {
      const bool wanted = !indexed.ready
                              ? !indexed.failed
                              : now - indexed.asked < kUsed && now - indexed.refreshed >= kRefresh;
      if (wanted) due = run, index = indexed.index;
    }
    if (!index) {
      index_changed_.wait_for(lock, 500ms);
      continue;
    }
    lock.unlock();
    const Status refreshed = read([&](Reader& reader) {
      return reader.browser.refresh(*index, [this] { return ending_.load(); });
    });
    lock.lock();
    Indexed& indexed = indexes_[due];
    indexed.refreshed = Clock::now();
    if (refreshed) indexed.ready = true;
    if (!refreshed) indexed.failed = refreshed.error();
    while (indexes_.size() > kIndexesKept) {
      indexes_.erase(std::min_element(
          indexes_.begin(), indexes_.end(),
          [](const auto& a, const auto& b) { return a.second.asked < b.second.asked; }));
    }
    index_changed_.notify_all();
  }
}

std::optional<OpenView> Archive::kept(const PhotoQuery& query, const std::string& token,
                                      std::int64_t version) {
  const std::lock_guard<std::mutex> lock(views_mutex_);
  const auto found = std::find_if(views_.begin(), views_.end(), [&](const KeptView& one) {
    if (one.key != query.key) return false;
    if (!token.empty()) return one.open.token == token;
    // The index has neither edits nor words, so its version does not cover them.
    const bool follows = !query.edited && query.words.empty();
    return (follows && one.open.view->version == version) ||
           Clock::now() - one.made < (follows ? Clock::duration(kViewFresh) : kRefresh);
  });
  if (found == views_.end()) return std::nullopt;
  views_.splice(views_.begin(), views_, found);
  return found->open;
}

Expected<OpenView> Archive::view(const PhotoQuery& query, const std::string& token) {
  const auto index = this->index(query.run);
  if (!index) return fail(index.error());
  if (auto open = kept(query, token, (*index)->version())) return *open;
  if (!token.empty()) {
    if (auto open = kept(query, "", (*index)->version())) return *open;
  }
  std::optional<std::vector<std::int64_t>> among;
  const auto narrow = [&](Expected<std::vector<std::int64_t>> ids) -> Status {
    if (!ids) return fail(ids.error());
    if (!among) {
      among = std::move(*ids);
      return {};
    }
    std::vector<std::int64_t> sorted = std::move(*ids);  // the first list's order stays
    std::sort(sorted.begin(), sorted.end());
    std::erase_if(*among, [&](std::int64_t id) {
      return !std::binary_search(sorted.begin(), sorted.end(), id);
    });
    return {};
  };
  if (!query.words.empty()) catch_up();
  const Status narrowed = read([&](Reader& reader) -> Status {
    PhotoBrowser& browser = reader.browser;
    const bool in_folder = query.root_id != 0 || query.filter.sort == PhotoSort::path;
    const bool folder_first = query.filter.sort == PhotoSort::path;
    Status good;
    if (folder_first) good = narrow(browser.in_folder(query.run, query.root_id, query.folder));
    // Captions that are not shown are found only if their state or reason is asked for.
    const bool any_state = !query.filter.states.empty() || query.filter.reason.has_value();
    if (good && !query.words.empty())
      good = narrow(browser.found(query.run, query.words, any_state));
    if (good && query.edited) good = narrow(browser.edited(query.run));
    if (good && in_folder && !folder_first) {
      good = narrow(browser.in_folder(query.run, query.root_id, query.folder));
    }
    return good;
  });
  if (!narrowed) return fail(narrowed.error());
  // By id, if no other order was asked for.
  if (among && query.filter.sort == PhotoSort::added) std::sort(among->begin(), among->end());
  auto made = std::make_shared<const PhotoView>(
      make_view(**index, query.filter, among ? &*among : nullptr));
  const std::lock_guard<std::mutex> lock(views_mutex_);
  OpenView open{std::to_string(next_token_++), std::move(made)};
  views_.push_front({open, query.key, Clock::now()});
  if (views_.size() > kViewsKept) views_.pop_back();
  return open;
}

}  // namespace photoscribe::serve
