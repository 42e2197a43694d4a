import Foundation
import Taps
import Tensors
import Testing
import Verification

@testable import Reports

private func page(breaks: Bool = true) throws -> (text: String, elements: [XMLElementSeen]) {
  let (result, expected, found) = try ReportFixtures.comparison(breaks: breaks)
  let masks = try MaskDifference.all(of: result.comparison, expected, found)
  let text = HTMLReport(ComparisonReport(result), masks: masks).page
  return (text, try #require(ReportFixtures.elements(text), "not well-formed"))
}

private func ofClass(_ name: String, _ elements: [XMLElementSeen]) -> [XMLElementSeen] {
  elements.filter { ($0.attributes["class"] ?? "").split(separator: " ").contains(Substring(name)) }
}

@Test func thePageIsWellFormedAndHasItsParts() throws {
  let (text, elements) = try page()
  #expect(text.hasPrefix("<!DOCTYPE html>\n<html lang=\"en\">"))
  let sections = elements.filter { $0.name == "section" }.compactMap { $0.attributes["id"] }
  #expect(sections == ["depth", "tree", "masks", "taps", "provenance"])
  #expect(elements.contains { $0.name == "meta" && $0.attributes["name"] == "viewport" })
  #expect(ofClass("stamp", elements).first?.text == "✗ Fail")
  #expect(try ofClass("stamp", page(breaks: false).elements).first?.text == "✓ Pass")
}

@Test func thePageNeedsNothingFromAnywhere() throws {
  let (text, elements) = try page()
  for element in elements {
    for (name, value) in element.attributes where ["src", "href", "srcset", "action", "data"].contains(name) {
      #expect(value.hasPrefix("#") || value.hasPrefix("data:image/png;base64,"), "\(name)=\(value)")
    }
    #expect(!["link", "iframe", "object", "embed", "base", "form"].contains(element.name))
  }
  #expect(
    !text.contains("url(") && !text.contains("@import") && !text.contains("http:") && !text.contains("https:"))
  #expect(!text.contains("fetch(") && !text.contains("XMLHttpRequest"))
}

@Test func namesCannotBreakOutOfThePage() throws {
  let (text, elements) = try page()
  #expect(!text.contains("<script>alert"))
  #expect(elements.filter { $0.name == "script" }.count == 1)
  #expect(
    elements.contains {
      $0.attributes["data-name"] == ReportFixtures.hostile.replacing("\u{1}", with: "\\u{1}")
    })
}

@Test func everyTapHasACardThatTheTreeAndThePlotLeadTo() throws {
  let (_, elements) = try page()
  let cards = ofClass("tap", elements)
  #expect(cards.map { $0.attributes["id"] } == (0..<8).map { "tap-\($0)" })
  #expect(cards.map { $0.attributes["data-fails"] } == ["0", "0", "0", "1", "1", "1", "1", "1"])
  let identifiers = Set(elements.compactMap { $0.attributes["id"] })
  let links = elements.filter { $0.name == "a" }.compactMap { $0.attributes["href"] }
  #expect(links.count > 8 && links.allSatisfy { identifiers.contains(String($0.dropFirst())) })
  #expect(
    Set(elements.compactMap { $0.attributes["id"] }).count == elements.compactMap { $0.attributes["id"] }.count)
  // The first divergence is named, and the tree is open down to it.
  #expect(ofClass("divergence", elements).count == 1)
  #expect(links.first == "#tap-3")
}

@Test func picturesAndDrawingsSayWhatTheyShow() throws {
  let (_, elements) = try page()
  let pictures = elements.filter { $0.name == "img" }
  // Heat maps of what could be compared, and two masks.
  #expect(pictures.count == 6 + 2)
  #expect(pictures.allSatisfy { !($0.attributes["alt"] ?? "").isEmpty })
  let drawings = elements.filter { $0.name == "svg" }
  #expect(
    drawings.count == 6 + 2
      && drawings.allSatisfy { $0.attributes["role"] == "img" && $0.attributes["aria-label"] != nil })
  // Bars past what is allowed stand out in the histogram of what fails.
  #expect(!ofClass("past", elements).isEmpty)
  #expect(try ofClass("past", page(breaks: false).elements).isEmpty)
}

@Test func equalComparisonsGiveEqualPages() throws {
  #expect(try page().text == page().text)
}

@Test func whatIsFusedIsShownWithoutBeingRightOrWrong() throws {
  let grid = ReportFixtures.grid([2])
  let report = ComparisonReport(
    try Verdict(
      reference: HeldTensors([("a.b/0/output", grid), ("a/0/output", grid)]),
      candidate: HeldTensors([("a/0/output", grid)]), policy: .f32, wholes: [ModulePath("a")]))
  let elements = try #require(ReportFixtures.elements(HTMLReport(report).page))
  let cards = ofClass("tap", elements)
  #expect(cards.map { $0.attributes["data-fails"] } == ["0", "0"])
  #expect(ofClass("mark", elements).map(\.text) == ["–", "✓"])
  #expect(ofClass("stamp", elements).first?.text == "✓ Pass")
  #expect(ofClass("fused", elements).count >= 2)
  #expect(elements.contains { $0.name == "dt" && $0.text == "fused" })
  #expect(elements.contains { $0.name == "p" && $0.text == "a.b/0/output: not seen: a ran as one" })
  // Nothing of it where nothing is fused.
  #expect(try !page().elements.contains { $0.name == "dt" && $0.text == "fused" })
}

/// The tree ends somewhere, however many dots a name has: the last steps are one.
@Test func modulesWithinModulesEndSomewhere() throws {
  let deep = (0..<20_000).map { "m\($0)" }.joined(separator: ".")
  let held = ReportFixtures.held(
    [("\(deep)/0/output", Tensor([1], [1])), ("a.b/0/output", Tensor([1], [1]))], "x.h5")
  let page = HTMLReport(ComparisonReport(try Verdict(reference: held, candidate: held, policy: .f32))).page
  let elements = try #require(ReportFixtures.elements(page))
  let names =
    ofClass("tree", elements).isEmpty ? [] : elements.filter { $0.attributes["class"] == "name" }.map(\.text)
  #expect(names.contains("m0") && names.contains("m46") && !names.contains("m47"), "\(names.prefix(60))")
  #expect(names.contains { $0.hasPrefix("m47.m48.") && $0.hasSuffix(".m19999") })
  #expect(names.contains("a") && names.contains("b"))
}
