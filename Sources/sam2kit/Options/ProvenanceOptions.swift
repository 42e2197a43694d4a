import Architecture
import Configurations
import ArgumentParser
import Foundation
import Traces
import Verification

/// What to do about recordings that are of different things.
struct ProvenanceOptions: ParsableArguments {
  @Flag(
    name: .long,
    help: "Go on although checkpoint, input, prompts or configuration are others than the reference's.")
  var force = false

  /// Throws if two runs are of different things, which makes comparing them meaningless.
  ///
  /// - Throws: `OtherRunsCompared`, unless `--force` is given.
  func check(_ agreement: Agreement, reference: String, candidate: String) throws {
    let contradictions = agreement.contradictions
    guard force || contradictions.isEmpty else {
      throw OtherRunsCompared(reference: reference, candidate: candidate, contradictions: contradictions)
    }
  }

  /// The settings of a configuration that decide what a run computes.
  static func settings(_ text: String, _ input: TraceInput) throws -> [String: String] {
    guard var configuration = try? ModelConfiguration(yaml: text, origin: "the recording") else {
      return ["": text]  // a foreign program's own words
    }
    if input.kind != "video" {
      // What the video predictor alone looks at.
      configuration.fillHoleArea = 0
      configuration.nonOverlapMasks = false
      configuration.clearNonCondMemAroundInput = false
      configuration.addAllFramesToCorrectAsCond = false
      configuration.binarizeMaskFromPtsForMemEnc = false
    }
    return try JSONDecoder().decode(SettingTree.self, from: Data(configuration.json.utf8)).leaves
  }
}

/// A configuration's values by their dotted names.
private struct SettingTree: Decodable {
  let leaves: [String: String]

  init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    if let mapping = try? value.decode([String: SettingTree].self) {
      leaves = Dictionary(
        uniqueKeysWithValues: mapping.flatMap { key, tree in
          tree.leaves.map { ($0.isEmpty ? key : "\(key).\($0)", $1) }
        })
    } else if let list = try? value.decode([SettingTree].self) {
      leaves = ["": "[" + list.map { $0.leaves[""] ?? "…" }.joined(separator: ", ") + "]"]
    } else if let flag = try? value.decode(Bool.self) {
      leaves = ["": "\(flag)"]
    } else if let number = try? value.decode(Double.self) {
      leaves = ["": "\(number)"]
    } else {
      leaves = ["": value.decodeNil() ? "null" : try value.decode(String.self)]
    }
  }
}

/// Two runs of different things can't tell whether the one computes what the other does.
struct OtherRunsCompared: Error, CustomStringConvertible {
  let reference: String
  let candidate: String
  let contradictions: [Verdict.Difference]

  var description: String {
    let lines = contradictions.map {
      "  \($0.attribute): expected \($0.reference.prefix(400)), found \($0.candidate.prefix(400))"
    }
    return "\(candidate) is not of the same run as \(reference); --force compares all the same\n"
      + lines.joined(separator: "\n")
  }
}
