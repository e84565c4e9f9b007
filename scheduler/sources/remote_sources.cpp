#include "scheduler/sources/remote_sources.h"

#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <optional>
#include <sstream>
#include <utility>

#include "common/remote/photo_url.h"
#include "common/remote/s3.h"
#include "common/sqlite/storage.h"
#include "scheduler/sources/root_name.h"
#include "scheduler/sources/walk_filter.h"
#include "scheduler/store/image_extensions.h"
#include "scheduler/store/paths.h"

namespace photoscribe {
namespace {

using sqlite::text_of;

constexpr std::size_t kNotSeenMax = 200;
constexpr std::size_t kServersMax = 5'000;  // each is a word of every worker's command line

/// The URL of a line of a list; empty: a blank line or a remark.
std::string url_in(std::string line) {
  const auto from = line.find_first_not_of(" \t\r");
  if (from == std::string::npos || line[from] == '#') return {};
  line.erase(0, from);
  line.erase(line.find_last_not_of(" \t\r") + 1);
  return line;
}

std::unique_ptr<std::istream> open_list(const UrlList& list) {
  if (list.file == "-") return std::make_unique<std::istringstream>(list.text);
  return std::make_unique<std::ifstream>(list.file);
}

/// What --split and the globs see of a URL's path: no query.
std::string without_query(const std::string& path) { return path.substr(0, path.find('?')); }

bool is_hidden(std::string_view key) {
  for (std::size_t at = 0; at <= key.size();) {
    const auto end = std::min(key.find('/', at), key.size());
    const std::string_view part = key.substr(at, end - at);
    if (part.starts_with('.') || part == "@eaDir") return true;
    at = end + 1;
  }
  return false;
}

class RemotePlanner {
 public:
  RemotePlanner(SourcePlan& plan, std::span<const Root> known) : plan_(plan) {
    for (const Root& root : known) add_known(root);
    for (std::size_t i = 0; i < plan_.roots.size(); ++i) {
      names_.insert(plan_.roots[i].name);
      index_[plan_.roots[i].folder] = static_cast<int>(i);
    }
  }

  int root_of(const std::string& folder) {
    const auto at = index_.find(folder);
    if (at != index_.end()) return at->second;
    const auto before = known_.find(folder);
    const std::string name =
        before == known_.end() ? root_name_for(folder, names_) : before->second;
    names_.insert(name);
    plan_.roots.push_back({name, folder});
    ++servers_;
    return index_[folder] = static_cast<int>(plan_.roots.size()) - 1;
  }

  [[nodiscard]] Status add(const std::string& argument) {
    const Expected<PhotoUrl> url = parse_photo_url(argument);
    if (!url) return fail(Errc::usage, text_of(argument) + ": " + url.error().message);
    if (url->path.empty() && !is_s3(url->root)) {
      return fail(Errc::usage, text_of(argument) +
                                   ": names a server, but no photo; web servers are not searched "
                                   "for photos: name each, or --urls FILE");
    }
    plan_.remote.push_back({root_of(url->root), url->path, is_s3(url->root)});
    return {};
  }

  [[nodiscard]] Status add_list(const std::string& file) {
    UrlList list{file, {}};
    if (file == "-") list.text.assign(std::istreambuf_iterator<char>(std::cin), {});
    const auto lines = open_list(list);
    if (!*lines) return fail(Errc::usage, "--urls " + text_of(file) + ": cannot be read");
    for (std::string line; std::getline(*lines, line);) {
      const std::string text = url_in(std::move(line));
      if (text.empty()) continue;
      if (const Expected<PhotoUrl> url = parse_photo_url(text)) (void)root_of(url->root);
      if (servers_ <= kServersMax) continue;
      return fail(Errc::usage, "--urls " + text_of(file) + ": more than " +
                                   std::to_string(kServersMax) +
                                   " different servers; split the list, one run each");
    }
    plan_.url_lists.push_back(std::move(list));
    return {};
  }

 private:
  void add_known(const Root& root) {
    names_.insert(root.name);
    known_[root.folder] = root.name;
  }

  SourcePlan& plan_;
  std::set<std::string> names_;
  std::map<std::string, std::string> known_;  // by folder
  std::map<std::string, int> index_;          // by folder
  std::size_t servers_ = 0;
};

}  // namespace

Status add_remote_sources(SourcePlan& plan, std::span<const std::string> urls,
                          std::span<const std::string> lists, std::span<const Root> known) {
  RemotePlanner planner(plan, known);
  for (const std::string& url : urls) {
    if (Status added = planner.add(url); !added) return added;
  }
  for (const std::string& file : lists) {
    if (Status added = planner.add_list(file); !added) return added;
  }
  return {};
}

struct RemoteWalker::Impl {
  /// A bucket that is being listed.
  struct Listing {
    std::string prefix, token;
    bool begun = false, barren = true;
  };

  std::vector<Root> roots;
  std::vector<RemoteStart> starts;
  std::vector<UrlList> lists;
  WalkOptions options;
  HttpClient client;
  WalkReport report;
  SkippedNames skipped;

  std::size_t start = 0, list = 0;
  std::optional<Listing> listing;
  std::unique_ptr<std::istream> lines;
  std::int64_t line = 0;
  std::map<std::string, int> index;  // root by its folder
  bool finished = false;

  Impl(const SourcePlan& plan, WalkOptions chosen, const RemoteSettings& settings)
      : roots(plan.roots),
        starts(plan.remote),
        lists(plan.url_lists),
        options(std::move(chosen)),
        client(settings) {
    for (std::size_t i = 0; i < roots.size(); ++i) index[roots[i].folder] = static_cast<int>(i);
  }

  [[nodiscard]] bool at_limit() const { return options.limit && report.files >= *options.limit; }
  void take(FoundFile file, std::vector<FoundFile>& found);
  void take_url(int root, std::string path, std::vector<FoundFile>& found);
  void take_object(int root, const S3Object& object, std::vector<FoundFile>& found);
  [[nodiscard]] Expected<S3Page> page_of(const std::string& bucket, const std::string& prefix,
                                         const std::string& token, int keys_max);
  [[nodiscard]] Status begin_listing(std::vector<FoundFile>& found);
  [[nodiscard]] Status list_more(std::vector<FoundFile>& found);
  void end_listing();
  void read_line(std::vector<FoundFile>& found);
  void finish();
};

void RemoteWalker::Impl::take(FoundFile file, std::vector<FoundFile>& found) {
  if (at_limit()) return;
  found.push_back(std::move(file));
  ++report.files;
}

void RemoteWalker::Impl::take_url(int root, std::string path, std::vector<FoundFile>& found) {
  if (!is_wanted(options, without_query(path))) {
    ++report.filtered;
    return;
  }
  FoundFile file;  // unchanged from one scan to the next: nobody asks the server
  file.root = root;
  file.path = std::move(path);
  take(std::move(file), found);
}

void RemoteWalker::Impl::take_object(int root, const S3Object& object,
                                     std::vector<FoundFile>& found) {
  if (object.key.ends_with('/') || is_hidden(object.key)) return;  // a folder's mark
  if (!options.all_files && !has_image_extension(base_name(object.key))) {
    skipped.add(base_name(object.key));
    return;
  }
  listing->barren = false;
  if (!is_wanted(options, object.key)) {
    ++report.filtered;
    return;
  }
  FoundFile file;
  file.root = root;
  file.path = object.key;
  file.size_bytes = object.size_bytes;
  file.mtime_ns = object.mtime_ns;
  take(std::move(file), found);
}

// Again for each page: a listing may outlast a token.
Expected<S3Page> RemoteWalker::Impl::page_of(const std::string& bucket, const std::string& prefix,
                                             const std::string& token, int keys_max) {
  const Expected<S3Account> account = find_s3_account(client.settings().credentials_file);
  if (!account) return fail(account.error());
  return fetch_page(client, *account, bucket, prefix, token, keys_max);
}

// A prefix is a folder, or a single object: "2019" is not "2019-old/a.jpg".
Status RemoteWalker::Impl::begin_listing(std::vector<FoundFile>& found) {
  const RemoteStart& from = starts[start];
  const std::string& bucket = roots[static_cast<std::size_t>(from.root)].folder;
  listing = Listing{};
  listing->prefix = from.path;
  if (from.path.empty() || from.path.ends_with('/')) return {};
  const Expected<S3Page> first = page_of(bucket, from.path, "", 1);
  if (!first) return fail(first.error());
  if (!first->objects.empty() && first->objects.front().key == from.path) {
    take_object(from.root, first->objects.front(), found);
  }
  listing->prefix += '/';
  return {};
}

Status RemoteWalker::Impl::list_more(std::vector<FoundFile>& found) {
  if (!listing) return begin_listing(found);
  const RemoteStart& from = starts[start];
  const std::string& bucket = roots[static_cast<std::size_t>(from.root)].folder;
  const Expected<S3Page> page = page_of(bucket, listing->prefix, listing->token, 1'000);
  if (!page) return fail(page.error());
  for (const S3Object& object : page->objects) take_object(from.root, object, found);
  listing->token = page->next_token;
  if (listing->token.empty()) end_listing();
  return {};
}

void RemoteWalker::Impl::end_listing() {
  const RemoteStart& from = starts[start];
  std::string prefix = from.path;
  while (prefix.ends_with('/')) prefix.pop_back();
  if (listing->barren) {
    report.barren.push_back({from.root, prefix});
  } else {
    report.walked.push_back({from.root, prefix, options.all_files});
  }
  ++report.folders;
  listing.reset();
  ++start;
}

void RemoteWalker::Impl::read_line(std::vector<FoundFile>& found) {
  const UrlList& from = lists[list];
  if (!lines) {
    lines = open_list(from);
    line = 0;
  }
  std::string text;
  if (!std::getline(*lines, text)) {
    lines.reset();
    ++list;
    return;
  }
  ++line;
  text = url_in(std::move(text));
  if (text.empty()) return;
  const Expected<PhotoUrl> url = parse_photo_url(text);
  const auto root = url ? index.find(url->root) : index.end();
  if (url && !url->path.empty() && !url->path.ends_with('/') && root != index.end())
    return take_url(root->second, url->path, found);
  ++report.not_seen_count;
  if (report.not_seen.size() >= kNotSeenMax) return;
  const std::string why = url ? "names no photo" : url.error().message;
  report.not_seen.push_back({from.file + ":" + std::to_string(line), why});
}

void RemoteWalker::Impl::finish() {
  if (finished) return;
  finished = true;
  if (filters(options) || report.reached_limit) report.walked.clear();
  report.skipped = skipped.by_extension();
}

RemoteWalker::RemoteWalker(const SourcePlan& plan, WalkOptions options,
                           const RemoteSettings& settings)
    : impl_(std::make_unique<Impl>(plan, std::move(options), settings)) {}
RemoteWalker::~RemoteWalker() = default;

Expected<std::vector<FoundFile>> RemoteWalker::next(std::size_t count) {
  Impl& impl = *impl_;
  std::vector<FoundFile> found;
  while (found.size() < count) {
    const bool some = impl.start < impl.starts.size() || impl.list < impl.lists.size();
    if (!some) break;
    if (impl.at_limit()) {
      impl.report.reached_limit = true;
      break;
    }
    if (impl.start == impl.starts.size()) {
      impl.read_line(found);
    } else if (impl.starts[impl.start].is_prefix) {
      if (Status listed = impl.list_more(found); !listed) return fail(listed.error());
    } else {
      impl.take_url(impl.starts[impl.start].root, impl.starts[impl.start].path, found);
      ++impl.start;
    }
  }
  if (found.empty()) impl.finish();
  return found;
}

const WalkReport& RemoteWalker::report() const { return impl_->report; }

void add_report(WalkReport& to, const WalkReport& from) {
  const auto append = [](auto& all, const auto& more) {
    all.insert(all.end(), more.begin(), more.end());
  };
  to.files += from.files;
  to.folders += from.folders;
  to.filtered += from.filtered;
  to.not_seen_count += from.not_seen_count;
  to.reached_limit = to.reached_limit || from.reached_limit;
  append(to.warnings, from.warnings);
  append(to.not_seen, from.not_seen);
  append(to.unknown, from.unknown);
  append(to.walked, from.walked);
  append(to.barren, from.barren);
  append(to.skipped, from.skipped);
  std::map<std::string, std::int64_t> skipped;
  for (const SkippedExtension& one : to.skipped) skipped[one.extension] += one.files;
  to.skipped = most_frequent(skipped);
}

}  // namespace photoscribe
