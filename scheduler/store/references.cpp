#include "scheduler/store/references.h"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>
#include <unordered_map>

#include "common/sqlite/storage.h"

namespace photoscribe {
namespace {

using sqlite::text_of;

Expected<std::string> read_file(const std::string& file) {
  errno = 0;
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream bytes;
  if (stream) bytes << stream.rdbuf();
  if (!stream || stream.bad()) {
    const int why = errno != 0 ? errno : EIO;
    // An empty file leaves the stream failed, too, but nothing went wrong.
    if (stream.is_open() && !stream.bad() && why == EIO && bytes.str().empty())
      return std::string();
    return fail(Errc::environment, "read " + text_of(file) + ": " + std::strerror(why));
  }
  return bytes.str();
}

/// Hands out lines with their numbers; leaves out blank ones, a carriage return at the end, and a
/// byte order mark.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {
    if (rest_.starts_with("\xef\xbb\xbf")) rest_.remove_prefix(3);
  }

  bool next(std::string_view& line) {
    while (!rest_.empty()) {
      const auto end = rest_.find('\n');
      line = rest_.substr(0, end);
      rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
      ++number_;
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (line.find_first_not_of(" \t") != std::string_view::npos) return true;
    }
    return false;
  }
  [[nodiscard]] int number() const noexcept { return number_; }

 private:
  std::string_view rest_;
  int number_ = 0;
};

tl::unexpected<Error> wrong(const std::string& file, const Lines& lines, const std::string& why) {
  return fail(Errc::invalid_config,
              text_of(file) + ", line " + std::to_string(lines.number()) + ": " + why);
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

struct FlickrLine {
  std::string_view name, caption;
  int number = 0;
};

/// `name.jpg#N<TAB>caption`; why not, else.
tl::expected<FlickrLine, std::string> parse_flickr_line(std::string_view line) {
  const auto tab = line.find('\t');
  if (tab == std::string_view::npos) {
    return tl::unexpected<std::string>("no tab between name and caption");
  }
  const std::string_view key = line.substr(0, tab);
  const auto hash = key.rfind('#');
  FlickrLine parsed;
  if (hash == std::string_view::npos || hash == 0) {
    return tl::unexpected<std::string>("the name must end in # and a number, as photo.jpg#0");
  }
  const std::string_view digits = key.substr(hash + 1);
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), parsed.number);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size() ||
      parsed.number < 0) {
    return tl::unexpected<std::string>("\"" + text_of(digits) + "\" is not a caption number");
  }
  parsed.name = key.substr(0, hash);
  parsed.caption = trimmed(line.substr(tab + 1));
  if (parsed.caption.empty()) return tl::unexpected<std::string>("the caption is empty");
  if (!sqlite::is_utf8(parsed.caption)) {
    return tl::unexpected<std::string>("the caption is not UTF-8");
  }
  return parsed;
}

}  // namespace

Expected<References> parse_flickr_tokens(std::string_view text, const std::string& file) {
  References references;
  std::unordered_map<std::string, std::size_t> index;
  std::vector<std::set<int>> numbers;
  Lines lines(text);
  for (std::string_view line; lines.next(line);) {
    const auto parsed = parse_flickr_line(line);
    if (!parsed) return wrong(file, lines, parsed.error());
    const std::string name(parsed->name);
    const auto [at, is_new] = index.try_emplace(name, references.size());
    if (is_new) {
      references.push_back({name, {}});
      numbers.emplace_back();
    }
    if (!numbers[at->second].insert(parsed->number).second) {
      return wrong(
          file, lines,
          text_of(name) + " has caption number " + std::to_string(parsed->number) + " twice");
    }
    references[at->second].captions.emplace_back(parsed->caption);
  }
  if (references.empty()) {
    return fail(Errc::invalid_config, text_of(file) + ": holds no captions");
  }
  return references;
}

Expected<References> read_references(const std::string& file) {
  const auto text = read_file(file);
  if (!text) return fail(text.error());
  return parse_flickr_tokens(*text, file);
}

Expected<NameSet> read_split_list(const std::string& file) {
  const auto text = read_file(file);
  if (!text) return fail(text.error());
  NameSet names;
  Lines lines(*text);
  for (std::string_view line; lines.next(line);) {
    std::string_view name = trimmed(line);
    name.remove_prefix(name.rfind('/') == std::string_view::npos ? 0 : name.rfind('/') + 1);
    if (name.empty()) return wrong(file, lines, "names a folder, not a photo");
    names.emplace(name);
  }
  if (names.empty()) {
    return fail(Errc::invalid_config, text_of(file) + ": names no photos");
  }
  return names;
}

}  // namespace photoscribe
