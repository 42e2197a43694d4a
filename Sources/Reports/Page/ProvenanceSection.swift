import Foundation
import Prompts
import Traces
import Verification

/// Where both sides come from, and what was near enough.
struct ProvenanceSection {
  private let report: ComparisonReport

  init(_ report: ComparisonReport) { self.report = report }

  var markup: Markup {
    let differing = Set(report.differences.map(\.attribute))
    let heading = Markup.element(
      "tr", [:], ["", "reference", "candidate"].map { .element("th", ["scope": "col"], Markup($0)) })
    let rows = Self.attributes.map { name, value -> Markup in
      let sides = [report.reference, report.candidate]
      let values = sides.map { side in
        side.provenance.map(value) ?? (name == "precision" ? side.precision : "not said")
      }
      return .element(
        "tr", ["class": differing.contains(name) ? "differs" : nil],
        [.element("th", ["scope": "row"], Markup(differing.contains(name) ? "≠ \(name)" : name))]
          + values.map { .element("td", [:], Markup($0.isEmpty ? "–" : $0)) })
    }
    let files = Markup.element(
      "tr", [:],
      [.element("th", ["scope": "row"], "file"), .element("td", [:], Markup(report.reference.path))]
        + [.element("td", [:], Markup(report.candidate.path))])
    return .section(
      "provenance", "Provenance",
      [
        .element(
          "div",
          ["class": "scroll", "tabindex": "0", "role": "region", "aria-labelledby": "provenance-heading"],
          .element("table", [:], .element("tbody", [:], [heading, files] + rows)))
      ])
  }

  private static let attributes: [(String, @Sendable (Provenance) -> String)] = [
    ("producer", { "\($0.producer) \($0.producerVersion)" }),
    ("backend", { "\($0.backend) \($0.backendVersion)" }),
    ("precision", { $0.precision }), ("threads", { "\($0.threads)" }),
    ("checkpoint_sha256", { $0.checkpointSHA256 }), ("input_sha256", { $0.inputSHA256 }),
    ("input", { input($0.input) }), ("prompts", { prompts($0.prompts) }),
  ]

  private static func input(_ input: TraceInput) -> String {
    "\(input.kind), \(input.width) × \(input.height)" + (input.frames.map { ", \($0) frames" } ?? "")
      + ", \(input.preprocessing)"
  }

  private static func prompts(_ prompts: PromptScript) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(prompts) else { return "" }
    let text = String(decoding: data, as: UTF8.self)
    return text.count > 600 ? "\(text.prefix(600))…" : text
  }
}
