// search: photos by the words of their captions, sidecars and paths.
#include <unistd.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>

#include "common/core/output_file.h"
#include "common/core/standard_output.h"
#include "common/text/human_numbers.h"
#include "common/text/safe_text.h"
#include "ops/cli/run/database_option.h"
#include "ops/cli/run/export_format.h"
#include "ops/cli/run/writer.h"
#include "ops/cli/terminal/exit_status.h"
#include "ops/cli/terminal/terminal.h"
#include "ops/cli/terminal/time_word.h"
#include "ops/cli/verbs/verbs.h"
#include "scheduler/store/search.h"
#include "scheduler/store/store.h"

namespace photoscribe::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kIndexingDuringRun{1};  // at most, while a scheduler records

const std::map<std::string, SearchSort> kSortNames{
    {"best", SearchSort::best},     {"added", SearchSort::added},
    {"newest", SearchSort::newest}, {"oldest", SearchSort::oldest},
    {"path", SearchSort::path},     {"confidence", SearchSort::confidence}};

struct SearchOptions {
  explicit SearchOptions(CLI::App& verb) : settings(verb), database(settings) {}
  Settings settings;
  DatabaseOption database;
  std::vector<std::string> words;
  SearchRequest request;
  std::string format = "table", since, until, sort = "best";
  std::int64_t limit = -1;
  bool json = false;
};

void print_note(const std::string& text) { write_all(STDERR_FILENO, text + "\n"); }

/// Indexes everything if no scheduler is running, else for a second: the scheduler does the rest
/// when idle.
void bring_up_to_date(const std::string& database, std::int64_t left) {
  const bool beside = current_writer(database).has_value();
  const Clock::time_point begun = Clock::now();
  Clock::time_point printed_at = begun;
  (void)catch_up_index(database, [&](std::int64_t looked_at) {
    left -= looked_at;
    const Clock::time_point now = Clock::now();
    if (now - printed_at > std::chrono::seconds(2) && left > 0) {
      print_note("indexing what is new: " + grouped(left) + " left");
      printed_at = now;
    }
    return !beside || now - begun < kIndexingDuringRun;
  });
}

Expected<SearchRequest> request_of(const SearchOptions& options) {
  SearchRequest request = options.request;
  for (const std::string& word : options.words) {
    request.query += (request.query.empty() ? "" : " ") + plain_word(word);
  }
  request.sort = kSortNames.at(options.sort);
  const bool for_eyes = options.format == "table" && !options.json;
  request.limit = options.limit >= 0 ? options.limit : for_eyes ? 20 : 0;
  if (!options.since.empty()) {
    const Expected<std::int64_t> since = time_word_begin(options.since);
    if (!since) return fail(since.error());
    request.since_unix_ms = *since;
  }
  if (!options.until.empty()) {
    const Expected<std::int64_t> until = time_word_end(options.until);
    if (!until) return fail(until.error());
    request.until_unix_ms = *until;
  }
  return request;
}

/// A row as text in one format, and what goes before the first row and after the last.
struct RowText {
  std::string head, tail;
  std::function<std::string(const ResultRow&)> row;
};

Expected<RowText> paths_text(Manifest& store) {
  const auto folders = std::make_shared<std::map<std::string, std::string>>();
  const auto read = [folders, &store]() -> Status {
    const Expected<std::vector<Root>> roots = store.known_roots();
    if (!roots) return fail(roots.error());
    for (const Root& root : *roots) (*folders)[root.name] = root.folder;
    return {};
  };
  if (Status first = read(); !first) return fail(first.error());
  return RowText{"", "", [folders, read](const ResultRow& row) {
                   // A run may have added a root since.
                   if (!folders->contains(row.root)) static_cast<void>(read());
                   std::string path = (*folders)[row.root];
                   if (!path.ends_with('/')) path += '/';
                   return path + row.path + std::string(1, '\0');
                 }};
}

Expected<RowText> row_text(const SearchOptions& options, Store& store, bool to_terminal) {
  if (options.json) {
    const std::shared_ptr<ExportFormat> lines = jsonl_format();
    const auto first = std::make_shared<bool>(true);
    return RowText{"{\"photos\":[", "]", [lines, first](const ResultRow& row) {
                     std::string line = lines->row(row);
                     line.pop_back();
                     return (std::exchange(*first, false) ? "" : ",") + line;
                   }};
  }
  if (options.format == "paths0") return paths_text(store);
  const Expected<std::vector<Root>> roots = store.known_roots();
  if (!roots) return fail(roots.error());
  ExportRun about;
  about.several_roots = roots->size() > 1;
  std::shared_ptr<ExportFormat> format;
  if (options.format == "csv") {
    format = csv_format(about, {to_terminal, false});
  } else if (options.format == "jsonl") {
    format = jsonl_format(about);
  } else {
    format = table_format(to_terminal ? terminal_columns(STDOUT_FILENO) : 0,
                          to_terminal ? Ink::of(STDOUT_FILENO) : Ink(false), about);
  }
  return RowText{format->head(), format->tail(),
                 [format](const ResultRow& row) { return format->row(row); }};
}

void print_outcome(const SearchRequest& request, const SearchOutcome& outcome,
                   std::int64_t backlog) {
  if (outcome.photos == 0) print_note("no photo found");
  if (outcome.many) {
    print_note("more than " + grouped(kRankedMax) +
               " photos match: those added last come first; more words find the best first");
  }
  if (outcome.more) {
    print_note("there are more: --limit N, --offset " +
               std::to_string(request.offset + outcome.photos));
  }
  if (backlog > 0) print_note(grouped(backlog) + " results or edits are not indexed yet");
}

Status search_photos(const SearchOptions& options) {
  const Expected<std::string> database = options.database.path();
  if (!database) return fail(database.error());
  const Expected<SearchRequest> request = request_of(options);
  if (!request) return fail(request.error());
  Expected<Store> store = Store::open_reader(*database);
  if (!store) return fail(store.error());
  Expected<std::int64_t> backlog = store->search_backlog();
  if (backlog && *backlog > 0) {
    bring_up_to_date(*database, *backlog);
    backlog = store->search_backlog();
  }
  if (!backlog) return fail(backlog.error());
  const auto output = OutputFile::open("");
  if (!output) return fail(output.error());
  const Expected<RowText> text = row_text(options, *store, (*output)->is_terminal());
  if (!text) return fail(text.error());
  bool begun = false;
  const auto begin = [&]() -> Status {
    if (std::exchange(begun, true)) return {};
    return (*output)->add(text->head);
  };
  const Expected<SearchOutcome> outcome =
      store->search(*request, [&](const ResultRow& row) -> Status {
        if (standard_output_lost()) return fail(Errc::cancelled, "nobody reads on");
        if (Status head = begin(); !head) return head;
        const bool edited = row.edited_caption && !request->original;
        return (*output)->add(text->row(edited ? preferring_edit(row) : row));
      });
  if (!outcome && outcome.error().code == Errc::cancelled) return {};
  if (!outcome) return fail(outcome.error());
  const bool needs_head = options.json || options.format == "csv";
  if (Status head = needs_head ? begin() : Status(); !head) return head;
  std::string tail = text->tail;
  if (options.json) {
    const auto word = [](bool is) { return is ? "true" : "false"; };
    tail += std::string(",\"best_first\":") + word(outcome->best_first) +
            ",\"more\":" + word(outcome->more) + ",\"not_indexed\":" + std::to_string(*backlog) +
            "}\n";
  }
  if (Status ended = (*output)->add(tail); !ended) return ended;
  if (Status ended = (*output)->finish(); !ended) return ended;
  if (!options.json) print_outcome(*request, *outcome, *backlog);
  return {};
}

}  // namespace

void add_search(CLI::App& app, Action& action) {
  CLI::App* const verb = app.add_subcommand("search", "find photos by words");
  const auto options = std::make_shared<SearchOptions>(*verb);
  verb->add_option("words", options->words, "what to look for (none: every photo)")
      ->type_name("WORDS");
  verb->add_option("--state", options->request.states,
                   "photos that are done, unsure, blurred, failed or pending (repeatable;\n"
                   "default: done, and those whose caption people edited)")
      ->type_name("STATE")
      ->allow_extra_args(false)
      ->check(CLI::IsMember({"done", "unsure", "blurred", "failed", "pending"}));
  verb->add_option("--since", options->since,
                   "files from this time on: 2019, 2019-06, 2019-06-30, 7d")
      ->type_name("TIME");
  verb->add_option("--until", options->until, "files up to this time, the whole of it")
      ->type_name("TIME");
  verb->add_option("--min-confidence", options->request.confidence_min,
                   "captions that are right with at least this probability, or edited")
      ->type_name("P")
      ->check(CLI::Range(0.0, 1.0));
  verb->add_option("--root", options->request.root, "photos of this root")->type_name("NAME");
  verb->add_option("--run", options->request.run,
                   "captions of this run (default: each photo's latest)")
      ->type_name("NAME");
  verb->add_flag("--vanished", options->request.vanished, "also photos that are no longer there");
  verb->add_flag("--original", options->request.original,
                 "the model's captions, even where people edited them");
  verb->add_option("--sort", options->sort, "best, added, newest, oldest, path or confidence")
      ->type_name("ORDER")
      ->check(CLI::IsMember(kSortNames));
  verb->add_option("--limit", options->limit, "at most N photos (table: 20; else all; 0: all)")
      ->type_name("N")
      ->check(CLI::NonNegativeNumber);
  verb->add_option("--offset", options->request.offset, "skip the first N")
      ->type_name("N")
      ->check(CLI::NonNegativeNumber);
  verb->add_option("-f,--format", options->format,
                   "table, csv, jsonl (as export), or paths0: files, each followed by a NUL")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"table", "csv", "jsonl", "paths0"}));
  verb->add_flag("--json", options->json, "one JSON object");
  verb->footer(
      "Words in any form and order; \"red car\" side by side; surf* by its beginning; -cat\n"
      "without; dog OR cat; ( … ); photographer:ana in a column of a list, and caption:,\n"
      "edited:, original:, path:, text: (all columns), sees: (what the model saw).\n"
      "Examples:\n"
      "  photoscribe search archive.db 'dog beach -cat \"red car\" surf*'\n"
      "  photoscribe search archive.db photographer:ana --since 2019 --until 2019\n"
      "  photoscribe search archive.db --format paths0 sunset | xargs -0 cp -t /tmp/sunsets\n"
      "A word with a dash in front goes after other words in the same quotes, or after --:\n"
      "search DB -- -cat");
  verb->callback([options, &action] {
    action = [options] {
      const Status done = search_photos(*options);
      return done ? kExitDone : report("search", done.error());
    };
  });
}

}  // namespace photoscribe::cli
