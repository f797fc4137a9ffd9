#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace strata::io {

// An element of the small documents that S3 and STS answer with. Attributes, comments and
// processing instructions are passed over; namespaces are not told apart.
struct XmlElement {
  std::string name;
  std::string text;  // of the element itself, references resolved
  std::vector<XmlElement> children;

  // The first child of that name, or null.
  const XmlElement* Child(absl::string_view child_name) const;
  // Its text, or nothing.
  absl::string_view ChildText(absl::string_view child_name) const;
};

// The document's root element. InvalidArgument for anything not well-formed, document types and
// entities of their own, and nesting beyond 16.
absl::StatusOr<XmlElement> ParseXml(absl::string_view document);

// Text to put between tags.
std::string XmlEscaped(absl::string_view text);

}  // namespace strata::io
