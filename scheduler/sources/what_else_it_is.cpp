// Files that people name as photos, and what they are instead.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include "common/archive/archive_kind.h"
#include "common/core/file_descriptor.h"
#include "scheduler/sources/sources.h"
#include "scheduler/store/image_extensions.h"

namespace photoscribe {
namespace {

constexpr std::size_t kLookedAt = kKindBytes;

using namespace std::string_view_literals;

constexpr std::array kTexts{"csv"sv, "htm"sv, "html"sv, "json"sv,   "jsonl"sv, "list"sv,
                            "lst"sv, "log"sv, "md"sv,   "ndjson"sv, "token"sv, "tsv"sv,
                            "txt"sv, "xml"sv, "yaml"sv, "yml"sv};
constexpr std::array kVideos{"3gp"sv, "avi"sv, "m4v"sv, "mkv"sv,  "mov"sv,
                             "mp4"sv, "mpg"sv, "mts"sv, "webm"sv, "wmv"sv};
constexpr std::array kOffice{"docx"sv, "epub"sv,  "key"sv,  "odp"sv, "ods"sv,
                             "odt"sv,  "pages"sv, "pptx"sv, "xlsx"sv};

struct Mark {
  std::size_t at;
  std::string_view bytes;
  const char* what;
};
constexpr const char* kUnpack =
    "is an archive of a kind that is not read: unpack it and name the folder";
constexpr std::array<Mark, 4> kMarks{
    {{0, "7z\xbc\xaf\x27\x1c"sv, kUnpack},
     {0, "Rar!"sv, kUnpack},
     {0, "SQLite format 3\0"sv,
      "is a database, not a photo: `photoscribe status FILE` shows it, and -o FILE writes to it"},
     {0, "%PDF-"sv,
      "is a PDF, not a photo: extract its pictures (pdfimages -all FILE photos/p) and name the "
      "folder"}}};

std::string first_bytes(const std::string& file) {
  struct stat node {};
  if (::stat(file.c_str(), &node) != 0 || !S_ISREG(node.st_mode)) return {};
  const FileDescriptor opened(::open(file.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!opened.valid()) return {};
  std::string bytes(kLookedAt, '\0');
  const ssize_t got = ::read(opened.get(), bytes.data(), bytes.size());
  bytes.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  return bytes;
}

std::string extension_of(std::string_view file) {
  const std::string_view name = file.substr(file.rfind('/') + 1);
  const auto dot = name.rfind('.');
  std::string extension(dot == std::string_view::npos ? "" : name.substr(dot + 1));
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return extension;
}

template <std::size_t N>
bool is_one_of(const std::string& extension, const std::array<std::string_view, N>& all) {
  return std::find(all.begin(), all.end(), extension) != all.end();
}

bool is_text(std::string_view bytes) {
  return std::none_of(bytes.begin(), bytes.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < ' ' && byte != '\t' && byte != '\n' && byte != '\r' && byte != '\f';
  });
}

}  // namespace

bool is_archive(const std::string& file) {
  if (has_image_extension(file.substr(file.rfind('/') + 1))) return false;
  if (is_one_of(extension_of(file), kOffice)) return false;
  const std::string bytes = first_bytes(file);
  return archive_kind({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}) !=
         ArchiveKind::none;
}

std::optional<std::string> what_else_it_is(const std::string& file) {
  if (has_image_extension(file.substr(file.rfind('/') + 1))) return std::nullopt;
  const std::string bytes = first_bytes(file);
  if (bytes.empty()) return std::nullopt;
  const std::string extension = extension_of(file);
  if (is_one_of(extension, kOffice)) {
    return "is a document, not a photo: save its pictures to a folder, and name that";
  }
  for (const Mark& mark : kMarks) {
    if (bytes.size() > mark.at && std::string_view(bytes).substr(mark.at).starts_with(mark.bytes))
      return mark.what;
  }
  if (is_one_of(extension, kVideos)) {
    return "is a video, not a photo: extract frames from it (ffmpeg -i FILE frames/%06d.jpg) and "
           "name their folder";
  }
  if (!is_one_of(extension, kTexts) || !is_text(bytes)) return std::nullopt;
  return "is a list or other text, not a photo. To caption photos that it lists: --list FILE; to "
         "choose among the photos "
         "of a folder: FOLDER --split FILE; to compare with captions in it: FOLDER --references "
         "FILE";
}

}  // namespace photoscribe
