#include "ops/cli/export/caption_formats.h"

#include <cctype>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/core/sha256.h"
#include "common/scores/tokenize.h"
#include "common/text/escape.h"
#include "common/text/utf8.h"

namespace photoscribe::cli {
namespace {

using nlohmann::ordered_json;

std::string name_in_dataset(const CaptionedPhoto& photo, const DatasetNames& names) {
  return replaced(names.several_roots ? photo.row.root + "/" + photo.file.path : photo.file.path);
}

/// On one line.
std::string one_line(const std::string& caption) {
  std::string text = replaced(caption);
  for (char& c : text) {
    if (c == '\n' || c == '\r' || c == '\t') c = ' ';
  }
  return text;
}

class AltTexts : public CaptionFormat {
 public:
  explicit AltTexts(const AltTextStyle& style) : style_(style) {}
  std::string begin(int /*pass*/) override { return "uri,alt\r\n"; }
  std::string photo(int /*pass*/, const CaptionedPhoto& photo) override {
    return csv_field(photo.row.uri, ",\"\r\n") + "," +
           csv_field(alt_text(photo.caption.text, style_), ",\"\r\n") + "\r\n";
  }
  std::string end(int /*pass*/) override { return {}; }

 private:
  AltTextStyle style_;
};

/// The comma between objects of an array.
class Commas {
 public:
  std::string before() { return std::exchange(first_, false) ? "\n" : ",\n"; }
  void reset() { first_ = true; }

 private:
  bool first_ = true;
};

class CocoCaptions : public CaptionFormat {
 public:
  explicit CocoCaptions(const DatasetNames& names) : names_(names) {}
  int passes() const override { return 2; }
  std::string begin(int pass) override {
    commas_.reset();
    return pass == 0 ? R"({"info": {"description": "captions by photoscribe"}, "licenses": [],
"type": "captions", "images": [)"
                     : R"(, "annotations": [)";
  }
  std::string photo(int pass, const CaptionedPhoto& photo) override {
    ordered_json object;
    if (pass == 0) {
      object = {{"id", photo.row.image_id}, {"file_name", name_in_dataset(photo, names_)}};
      if (photo.row.width_px) object["width"] = *photo.row.width_px;
      if (photo.row.height_px) object["height"] = *photo.row.height_px;
    } else {
      object = {{"image_id", photo.row.image_id},
                {"id", photo.row.image_id},
                {"caption", replaced(photo.caption.text)}};
    }
    return commas_.before() + object.dump();
  }
  std::string end(int pass) override { return pass == 0 ? "\n]" : "\n]}\n"; }

 private:
  DatasetNames names_;
  Commas commas_;
};

class KarpathyDataset : public CaptionFormat {
 public:
  explicit KarpathyDataset(const DatasetNames& names) : names_(names) {}
  std::string begin(int /*pass*/) override { return R"({"dataset": "photoscribe", "images": [)"; }
  std::string photo(int /*pass*/, const CaptionedPhoto& photo) override {
    const std::string name = name_in_dataset(photo, names_);
    const auto slash = name.rfind('/');
    const bool held_out = sha256_of(name.data(), name.size())[0] % 10 == 0;
    const std::string caption = replaced(photo.caption.text);
    const std::int64_t id = photo.row.image_id;
    return commas_.before() +
           ordered_json{{"filepath", slash == std::string::npos ? "" : name.substr(0, slash)},
                        {"filename", name.substr(slash + 1)},
                        {"imgid", id},
                        {"split", held_out ? "val" : "train"},
                        {"sentids", {id}},
                        {"sentences",
                         {{{"tokens", ptb_tokens(caption)},
                           {"raw", caption},
                           {"imgid", id},
                           {"sentid", id}}}}}
               .dump();
  }
  std::string end(int /*pass*/) override { return "\n]}\n"; }

 private:
  DatasetNames names_;
  Commas commas_;
};

class FlickrTokens : public CaptionFormat {
 public:
  explicit FlickrTokens(const DatasetNames& names) : names_(names) {}
  std::string begin(int /*pass*/) override { return {}; }
  std::string photo(int /*pass*/, const CaptionedPhoto& photo) override {
    const std::string name = name_in_dataset(photo, names_);
    // A # is allowed: readers split at the last one before the tab.
    if (name.find_first_of("\t\r\n") != std::string::npos) return {};
    return name + "#0\t" + one_line(photo.caption.text) + "\n";
  }
  std::string end(int /*pass*/) override { return {}; }

 private:
  DatasetNames names_;
};

/// A path as a file: URL; other addresses are only escaped.
std::string file_url(const std::string& path) {
  constexpr const char* kHex = "0123456789ABCDEF";
  constexpr std::string_view kPlain = "/-._~!$'()*+,;=:@";
  std::string url = is_local(path) ? "file://" : "";
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x80 && std::isalnum(byte) != 0) || kPlain.find(c) != std::string_view::npos) {
      url += c;
    } else {
      url += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return url;
}

class HtmlIndex : public CaptionFormat {
 public:
  std::string begin(int /*pass*/) override {
    return "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
           "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
           "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
           "img-src file: http: https:; style-src 'unsafe-inline'\">\n"
           "<title>Captions</title>\n<style>\n"
           ":root { color-scheme: light dark; font: 15px/1.4 system-ui, sans-serif }\n"
           "body { margin: 1rem; display: grid; gap: 1rem;\n"
           "  grid-template-columns: repeat(auto-fill, minmax(min(16rem, 100%), 1fr)) }\n"
           "figure { margin: 0; content-visibility: auto; contain-intrinsic-size: auto 16rem }\n"
           "img { width: 100%; height: 12rem; object-fit: contain; background: #8882 }\n"
           "small { display: block; overflow-wrap: anywhere; opacity: .75 }\n</style>\n<main "
           "style=\"display: contents\">\n";
  }
  std::string photo(int /*pass*/, const CaptionedPhoto& photo) override {
    const std::string url = html_escaped(file_url(photo_file(photo.file)));
    const std::string caption = html_escaped(photo.caption.text);
    return "<figure><a href=\"" + url + "\"><img loading=\"lazy\" src=\"" + url + "\" alt=\"" +
           caption + "\"></a>\n<figcaption>" + caption + "<small>" + html_escaped(photo.row.uri) +
           "</small></figcaption></figure>\n";
  }
  std::string end(int /*pass*/) override { return "</main>\n</html>\n"; }
};

}  // namespace

std::unique_ptr<CaptionFormat> alt_texts(const AltTextStyle& style) {
  return std::make_unique<AltTexts>(style);
}
std::unique_ptr<CaptionFormat> coco_captions(const DatasetNames& names) {
  return std::make_unique<CocoCaptions>(names);
}
std::unique_ptr<CaptionFormat> karpathy_dataset(const DatasetNames& names) {
  return std::make_unique<KarpathyDataset>(names);
}
std::unique_ptr<CaptionFormat> flickr_tokens(const DatasetNames& names) {
  return std::make_unique<FlickrTokens>(names);
}
std::unique_ptr<CaptionFormat> html_index() { return std::make_unique<HtmlIndex>(); }

}  // namespace photoscribe::cli
