public import Verification

/// A comparison as one page for a browser: verdict, first divergence, errors by depth, the module tree, masks, every tap,
/// provenance. It needs nothing from anywhere, and works without its script.
///
/// The page is XML as well as HTML, and there is no time in it: equal comparisons give equal bytes.
public struct HTMLReport: Sendable {
  private let report: ComparisonReport
  private let masks: [MaskDifference]

  /// The page of a comparison.
  ///
  /// - Parameter masks: How masks differ, as far as that is to be shown.
  public init(_ report: ComparisonReport, masks: [MaskDifference] = []) {
    self.report = report
    self.masks = masks
  }

  /// The page.
  public var page: String {
    let taps = report.arrays.enumerated().map { TapView($0.element, number: $0.offset, policy: report.policy) }
    let title = "\(report.passes ? "Pass" : "Fail"): \(report.candidate.path) against \(report.reference.path)"
    let sections = [
      VerdictSection(report, taps).markup, PlotSection(taps).markup,
      TreeSection(taps, firstDivergence: report.firstDivergence).markup, MaskSection(masks).markup,
      TapSection(taps, extra: report.extra).markup, ProvenanceSection(report).markup,
    ]
    return Markup.page(title, sections.compactMap { $0 }, after: [.verbatim("script", PageScript.text)])
  }
}

extension Markup {
  /// A whole page, which needs nothing from anywhere.
  ///
  /// - Parameters:
  ///   - style: what `PageStyle` has no words for.
  ///   - rest: what stands behind the page's main part.
  static func page(
    _ title: String, style: String = "", _ main: [Markup], after rest: [Markup] = []
  ) -> String {
    let head = Markup.element(
      "head", [:],
      [
        .element("meta", ["charset": "utf-8"]),
        .element("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"]),
        .element("meta", ["name": "color-scheme", "content": "light dark"]),
        .element("title", [:], Markup(title)), .verbatim("style", PageStyle.text + style),
      ])
    let body = Markup.element("body", [:], [.element("main", [:], main)] + rest)
    return "<!DOCTYPE html>\n\(Markup.element("html", ["lang": "en"], [head, body]).text)\n"
  }

  /// What a page says first, each under its name.
  static func facts(_ facts: [(String, String)]) -> Markup {
    .element(
      "dl", ["class": "facts"],
      facts.map { name, value in
        .element("div", [:], [.element("dt", [:], Markup(name)), .element("dd", [:], Markup(value))])
      })
  }

  /// A part of the page with its heading.
  static func section(_ id: String, _ heading: String, _ content: [Markup]) -> Markup {
    .element(
      "section", ["id": id, "aria-labelledby": "\(id)-heading"],
      [.element("h2", ["id": "\(id)-heading"], Markup(heading))] + content)
  }

  /// A small square of a severity's colour; hollow for what is fused.
  static func chip(_ severity: Severity?) -> Markup {
    .element(
      "span",
      ["class": "chip \(severity?.style ?? "fused")", "title": severity?.words ?? "fused: ran inside another"])
  }
}

/// What the page does beyond lying there: find, filter and sort taps, and open the one that a link leads to.
enum PageScript {
  static let text = """
    (function () {
      "use strict";
      var list = document.getElementById("list");
      var taps = Array.prototype.slice.call(list.children);
      var find = document.getElementById("find");
      var failing = document.getElementById("failing");
      var worst = document.getElementById("worst");
      function update() {
        var text = find.value.trim().toLowerCase();
        taps.forEach(function (tap) {
          var fits = tap.dataset.name.toLowerCase().indexOf(text) !== -1;
          var wanted = !failing.checked || tap.dataset.fails === "1";
          tap.hidden = !(fits ? wanted : false);
        });
      }
      function sort() {
        var order = taps.slice();
        if (worst.checked) {
          order.sort(function (a, b) {
            return (b.dataset.fails - a.dataset.fails) || (b.dataset.error - a.dataset.error);
          });
        }
        order.forEach(function (tap) { list.appendChild(tap); });
      }
      function reveal() {
        var tap = location.hash ? document.getElementById(location.hash.slice(1)) : null;
        if (tap === null || tap.tagName !== "DETAILS") { return; }
        tap.hidden = false;
        tap.open = true;
        tap.scrollIntoView({ block: "start" });
      }
      document.getElementById("controls").hidden = false;
      find.addEventListener("input", update);
      failing.addEventListener("change", update);
      worst.addEventListener("change", sort);
      window.addEventListener("hashchange", reveal);
      reveal();
    })();
    """
}
