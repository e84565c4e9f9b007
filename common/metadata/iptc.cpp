#include "common/metadata/iptc.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "common/core/sha256.h"
#include "common/metadata/byte_source.h"
#include "common/text/utf8.h"

namespace photoscribe::metadata {
namespace {

constexpr std::uint32_t kIptcResource = 0x0404;
constexpr std::string_view kUtf8 = "\x1b%G";

/// A resource of Photoshop (its file format, "Image Resource Blocks"), with its frame.
struct Resource {
  std::uint32_t id = 0;
  std::string_view whole, head, data;  // head: all before the size
};

struct Dataset {
  int record = 0, number = 0;
  std::string_view whole, data;
};

Expected<std::vector<Resource>> resources_of(std::string_view bytes) {
  std::vector<Resource> all;
  while (bytes.size() >= 12) {
    if (!bytes.starts_with("8BIM"))
      return fail(Errc::bad_payload, "its Photoshop data are damaged");
    const std::uint32_t id = number_at(bytes, 4, 2, false);
    std::size_t at = 7 + static_cast<unsigned char>(bytes[6]);
    at += at % 2;
    if (at + 4 > bytes.size()) return fail(Errc::bad_payload, "its Photoshop data are damaged");
    const std::size_t size = number_at(bytes, at, 4, false);
    if (size > bytes.size() - at - 4)
      return fail(Errc::bad_payload, "its Photoshop data are damaged");
    const std::size_t whole = std::min(bytes.size(), at + 4 + size + size % 2);
    all.push_back({id, bytes.substr(0, whole), bytes.substr(0, at), bytes.substr(at + 4, size)});
    bytes.remove_prefix(whole);
  }
  // What is left is padding.
  if (!bytes.empty()) all.push_back({0, bytes, {}, {}});
  return all;
}

Expected<std::vector<Dataset>> datasets_of(std::string_view bytes) {
  std::vector<Dataset> all;
  while (!bytes.empty() && bytes[0] == '\x1c') {
    if (bytes.size() < 5) return fail(Errc::bad_payload, "its IPTC is damaged");
    const std::size_t size = number_at(bytes, 3, 2, false);
    if ((size & 0x8000) != 0) return fail(Errc::bad_payload, "its IPTC has an extended field");
    if (size > bytes.size() - 5) return fail(Errc::bad_payload, "its IPTC is damaged");
    all.push_back({static_cast<unsigned char>(bytes[1]), static_cast<unsigned char>(bytes[2]),
                   bytes.substr(0, 5 + size), bytes.substr(5, size)});
    bytes.remove_prefix(5 + size);
  }
  if (bytes.find_first_not_of('\0') != std::string_view::npos)
    return fail(Errc::bad_payload, "its IPTC is damaged");
  return all;
}

const Dataset* find(const std::vector<Dataset>& all, int record, int number) {
  const auto at = std::find_if(all.begin(), all.end(), [&](const Dataset& one) {
    return one.record == record && one.number == number;
  });
  return at == all.end() ? nullptr : &*at;
}

std::string dataset(int record, int number, std::string_view data) {
  std::string out{'\x1c', static_cast<char>(record), static_cast<char>(number)};
  return out.append(number_bytes(static_cast<std::uint32_t>(data.size()), 2, false)).append(data);
}

std::string signed_by_us(std::string_view caption) {
  return "photoscribe " + to_hex(sha256_of(caption.data(), caption.size())).substr(0, 16);
}

std::string_view data_of(const Dataset* one) {
  return one == nullptr ? std::string_view() : one->data;
}

bool is_ours(const std::vector<Dataset>& all) {
  const Dataset* const writer = find(all, 2, 122);
  return writer != nullptr && writer->data == signed_by_us(data_of(find(all, 2, 120)));
}

bool has_foreign_bytes(const std::vector<Dataset>& all) {
  return std::any_of(all.begin(), all.end(), [](const Dataset& one) {
    return one.record >= 2 && !(one.record == 2 && (one.number == 120 || one.number == 0)) &&
           std::any_of(one.data.begin(), one.data.end(),
                       [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
  });
}

/// At most `max` bytes, cut between characters.
std::string cut(const std::string& text, std::size_t max) {
  std::string out;
  for_each_character(text, [&](const Character& one) {
    if (out.size() + one.bytes.size() <= max) {
      out += one.bytes;
    } else {
      max = 0;
    }
  });
  return out;
}

/// The datasets with the caption: those of others in their order.
std::string iptc_with(const std::vector<Dataset>& all, const std::string& caption, bool say_utf8) {
  std::string envelope, before, after;
  for (const Dataset& one : all) {
    const bool replaced_one = (one.record == 1 && one.number == 90 && say_utf8) ||
                              (one.record == 2 && (one.number == 120 || one.number == 122));
    if (replaced_one) continue;
    (one.record < 2 ? envelope : one.record == 2 ? before : after) += one.whole;
  }
  if (say_utf8) envelope += dataset(1, 90, kUtf8);
  if (find(all, 2, 0) == nullptr) before.insert(0, dataset(2, 0, std::string_view("\0\x04", 2)));
  return envelope + before + dataset(2, 120, caption) + dataset(2, 122, signed_by_us(caption)) +
         after;
}

std::string resource(std::string_view head, const std::string& data) {
  std::string out(head);
  out += number_bytes(static_cast<std::uint32_t>(data.size()), 4, false) + data;
  if (data.size() % 2 != 0) out += '\0';
  return out;
}

}  // namespace

IptcText read_iptc(std::string_view bytes) {
  const auto resources = resources_of(bytes);
  if (!resources) return {};
  for (const Resource& one : *resources) {
    if (one.id != kIptcResource) continue;
    const auto all = datasets_of(one.data);
    if (!all) return {};
    return {std::string(data_of(find(*all, 2, 120))), is_ours(*all)};
  }
  return {};
}

Expected<MergedIptc> merge_iptc(std::string_view bytes, const std::string& caption,
                                const MergeRules& rules) {
  const auto resources = resources_of(bytes);
  if (!resources) return fail(resources.error());
  const auto at = std::find_if(resources->begin(), resources->end(),
                               [](const Resource& one) { return one.id == kIptcResource; });
  const auto all = datasets_of(at == resources->end() ? std::string_view() : at->data);
  if (!all) return fail(all.error());
  MergedIptc merged{std::string(bytes), false, Fate::written};
  const std::string text = cut(replaced(caption), kIptcCaptionMax);
  const std::string_view now = data_of(find(*all, 2, 120));
  const bool ours = is_ours(*all);
  const bool others = !now.empty() && !ours;
  if (!rules.overwrite && (others || (now.empty() && rules.described_elsewhere))) {
    merged.caption = Fate::kept;
    return merged;
  }
  if (ours && now == text) return merged;
  const bool is_utf8 = data_of(find(*all, 1, 90)) == kUtf8;
  const bool ascii = std::all_of(text.begin(), text.end(),
                                 [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  const bool foreign = !is_utf8 && has_foreign_bytes(*all);
  if (foreign && !ascii)
    return fail(Errc::bad_payload,
                "its other IPTC fields are not in UTF-8, and the caption needs it");
  const std::string iptc = iptc_with(*all, text, !is_utf8 && !foreign);
  merged.changed = true;
  merged.resources.clear();
  for (const Resource& one : *resources) {
    if (one.id == kIptcResource && &one == &*at) {
      merged.resources += resource(one.head, iptc);
    } else if (one.id != 0 || at != resources->end()) {
      merged.resources += one.whole;
    }
    // The last one may have come without its padding.
    if (one.id != 0 && merged.resources.size() % 2 != 0) merged.resources += '\0';
  }
  if (at == resources->end())
    merged.resources += resource(std::string_view("8BIM\x04\x04\0\0", 8), iptc);
  return merged;
}

}  // namespace photoscribe::metadata
