#include "common/metadata/xmp_reader.h"

#include <expat.h>

#include <memory>

#include "common/metadata/xmp.h"
#include "common/text/utf8.h"

namespace photoscribe::metadata {
namespace {

constexpr char kBetween = '\n';  // namespace, name and prefix, as expat joins them
constexpr std::string_view kRdf = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
constexpr std::string_view kDc = "http://purl.org/dc/elements/1.1/";
constexpr std::string_view kIptc = "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/";
constexpr std::string_view kXml = "http://www.w3.org/XML/1998/namespace";
constexpr std::size_t kDepthMax = 200;

struct Name {
  std::string_view space, local, prefix;
  bool is(std::string_view in, std::string_view name) const { return space == in && local == name; }
};

Name name_of(std::string_view joined) {
  const auto first = joined.find(kBetween);
  if (first == std::string_view::npos) return {{}, joined, {}};
  const std::string_view rest = joined.substr(first + 1);
  const auto second = rest.find(kBetween);
  if (second == std::string_view::npos) return {joined.substr(0, first), rest, {}};
  return {joined.substr(0, first), rest.substr(0, second), rest.substr(second + 1)};
}

bool of_interest(const Name& name) {
  return name.is(kDc, "description") || name.is(kIptc, "AltTextAccessibility") ||
         name.space == kNamespace;
}

/// ` prefix:name="value"` in the text of a start tag, with the blanks before it. The tag is
/// well-formed: expat has read it.
std::optional<Range> attribute_in(std::string_view tag, std::string_view wanted) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; };
  std::size_t at = 0;
  while (at < tag.size() && !blank(tag[at])) ++at;
  while (at < tag.size()) {
    const std::size_t from = at;
    while (at < tag.size() && blank(tag[at])) ++at;
    const std::size_t name_from = at;
    while (at < tag.size() && tag[at] != '=' && !blank(tag[at])) ++at;
    const std::string_view name = tag.substr(name_from, at - name_from);
    const auto quote = tag.find_first_of("'\"", at);
    if (quote == std::string_view::npos) return std::nullopt;
    const auto end = tag.find(tag[quote], quote + 1);
    if (end == std::string_view::npos) return std::nullopt;
    at = end + 1;
    if (name == wanted) return Range{from, at};
  }
  return std::nullopt;
}

class Reader {
 public:
  explicit Reader(std::string_view packet) : packet_(packet) {
    parser_.reset(XML_ParserCreateNS(nullptr, kBetween));
  }
  Expected<XmpLayout> read();

 private:
  struct Free {
    void operator()(XML_Parser parser) const { XML_ParserFree(parser); }
  };
  void start(std::string_view element, const char** attributes);
  void end();
  void start_node(const char** attributes);
  void text(std::string_view some);
  void refuse(const char* why) {
    if (refused_.empty()) refused_ = why;
    XML_StopParser(parser_.get(), XML_FALSE);
  }
  [[nodiscard]] std::size_t here() const {
    return static_cast<std::size_t>(XML_GetCurrentByteIndex(parser_.get()));
  }
  [[nodiscard]] std::size_t behind() const {
    return here() + static_cast<std::size_t>(XML_GetCurrentByteCount(parser_.get()));
  }

  std::string_view packet_;
  std::unique_ptr<std::remove_pointer_t<XML_Parser>, Free> parser_;
  XmpLayout layout_;
  std::string refused_;
  std::size_t depth_ = 0, rdf_depth_ = 0;
  bool in_rdf_ = false, had_rdf_ = false, in_node_ = false, in_property_ = false;
  bool has_items_ = false;  // the property is an array
};

void Reader::start_node(const char** attributes) {
  in_node_ = true;
  XmpNode node;
  node.range.from = here();
  const std::string_view tag = packet_.substr(here(), behind() - here());
  for (std::size_t i = 0; attributes[i] != nullptr; i += 2) {
    const Name name = name_of(attributes[i]);
    if (name.is(kRdf, "about") || (name.space.empty() && name.local == "about")) {
      if (layout_.nodes.empty()) layout_.about = attributes[i + 1];
      continue;
    }
    ++node.attributes;
    if (!of_interest(name)) continue;
    const auto range = attribute_in(tag, std::string(name.prefix) + ":" + std::string(name.local));
    if (!range) return refuse("its XMP has an attribute that cannot be found");
    layout_.properties.push_back({std::string(name.local),
                                  name.space == kNamespace,
                                  layout_.nodes.size(),
                                  {here() + range->from, here() + range->to},
                                  true,
                                  {{"", attributes[i + 1]}}});
  }
  layout_.nodes.push_back(node);
}

void Reader::start(std::string_view element, const char** attributes) {
  if (++depth_ > kDepthMax) return refuse("its XMP is nested too deeply");
  const Name name = name_of(element);
  if (!in_rdf_) {
    if (!name.is(kRdf, "RDF")) return;
    if (had_rdf_) return refuse("its XMP has two RDFs");
    in_rdf_ = had_rdf_ = true;
    rdf_depth_ = depth_;
    layout_.rdf_name = (name.prefix.empty() ? "" : std::string(name.prefix) + ":") + "RDF";
  } else if (depth_ == rdf_depth_ + 1) {
    if (name.is(kRdf, "Description")) start_node(attributes);
  } else if (in_node_ && depth_ == rdf_depth_ + 2) {
    ++layout_.nodes.back().elements;
    in_property_ = of_interest(name);
    has_items_ = false;
    if (!in_property_) return;
    layout_.properties.push_back({std::string(name.local),
                                  name.space == kNamespace,
                                  layout_.nodes.size() - 1,
                                  {here(), 0},
                                  false,
                                  {}});
  } else if (in_property_ && name.is(kRdf, "li") && depth_ == rdf_depth_ + 4) {
    auto& texts = layout_.properties.back().texts;
    if (!has_items_) texts.clear();  // blanks before the array
    has_items_ = true;
    texts.emplace_back();
    for (std::size_t i = 0; attributes[i] != nullptr; i += 2) {
      if (name_of(attributes[i]).is(kXml, "lang")) texts.back().language = attributes[i + 1];
    }
  }
}

void Reader::text(std::string_view some) {
  if (!in_property_) return;
  auto& texts = layout_.properties.back().texts;
  // In an item, or plain text without an array.
  if (depth_ < rdf_depth_ + 2 + (has_items_ ? 2 : 0)) return;
  if (texts.empty()) texts.emplace_back();
  texts.back().text += some;
}

void Reader::end() {
  if (in_rdf_ && depth_ == rdf_depth_) {
    in_rdf_ = false;
    layout_.rdf_end = here();
    layout_.rdf_is_empty = here() == behind();
  } else if (in_node_ && depth_ == rdf_depth_ + 1) {
    in_node_ = false;
    layout_.nodes.back().range.to = behind();
  } else if (in_property_ && depth_ == rdf_depth_ + 2) {
    in_property_ = false;
    layout_.properties.back().range.to = behind();
  }
  --depth_;
}

Expected<XmpLayout> Reader::read() {
  XML_Parser const parser = parser_.get();
  XML_SetReturnNSTriplet(parser, 1);
  XML_SetUserData(parser, this);
  XML_SetElementHandler(
      parser,
      [](void* self, const XML_Char* name, const XML_Char** attributes) {
        static_cast<Reader*>(self)->start(name, attributes);
      },
      [](void* self, const XML_Char*) { static_cast<Reader*>(self)->end(); });
  XML_SetCharacterDataHandler(parser, [](void* self, const XML_Char* text, int size) {
    static_cast<Reader*>(self)->text({text, static_cast<std::size_t>(size)});
  });
  XML_SetStartDoctypeDeclHandler(
      parser, [](void* self, const XML_Char*, const XML_Char*, const XML_Char*, int) {
        static_cast<Reader*>(self)->refuse("its XMP has a document type");
      });
  const XML_Status parsed =
      XML_Parse(parser, packet_.data(), static_cast<int>(packet_.size()), XML_TRUE);
  if (!refused_.empty()) return fail(Errc::bad_payload, refused_);
  if (parsed != XML_STATUS_OK)
    return fail(Errc::bad_payload, std::string("its XMP is not well-formed: ") +
                                       XML_ErrorString(XML_GetErrorCode(parser)));
  if (!had_rdf_) return fail(Errc::bad_payload, "its XMP has no RDF");
  return std::move(layout_);
}

}  // namespace

Expected<XmpLayout> read_layout(std::string_view packet) {
  constexpr std::size_t kMax = 64 << 20;
  if (packet.size() > kMax) return fail(Errc::bad_payload, "its XMP is larger than 64 MiB");
  if (!is_valid_utf8(packet) || packet.find('\0') != std::string_view::npos)
    return fail(Errc::bad_payload, "its XMP is not in UTF-8");
  return Reader(packet).read();
}

}  // namespace photoscribe::metadata
