#include "common/redis/queue_parse.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "common/core/wire.h"

namespace photoscribe::redis {
namespace {

constexpr int kIntMax = std::numeric_limits<std::int32_t>::max();

/// A number in [min, max]; nothing for another.
std::optional<std::int64_t> in_range(ReplyView value, std::int64_t min, std::int64_t max) {
  const auto number = value.number();
  if (!number || *number < min || *number > max) return std::nullopt;
  return number;
}

/// The value of a field; nil when there is none.
ReplyView field(ReplyView fields, std::string_view name) {
  for (std::size_t i = 0; i + 1 < fields.size(); i += 2) {
    if (fields[i].text() == name) return fields[i + 1];
  }
  return {};
}

/// `BYTES:OFFSET` for a task with this path; nothing for what is not that.
std::optional<ArchiveMember> parse_member(std::string_view text, std::string_view path) {
  ArchiveMember member;
  const char* const end = text.data() + text.size();
  const auto size = std::from_chars(text.data(), end, member.archive_size);
  if (size.ec != std::errc{} || size.ptr == end || *size.ptr != ':') return std::nullopt;
  const auto offset = std::from_chars(size.ptr + 1, end, member.offset);
  if (offset.ec != std::errc{} || offset.ptr != end || member.offset < 0) return std::nullopt;
  const auto at = static_cast<std::size_t>(member.archive_size);
  if (member.archive_size <= 0 || at >= path.size() || path[at] != '!') return std::nullopt;
  return member;
}

std::optional<int> take_number(std::string_view& text) {
  int value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || stop == text.data() + text.size() || *stop != ' ') {
    return std::nullopt;
  }
  text.remove_prefix(static_cast<std::size_t>(stop + 1 - text.data()));
  return value;
}

std::optional<ResultBatch> parse_condemned(EntryId id, ReplyView fields) {
  const auto image = in_range(field(fields, "i"), 0, std::numeric_limits<std::int64_t>::max());
  const auto attempt = in_range(field(fields, "a"), 1, kIntMax);
  const auto count = in_range(field(fields, "c"), 1, kIntMax);
  const ReplyView worker = field(fields, "w");
  if (!image || !attempt || !count || !worker.is_text()) return std::nullopt;
  Failed failed;
  failed.reason = Reason::crashed_worker;
  failed.detail = "in hand when " + std::to_string(*count) + " workers died";
  Result result;
  result.image_id = *image;
  result.attempt = static_cast<std::int32_t>(*attempt);
  result.outcome = std::move(failed);
  result.finished_unix_ms = static_cast<std::int64_t>(
      std::min<std::uint64_t>(id.ms, std::numeric_limits<std::int64_t>::max()));
  ResultBatch batch;
  batch.worker = worker.text();
  batch.results.push_back(std::move(result));
  return batch;
}

}  // namespace

Keys::Keys(std::string_view incarnation) {
  const std::string prefix = "photoscribe:{" + std::string(incarnation) + "}:";
  tasks = prefix + "tasks";
  results = prefix + "results";
  spec = prefix + "spec";
  state = prefix + "state";
  workers = prefix + "workers";
  seen = prefix + "seen";
  seen_before = prefix + "seen_before";
}

Command script_arguments(std::initializer_list<std::string_view> keys) {
  Command command;
  command << keys.size();
  for (const std::string_view key : keys) command << key;
  return command;
}

std::string counter_text(std::optional<std::int64_t> counter) {
  return counter ? std::to_string(*counter) : std::string();
}

std::int64_t expiry_s() { return std::chrono::seconds(kRunExpiry).count(); }

std::string to_line(const RunListing& run) {
  return std::to_string(run.weight) + ' ' + std::to_string(run.priority) + ' ' + run.name;
}

std::optional<RunListing> parse_listing(std::string_view incarnation, std::string_view line) {
  const auto weight = take_number(line);
  const auto priority = weight ? take_number(line) : std::nullopt;
  if (!priority || *weight < 1) return std::nullopt;
  RunListing run;
  run.incarnation = incarnation;
  run.name = line;
  run.weight = *weight;
  run.priority = *priority;
  return run;
}

std::string member_field(const Task& task) {
  if (!task.member) return {};
  return fmt::format("{}:{}", task.member->archive_size, task.member->offset);
}

std::optional<Task> parse_task(ReplyView fields) {
  const auto image = in_range(field(fields, "i"), 0, std::numeric_limits<std::int64_t>::max());
  const auto attempt = in_range(field(fields, "a"), 1, kIntMax);
  const ReplyView root = field(fields, "r");
  const ReplyView path = field(fields, "p");
  const ReplyView member = field(fields, "m");
  const ReplyView charged = field(fields, "d");
  const auto deliveries = charged.is_nil() ? 0 : in_range(charged, 0, kIntMax / 2);
  if (!image || !attempt || !root.is_text() || !path.is_text() || !deliveries) return std::nullopt;
  Task task;
  task.image_id = *image;
  task.attempt = static_cast<std::int32_t>(*attempt);
  task.root = root.text();
  task.path = path.text();
  task.deliveries = static_cast<std::int32_t>(*deliveries);
  if (!member.is_nil()) {
    task.member = parse_member(member.text(), task.path);
    if (!task.member) return std::nullopt;
  }
  return task;
}

std::vector<Delivery> parse_deliveries(ReplyView entries, std::vector<EntryId>& malformed) {
  std::vector<Delivery> list;
  list.reserve(entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto id = parse_entry_id(entries[i][0].text());
    if (!id) continue;
    std::optional<Task> task = parse_task(entries[i][1]);
    if (!task) {
      malformed.push_back(*id);
      continue;
    }
    Delivery delivery;
    delivery.id = *id;
    delivery.task = std::move(*task);
    delivery.deliveries = delivery.task.deliveries + 1;
    list.push_back(std::move(delivery));
  }
  return list;
}

std::vector<Pending> parse_pending(ReplyView rows) {
  std::vector<Pending> list;
  list.reserve(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto id = parse_entry_id(rows[i][0].text());
    const auto count = in_range(rows[i][3], 0, kIntMax / 2);
    if (!id || !count) continue;
    Pending pending;
    pending.id = *id;
    pending.holder = rows[i][1].text();
    pending.deliveries = static_cast<int>(*count);
    list.push_back(std::move(pending));
  }
  return list;
}

std::optional<Result> parse_seen(std::string_view packed) {
  Expected<ResultBatch> batch = decode_results(packed);
  if (!batch || batch->results.size() != 1) return std::nullopt;
  Result& result = batch->results.front();
  if (std::holds_alternative<Failed>(result.outcome)) return std::nullopt;
  return std::move(result);
}

ResultEntry parse_result(EntryId id, ReplyView fields) {
  ResultEntry entry;
  entry.id = id;
  const ReplyView packed = field(fields, "b");
  if (packed.is_text()) {
    Expected<ResultBatch> batch = decode_results(packed.text());
    if (batch) {
      entry.batch = std::move(*batch);
      return entry;
    }
    entry.problem = batch.error().message;
    SalvagedResults salvaged = salvage_results(packed.text());
    entry.batch = std::move(salvaged.batch);
    entry.broken = std::move(salvaged.broken);
  } else if (auto condemned = parse_condemned(id, fields)) {
    entry.batch = std::move(*condemned);
    return entry;
  } else {
    entry.problem = "results: has neither a batch nor a condemned task";
  }
  for (std::size_t i = 0; i + 1 < fields.size(); i += 2) {
    entry.raw.append(fields[i].text()).append("=").append(fields[i + 1].text()).append("\n");
  }
  return entry;
}

tl::unexpected<Error> odd_reply(std::string_view operation) {
  return fail(Errc::redis_refused, std::string(operation) +
                                       ": the server's answer has an unknown shape; photoscribe "
                                       "needs Redis 6.2 or later, or Valkey");
}

std::vector<std::vector<EntryId>> in_pieces(std::vector<EntryId> ids) {
  std::sort(ids.begin(), ids.end());
  std::vector<std::vector<EntryId>> pieces;
  for (std::size_t at = 0; at < ids.size(); at += kIdsMax) {
    const std::size_t end = std::min(ids.size(), at + kIdsMax);
    pieces.emplace_back(ids.begin() + static_cast<std::ptrdiff_t>(at),
                        ids.begin() + static_cast<std::ptrdiff_t>(end));
  }
  return pieces;
}

}  // namespace photoscribe::redis
