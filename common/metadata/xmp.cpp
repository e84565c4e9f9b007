#include "common/metadata/xmp.h"

#include <algorithm>

#include "common/metadata/edit.h"
#include "common/metadata/xmp_reader.h"
#include "common/text/utf8.h"

namespace photoscribe::metadata {
namespace {

constexpr std::string_view kDescription = "description", kAltText = "AltTextAccessibility";
constexpr std::string_view kEmptyPacket =
    "<?xpacket begin=\"\xEF\xBB\xBF\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n"
    "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\" x:xmptk=\"photoscribe\">\n"
    " <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\n"
    " </rdf:RDF>\n"
    "</x:xmpmeta>\n"
    "<?xpacket end=\"w\"?>\n";

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const auto from = text.find_first_not_of(kBlank);
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(kBlank) - from + 1);
}

/// What XML 1.0 has no way to write becomes a blank.
std::string writable(std::string_view text) {
  std::string out;
  for_each_character(replaced(text), [&](const Character& one) {
    const char32_t c = one.code_point;
    const bool control = c < U' ' && c != U'\t' && c != U'\n' && c != U'\r';
    out += control || c == 0xFFFE || c == 0xFFFF ? " " : one.bytes;
  });
  return out;
}

CaptionFields writable(const CaptionFields& fields) {
  return {writable(fields.caption), writable(fields.photo), writable(fields.model),
          fields.confidence, fields.edited};
}

std::string xml(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\r':
        out += "&#13;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

bool is_the(const XmpProperty& one, std::string_view name) { return !one.ours && one.name == name; }

/// The texts of a property of others' namespaces, wherever in the packet it stands.
std::vector<LanguageText> texts_of(const XmpLayout& layout, std::string_view name) {
  std::vector<LanguageText> all;
  for (const XmpProperty& one : layout.properties) {
    if (!is_the(one, name)) continue;
    for (const LanguageText& text : one.texts) {
      if (!trimmed(text.text).empty()) all.push_back(text);
    }
  }
  return all;
}

std::string default_text(const std::vector<LanguageText>& texts) {
  const auto at = std::find_if(texts.begin(), texts.end(),
                               [](const LanguageText& t) { return t.language == "x-default"; });
  if (at != texts.end()) return at->text;
  return texts.empty() ? std::string() : texts.front().text;
}

std::map<std::string, std::string> ours_of(const XmpLayout& layout) {
  std::map<std::string, std::string> ours;
  for (const XmpProperty& one : layout.properties) {
    if (one.ours) ours[one.name] = one.texts.empty() ? std::string() : one.texts.front().text;
  }
  return ours;
}

std::string_view value_of(const std::map<std::string, std::string>& ours, const char* name) {
  const auto at = ours.find(name);
  return at == ours.end() ? std::string_view() : trimmed(at->second);
}

/// Text that is there, and is not what we wrote.
bool is_others(const std::vector<LanguageText>& texts, std::string_view our_copy) {
  return std::any_of(texts.begin(), texts.end(), [&](const LanguageText& one) {
    return our_copy.empty() || trimmed(one.text) != our_copy;
  });
}

std::map<std::string, std::string> wanted_fields(const CaptionFields& fields) {
  std::map<std::string, std::string> wanted{{"Caption", fields.caption},
                                            {"Edited", fields.edited ? "True" : "False"}};
  if (!fields.photo.empty()) wanted["Photo"] = fields.photo;
  if (!fields.model.empty()) wanted["Model"] = fields.model;
  if (!fields.confidence.empty()) wanted["Confidence"] = fields.confidence;
  return wanted;
}

/// A language alternative: `text` by default, and what is there in other languages.
std::string alternative(const std::string& element, const std::string& text,
                        const std::vector<LanguageText>& others) {
  std::string out = "   <" + element + ">\n    <rdf:Alt>\n     <rdf:li xml:lang=\"x-default\">" +
                    xml(text) + "</rdf:li>\n";
  for (const LanguageText& one : others) {
    if (one.language.empty() || one.language == "x-default") continue;
    out += "     <rdf:li xml:lang=\"" + xml(one.language) + "\">" + xml(one.text) + "</rdf:li>\n";
  }
  return out + "    </rdf:Alt>\n   </" + element + ">\n";
}

struct Plan {
  bool description = false, alt_text = false;  // to be written
  std::vector<LanguageText> descriptions, alt_texts;
};

std::string block(const XmpLayout& layout, const CaptionFields& fields, const Plan& plan) {
  std::string out = "  <rdf:Description rdf:about=\"" + xml(layout.about) + "\"";
  if (layout.rdf_name != "rdf:RDF")
    out += "\n    xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\"";
  if (plan.description) out += "\n    xmlns:dc=\"http://purl.org/dc/elements/1.1/\"";
  if (plan.alt_text)
    out += "\n    xmlns:Iptc4xmpCore=\"http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/\"";
  out += "\n    xmlns:photoscribe=\"" + std::string(kNamespace) + "\">\n";
  if (plan.description) out += alternative("dc:description", fields.caption, plan.descriptions);
  if (plan.alt_text)
    out += alternative("Iptc4xmpCore:AltTextAccessibility", fields.caption, plan.alt_texts);
  for (const auto& [name, value] : wanted_fields(fields)) {
    out += "   <photoscribe:" + name + ">" + xml(value) + "</photoscribe:" + name + ">\n";
  }
  return out + "  </rdf:Description>\n";
}

/// The range with the blanks before it, if it begins a line, and the end of the line.
Range whole_lines(std::string_view packet, Range range) {
  std::size_t from = range.from;
  while (from > 0 && (packet[from - 1] == ' ' || packet[from - 1] == '\t')) --from;
  if (from > 0 && packet[from - 1] != '\n') from = range.from;
  const bool to_line_end = range.to < packet.size() && packet[range.to] == '\n';
  return {from, range.to + (to_line_end ? 1 : 0)};
}

/// Our own fields and what they describe go; a node that is empty without them goes whole.
Edits removals(std::string_view packet, const XmpLayout& layout, const Plan& plan) {
  std::vector<int> elements, attributes;
  for (const XmpNode& node : layout.nodes) {
    elements.push_back(node.elements);
    attributes.push_back(node.attributes);
  }
  std::vector<const XmpProperty*> going;
  for (const XmpProperty& one : layout.properties) {
    const bool goes = one.ours || (plan.description && is_the(one, kDescription)) ||
                      (plan.alt_text && is_the(one, kAltText));
    if (!goes) continue;
    going.push_back(&one);
    --(one.is_attribute ? attributes : elements)[one.node];
  }
  Edits edits;
  std::vector<bool> gone(layout.nodes.size());
  for (const XmpProperty* const one : going) {
    const XmpNode& node = layout.nodes[one->node];
    const bool whole = elements[one->node] == 0 && attributes[one->node] == 0;
    if (whole && gone[one->node]) continue;
    gone[one->node] = whole;
    const Range range = whole               ? whole_lines(packet, node.range)
                        : one->is_attribute ? one->range
                                            : whole_lines(packet, one->range);
    edits.push_back({range.from, range.to - range.from, ""});
  }
  sort(edits);
  return edits;
}

std::string with_block(std::string_view packet, const XmpLayout& layout, const Plan& plan,
                       const CaptionFields& fields) {
  Edits edits = removals(packet, layout, plan);
  std::string text = block(layout, fields, plan);
  if (layout.rdf_is_empty) {  // "<rdf:RDF/>": opened
    const std::size_t slash = packet.rfind('/', layout.rdf_end);
    edits.push_back({slash, layout.rdf_end - slash, ">\n" + text + "</" + layout.rdf_name + ">"});
  } else {
    const Range line = whole_lines(packet, {layout.rdf_end, layout.rdf_end});
    edits.push_back({line.from, 0, std::move(text)});
  }
  return edited(packet, edits);
}

/// Embedded packets may end in NULs or begin behind blanks.
std::string_view packet_text(std::string_view packet) {
  while (!packet.empty() && packet.back() == '\0') packet.remove_suffix(1);
  return packet;
}

}  // namespace

bool XmpTexts::described_by_others() const {
  return !trimmed(description).empty() && trimmed(description) != value_of(ours, "Caption");
}
bool XmpTexts::alt_text_by_others() const {
  return !trimmed(alt_text).empty() && trimmed(alt_text) != value_of(ours, "Caption");
}

Expected<XmpTexts> read_xmp(std::string_view packet) {
  const Expected<XmpLayout> layout = read_layout(packet_text(packet));
  if (!layout) return fail(layout.error());
  return XmpTexts{default_text(texts_of(*layout, kDescription)),
                  default_text(texts_of(*layout, kAltText)), ours_of(*layout)};
}

Expected<MergedXmp> merge_caption(std::string_view packet, const CaptionFields& given,
                                  const MergeRules& rules) {
  const CaptionFields fields = writable(given);
  const bool is_new = trimmed(packet_text(packet)).empty();
  const std::string_view text = is_new ? kEmptyPacket : packet_text(packet);
  const Expected<XmpLayout> layout = read_layout(text);
  if (!layout) return fail(layout.error());
  const auto ours = ours_of(*layout);
  const std::string_view photo = value_of(ours, "Photo");
  if (rules.only_of_photo && !rules.overwrite && !photo.empty() && photo != trimmed(fields.photo))
    return fail(Errc::bad_payload, "the sidecar of that name is another photo's");
  Plan plan{true, true, texts_of(*layout, kDescription), texts_of(*layout, kAltText)};
  if (!rules.overwrite) {
    plan.description = !is_others(plan.descriptions, value_of(ours, "Caption")) &&
                       (!rules.described_elsewhere || !plan.descriptions.empty());
    plan.alt_text = !is_others(plan.alt_texts, value_of(ours, "Caption")) &&
                    (!rules.alt_text_elsewhere || !plan.alt_texts.empty());
  }
  MergedXmp merged;
  merged.packet = is_new ? std::string() : std::string(packet);
  merged.description = plan.description ? Fate::written : Fate::kept;
  merged.alt_text = plan.alt_text ? Fate::written : Fate::kept;
  if (!plan.description && !plan.alt_text) return merged;
  const auto says = [](const std::vector<LanguageText>& texts, const std::string& wanted) {
    return trimmed(default_text(texts)) == trimmed(wanted);
  };
  const auto wanted = wanted_fields(fields);
  const bool same = (!plan.description || says(plan.descriptions, fields.caption)) &&
                    (!plan.alt_text || says(plan.alt_texts, fields.caption)) &&
                    wanted.size() == ours.size() &&
                    std::all_of(wanted.begin(), wanted.end(), [&](const auto& field) {
                      return ours.contains(field.first) &&
                             value_of(ours, field.first.c_str()) == trimmed(field.second);
                    });
  if (same) return merged;
  merged.packet = with_block(text, *layout, plan, fields);
  merged.changed = true;
  return merged;
}

}  // namespace photoscribe::metadata
