// xmp_reader: where the properties of interest stand in a packet. Internal to xmp.cpp.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/error.h"

namespace photoscribe::metadata {

struct Range {
  std::size_t from = 0, to = 0;
};

struct LanguageText {
  std::string language, text;
};

/// One property of interest, as an element or as an attribute of its node.
struct XmpProperty {
  std::string name;   // "description", "AltTextAccessibility", or of photoscribe's own
  bool ours = false;  // of photoscribe's namespace
  std::size_t node = 0;
  Range range;
  bool is_attribute = false;
  std::vector<LanguageText> texts;  // of an attribute and of plain text: one, without language
};

/// An rdf:Description directly in the RDF.
struct XmpNode {
  Range range;
  int elements = 0;    // properties in it
  int attributes = 0;  // but for rdf:about and declarations of namespaces
};

struct XmpLayout {
  std::vector<XmpNode> nodes;
  std::vector<XmpProperty> properties;
  std::string about;          // of the first node
  std::string rdf_name;       // "rdf:RDF", as the packet has it
  std::size_t rdf_end = 0;    // where </rdf:RDF> begins; of an empty element, behind it
  bool rdf_is_empty = false;  // <rdf:RDF/>
};

/// Fails with bad_payload: the whole reason.
[[nodiscard]] Expected<XmpLayout> read_layout(std::string_view packet);

}  // namespace photoscribe::metadata
