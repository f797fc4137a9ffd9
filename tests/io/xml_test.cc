#include "io/xml.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace strata::io {
namespace {

TEST(Xml, ElementsTextAndReferences) {
  const XmlElement root = ParseXml(R"(<?xml version="1.0"?><!-- a > b -->
<Result xmlns="http://x/?a>b"><Key>a&amp;b&#x2F;&#228;&lt;</Key><Empty/><Key>two</Key>
<Deep><In><![CDATA[<raw&>]]></In></Deep></Result>
)")
                              .value();
  EXPECT_EQ(root.name, "Result");
  EXPECT_EQ(root.children.size(), 4u);
  EXPECT_EQ(root.ChildText("Key"), "a&b/\xc3\xa4<");
  EXPECT_EQ(root.ChildText("Empty"), "");
  EXPECT_EQ(root.ChildText("None"), "");
  EXPECT_EQ(root.Child("None"), nullptr);
  EXPECT_EQ(root.Child("Deep")->ChildText("In"), "<raw&>");
}

TEST(Xml, EscapedTextComesBack) {
  const std::string odd = "<a>&\"'";
  EXPECT_EQ(ParseXml(absl::StrCat("<T>", XmlEscaped(odd), "</T>"))->text, odd);
}

TEST(Xml, EveryTruncationIsAnError) {
  const std::string whole = "<?xml version='1.0'?><A b='>'><B>x&amp;y</B><C/><!--c--></A>";
  ASSERT_TRUE(ParseXml(whole).ok());
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(ParseXml(whole.substr(0, size)).ok()) << size;
  }
}

TEST(Xml, WhatIsNotWellFormedIsAnError) {
  for (const char* text :
       {"", "text", "<A></B>", "<A><B></A></B>", "<A/><B/>", "<A>&unknown;</A>", "<A>&#0;</A>",
        "<A>&#x110000;</A>", "<!DOCTYPE A [<!ENTITY e \"x\">]><A>&e;</A>", "< A/>", "<A"}) {
    EXPECT_FALSE(ParseXml(text).ok()) << text;
  }
}

TEST(Xml, DeepNestingIsAnError) {
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += "<a>";
  EXPECT_FALSE(ParseXml(deep).ok());
}

}  // namespace
}  // namespace strata::io
