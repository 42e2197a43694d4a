import Foundation
import Prompts
import Traces
import Verification

/// The verdict in one word, what it rests on, and where the error begins.
struct VerdictSection {
  private let report: ComparisonReport
  private let taps: [TapView]

  init(_ report: ComparisonReport, _ taps: [TapView]) {
    self.report = report
    self.taps = taps
  }

  var markup: Markup {
    .element(
      "header", ["class": report.passes ? "verdict pass" : "verdict fail"],
      [
        .element("p", ["class": "stamp"], Markup(report.passes ? "✓ Pass" : "✗ Fail")),
        .element(
          "h1", [:],
          [.element("code", [:], Markup(report.candidate.path)), " against "]
            + [.element("code", [:], Markup(report.reference.path))]),
        .facts(facts),
      ] + doubts + divergence)
  }

  private var facts: [(String, String)] {
    func count(_ status: ComparisonReport.Status) -> Int { report.arrays.count { $0.status == status } }
    let compared = count(.passed) + count(.diverged)
    let failing = taps.count(where: \.fails)
    var facts = [
      ("compared", "\(Figure.count(compared)) \(report.compared == "sketches" ? "sketches" : "arrays")"),
      ("failing", Figure.count(failing)), ("missing", Figure.count(count(.missing))),
      ("misshaped", Figure.count(count(.shapeMismatch))), ("policy", report.policy.name),
      ("smallest tolerance that passes", report.smallestPassingTolerance.map(Figure.error) ?? "none"),
    ]
    if let limit = report.policy.defaults.relative {
      facts.insert(("tolerance", Figure.error(limit)), at: 5)
    }
    let isolated = taps.compactMap(\.isolated)
    if let largest = isolated.max() { facts.append(("largest isolated error", Figure.error(largest))) }
    if report.fused > 0 { facts.append(("fused", Figure.count(report.fused))) }
    let zeros = taps.count { $0.row.flags.contains(.zero) }
    if zeros > 0 { facts.append(("all zeros on both sides", Figure.count(zeros))) }
    return facts
  }

  /// What makes the comparison itself doubtful.
  private var doubts: [Markup] {
    guard !report.differences.isEmpty else { return [] }
    let names = report.differences.map(\.attribute).joined(separator: ", ")
    return [
      .element(
        "p", ["class": "doubt"],
        Markup("The two are not of the same run: \(names) differ. See provenance below."))
    ]
  }

  private var divergence: [Markup] {
    guard let first = taps.first(where: { $0.row.name == report.firstDivergence }) else { return [] }
    // The first sentence names the tap, which the heading does.
    let paragraphs =
      [first.account.prefix(1).uppercased() + first.account.dropFirst() + "."]
      + (report.divergence?.sentences.dropFirst().map { $0 } ?? plainAccount(of: first))
    return [
      .element(
        "div", ["class": "divergence"],
        [
          .element(
            "h2", [:],
            ["First divergence: ", .element("a", ["href": "#\(first.anchor)"], Markup(first.row.name))])
        ] + paragraphs.map { .element("p", ["class": $0.hasPrefix("Hint: ") ? "hint" : nil], Markup($0)) })
    ]
  }

  /// What the numbers alone tell.
  private func plainAccount(of first: TapView) -> [String] {
    var paragraphs: [String] = []
    let inputs = taps.filter {
      $0.module != nil && $0.module == first.module && $0.isInput && $0.part != first.part
    }
    if !first.isInput, let largest = inputs.compactMap(\.error).max() {
      paragraphs.append(
        inputs.contains(where: \.fails)
          ? "Of its inputs \(inputs.filter(\.fails).map(\.part).joined(separator: ", ")) are off, too."
          : "Its inputs agree, within \(Figure.error(largest)): what happens in \(first.module ?? "it") brings the error about."
      )
    }
    let later = taps.filter { $0.number > first.number && $0.fails }.count
    if later > 0 { paragraphs.append("\(Figure.count(later)) taps after it fail as well.") }
    return paragraphs
  }
}

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
    ("backend", { $0.arithmetic }),
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
