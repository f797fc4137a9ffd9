#include "io/xml.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "io/status_macros.h"

namespace strata::io {
namespace {

constexpr int kDeepest = 16;

void AppendUtf8(uint32_t code, std::string* out) {
  if (code < 0x80) {
    out->push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    out->push_back(static_cast<char>(0xc0 | code >> 6));
    out->push_back(static_cast<char>(0x80 | (code & 0x3f)));
  } else if (code < 0x10000) {
    out->push_back(static_cast<char>(0xe0 | code >> 12));
    out->push_back(static_cast<char>(0x80 | (code >> 6 & 0x3f)));
    out->push_back(static_cast<char>(0x80 | (code & 0x3f)));
  } else {
    out->push_back(static_cast<char>(0xf0 | code >> 18));
    out->push_back(static_cast<char>(0x80 | (code >> 12 & 0x3f)));
    out->push_back(static_cast<char>(0x80 | (code >> 6 & 0x3f)));
    out->push_back(static_cast<char>(0x80 | (code & 0x3f)));
  }
}

class Parser {
 public:
  explicit Parser(absl::string_view document) : all_(document), rest_(document) {}

  absl::StatusOr<XmlElement> Document() {
    STRATA_RETURN_IF_ERROR(SkipMisc());
    XmlElement root;
    STRATA_RETURN_IF_ERROR(Element(&root, 0));
    STRATA_RETURN_IF_ERROR(SkipMisc());
    if (!rest_.empty()) return Bad("text after the root element");
    return root;
  }

 private:
  absl::Status Bad(absl::string_view what) const {
    return absl::InvalidArgumentError(
        absl::StrCat("XML: ", what, " at byte ", all_.size() - rest_.size()));
  }

  absl::Status SkipPast(absl::string_view end) {
    const size_t found = rest_.find(end);
    if (found == absl::string_view::npos) return Bad(absl::StrCat("no '", end, "'"));
    rest_.remove_prefix(found + end.size());
    return absl::OkStatus();
  }

  // White space, comments and processing instructions around the root.
  absl::Status SkipMisc() {
    for (;;) {
      rest_ = absl::StripLeadingAsciiWhitespace(rest_);
      if (absl::StartsWith(rest_, "<?")) {
        STRATA_RETURN_IF_ERROR(SkipPast("?>"));
      } else if (absl::StartsWith(rest_, "<!--")) {
        STRATA_RETURN_IF_ERROR(SkipPast("-->"));
      } else {
        return absl::OkStatus();
      }
    }
  }

  absl::StatusOr<absl::string_view> Name() {
    const size_t end = rest_.find_first_of(" \t\r\n/><=&\"'");
    if (end == 0 || end == absl::string_view::npos || rest_[0] == '!') return Bad("no name");
    const absl::string_view name = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return name;
  }

  // From behind the name to behind '>'; true for "<name/>".
  absl::StatusOr<bool> RestOfTag() {
    char quote = 0;
    for (size_t i = 0; i < rest_.size(); ++i) {
      const char c = rest_[i];
      if (quote != 0) {
        if (c == quote) quote = 0;
      } else if (c == '"' || c == '\'') {
        quote = c;
      } else if (c == '<') {
        break;
      } else if (c == '>') {
        const bool is_empty = i > 0 && rest_[i - 1] == '/';
        rest_.remove_prefix(i + 1);
        return is_empty;
      }
    }
    return Bad("a tag without end");
  }

  absl::Status Element(XmlElement* element, int depth) {
    if (depth > kDeepest) return Bad("too deep");
    if (!absl::ConsumePrefix(&rest_, "<")) return Bad("no element");
    STRATA_ASSIGN_OR_RETURN(const absl::string_view name, Name());
    element->name = std::string(name);
    STRATA_ASSIGN_OR_RETURN(const bool is_empty, RestOfTag());
    return is_empty ? absl::OkStatus() : Content(element, depth);
  }

  absl::Status Content(XmlElement* element, int depth) {
    for (;;) {
      STRATA_RETURN_IF_ERROR(Text(&element->text));
      if (absl::ConsumePrefix(&rest_, "</")) return EndTag(element->name);
      if (absl::StartsWith(rest_, "<!--")) {
        STRATA_RETURN_IF_ERROR(SkipPast("-->"));
      } else if (absl::ConsumePrefix(&rest_, "<![CDATA[")) {
        const absl::string_view data = rest_.substr(0, rest_.find("]]>"));
        STRATA_RETURN_IF_ERROR(SkipPast("]]>"));
        absl::StrAppend(&element->text, data);
      } else {
        STRATA_RETURN_IF_ERROR(Element(&element->children.emplace_back(), depth + 1));
      }
    }
  }

  absl::Status EndTag(absl::string_view expected) {
    if (!absl::ConsumePrefix(&rest_, expected)) return Bad(absl::StrCat("no </", expected, ">"));
    rest_ = absl::StripLeadingAsciiWhitespace(rest_);
    return absl::ConsumePrefix(&rest_, ">") ? absl::OkStatus() : Bad("a tag without end");
  }

  absl::Status Text(std::string* text) {
    for (;;) {
      const size_t end = rest_.find_first_of("<&");
      if (end == absl::string_view::npos) return Bad("an element without end");
      absl::StrAppend(text, rest_.substr(0, end));
      rest_.remove_prefix(end);
      if (rest_[0] == '<') return absl::OkStatus();
      STRATA_RETURN_IF_ERROR(Reference(text));
    }
  }

  absl::Status Reference(std::string* text) {
    const size_t end = rest_.find(';');
    if (end == absl::string_view::npos || end > 10) return Bad("'&' without ';'");
    absl::string_view name = rest_.substr(1, end - 1);
    uint32_t code = 0;
    if (absl::ConsumePrefix(&name, "#x")) {
      if (!absl::SimpleHexAtoi(name, &code)) return Bad("a bad reference");
    } else if (absl::ConsumePrefix(&name, "#")) {
      if (!absl::SimpleAtoi(name, &code)) return Bad("a bad reference");
    } else {
      code = name == "lt"     ? '<'
             : name == "gt"   ? '>'
             : name == "amp"  ? '&'
             : name == "quot" ? '"'
             : name == "apos" ? '\''
                              : 0;
    }
    if (code == 0 || code > 0x10ffff) return Bad("a bad reference");
    AppendUtf8(code, text);
    rest_.remove_prefix(end + 1);
    return absl::OkStatus();
  }

  const absl::string_view all_;
  absl::string_view rest_;
};

}  // namespace

const XmlElement* XmlElement::Child(absl::string_view child_name) const {
  for (const XmlElement& child : children) {
    if (child.name == child_name) return &child;
  }
  return nullptr;
}

absl::string_view XmlElement::ChildText(absl::string_view child_name) const {
  const XmlElement* child = Child(child_name);
  return child == nullptr ? absl::string_view() : absl::string_view(child->text);
}

absl::StatusOr<XmlElement> ParseXml(absl::string_view document) {
  return Parser(document).Document();
}

std::string XmlEscaped(absl::string_view text) {
  return absl::StrReplaceAll(
      text, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}, {"'", "&apos;"}});
}

}  // namespace strata::io
