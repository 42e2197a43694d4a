// Whether two runs are of one thing, where configurations are written differently.

import Architecture
import Configurations
import Files
import Foundation
package import Traces
package import Verification

/// Two runs of different things can't tell whether the one computes what the other does.
public struct OtherRunsCompared: Error, CustomStringConvertible {
  let reference: String
  let candidate: String
  let contradictions: [Verdict.Difference]

  /// One sentence with everything that differs.
  public var description: String {
    let others = contradictions.map {
      "\($0.attribute): expected \($0.reference.shown(atMost: 300)), found \($0.candidate.shown(atMost: 300))"
    }
    return "\(candidate) is not of the same run as \(reference), \(others.joined(separator: "; ")); "
      + "--force compares all the same"
  }
}

extension Agreement {
  /// Throws if two runs are of different things, which makes comparing them meaningless.
  ///
  /// - Throws: `OtherRunsCompared`.
  package func requireSameRun(reference: String, candidate: String) throws(OtherRunsCompared) {
    guard !contradictions.isEmpty else { return }
    throw OtherRunsCompared(
      reference: reference, candidate: candidate, contradictions: contradictions)
  }

  /// The settings of a configuration that decide what a run computes.
  package static func settings(_ text: String, _ input: TraceInput) throws -> [String: String] {
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
