import Files
import Foundation
import Prompts
import Traces

/// What a trace or sketch holds, for people.
struct TraceSummaryText {
  private let summary: TraceSummary
  private let withTaps: Bool

  init(_ summary: TraceSummary, withTaps: Bool) {
    self.summary = summary
    self.withTaps = withTaps
  }

  var text: [String] { head.map(\.shownWords) + (withTaps ? [""] + taps : []) }

  private var head: [String] {
    let origin = summary.provenance
    let input = origin.input
    var lines = [
      "\(summary.path): a \(summary.kind) of \(summary.fileBytes.bytes)",
      "producer       \(origin.producer) \(origin.producerVersion)",
      "backend        \(origin.arithmetic), \(origin.precision), \(origin.threads) threads",
      "checkpoint     \(Self.digest(origin.checkpointSHA256))",
      "input          \(input.kind) of \(input.width) × \(input.height)"
        + (input.frames.map { ", \($0) frames" } ?? "")
        + ", \(input.preprocessing), \(Self.digest(origin.inputSHA256))",
      "prompts        \(Self.words(origin.prompts))",
      "configuration  "
        + (origin.configuration.isEmpty ? "none" : "\(origin.configuration.utf8.count) bytes of YAML or JSON"),
      "taps           \(summary.taps.count) of \(summary.calls) calls of \(summary.modules) modules",
    ]
    let bytes = summary.taps.reduce(0) { $0 + $1.bytes }
    if let samples = summary.samples, let seed = summary.seed {
      lines.append(
        "sketches       \(summary.arrays), of arrays of \(bytes.bytes); \(samples) samples, seed \(seed)")
    } else {
      let stored = summary.taps.reduce(0) { $0 + ($1.storedBytes ?? 0) }
      lines.append(
        "arrays         \(summary.arrays) different ones in \(stored.bytes), \(bytes.bytes) if each were")
    }
    return lines
  }

  private var taps: [String] {
    let isVideo = summary.taps.contains { $0.frame != nil }
    let heading =
      ["tap", "shape"] + (isVideo ? ["frame", "object"] : [])
      + (summary.kind == "trace" ? ["type", "bytes", "stored", "", ""] : ["bytes"])
    let rows = summary.taps.map { tap in
      let place = isVideo ? [tap.frame.map(String.init) ?? "–", tap.object.map(String.init) ?? "–"] : []
      let storage =
        summary.kind == "trace"
        ? [
          tap.type ?? "", tap.bytes.bytes, tap.storedBytes?.bytes ?? "", tap.storage ?? "",
          tap.linkedTo == nil ? "" : "=",
        ]
        : [tap.bytes.bytes]
      return [tap.name, "[\(tap.shape.map(String.init).joined(separator: ", "))]"] + place + storage
    }
    return TextTable.aligned([heading] + rows)
  }

  private static func digest(_ text: String) -> String { text.isEmpty ? "not said" : "SHA-256 \(text)" }

  private static func words(_ prompts: PromptScript) -> String {
    if let steps = prompts.steps { return "\(steps.count) steps" }
    return "\(prompts.objects.count) objects" + (prompts.multimask ? ", several masks each" : "")
  }
}

/// What differs between two recordings, for people.
struct TraceDifferenceText {
  private let difference: TraceDifference

  init(_ difference: TraceDifference) { self.difference = difference }

  var text: [String] {
    var lines = difference.attributes.flatMap { attribute in
      [
        "\(attribute.attribute):", "  first   \(Self.brief(attribute.first))",
        "  second  \(Self.brief(attribute.second))",
      ]
    }
    lines += difference.onlyInFirst.map { "only in the first   \($0)" }
    lines += difference.onlyInSecond.map { "only in the second  \($0)" }
    lines += difference.taps.map { "\($0.name): \($0.account)" }
    let taps = Set(difference.taps.map(\.name)).count
    lines.append(
      difference.isEmpty
        ? "the same: \(difference.equalTaps) taps, to the bit"
        : "\(difference.attributes.count) attributes and \(taps) taps differ, \(difference.equalTaps) taps are the same, "
          + "\(difference.onlyInFirst.count) are only in the first, \(difference.onlyInSecond.count) only in the second"
    )
    return lines.map(\.shownWords)
  }

  /// The beginning of a text that may be a whole configuration.
  private static func brief(_ text: String) -> String {
    let line = text.replacing("\n", with: " ")
    return line.isEmpty ? "nothing" : line.shown(atMost: 160)
  }
}
