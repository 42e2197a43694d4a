// What a search for modules to keep in floating point has evaluated, as a file from which it goes on after an interruption.
import Architecture
import Checkpoints
import Files
import Foundation
import Kernels
import Quantization
import SAM2
import Tensors

/// Evaluations and what they are of.
struct SearchState: Codable {
  private static let form = "sam2kit.search"

  private let format: String
  /// What is the same for every search that may go on from here, by name.
  private let identity: [String: String]
  private var evaluations: [FloatSearch.Evaluation]

  /// Where the state of a search for an output lies: beside it.
  static func path(for output: String) -> String {
    let url = URL(fileURLWithPath: output)
    let name = ".\(url.lastPathComponent).search"
    guard let slash = output.lastIndex(of: "/") else { return name }
    return output[...slash] + name
  }

  /// What a search is of.
  static func identity(_ study: QuantizationStudy, folder: String) throws -> [String: String] {
    let backend = study.float.base.backend
    return [
      "checkpoint": CheckpointIdentity(of: study.float.checkpoint).text,
      "configuration": digest(study.float.configuration.json), "plan": digest(study.plan.json),
      "data": try digest(of: folder),
      "backend": "\(backend.name) \(backend.version) \(backend.kernels ?? "")",
      "version": Product.version,
    ]
  }

  /// The evaluations of an earlier search for the same; none where there is no state, or one of something else, which is
  /// told.
  static func evaluations(
    at path: String, of identity: [String: String], _ watch: PipelineWatcher
  ) -> [FloatSearch.Evaluation] {
    guard FilePath.exists(path) else { return [] }
    guard let data = try? SealedFile.read(path),
      let state = try? JSONDecoder().decode(SearchState.self, from: Data(data)), state.format == form
    else {
      watch(
        .note(
          "\(path): expected the state of a search, found something else or altered; the search begins anew")
      )
      return []
    }
    let others = identity.keys.sorted().filter { state.identity[$0] != identity[$0] }
    guard others.isEmpty else {
      watch(
        .note(
          "\(path): the state of a search with another \(others.joined(separator: ", another ")); "
            + "the search begins anew"))
      return []
    }
    watch(.note("\(path): going on from an earlier search, evaluations known: \(state.evaluations.count)"))
    return state.evaluations
  }

  /// Stores evaluations in one piece that survives a loss of power.
  static func write(
    _ evaluations: [FloatSearch.Evaluation], of identity: [String: String], to path: String
  ) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let state = SearchState(format: form, identity: identity, evaluations: evaluations)
    try SealedFile.write(Array(encoder.encode(state)), to: path)
  }

  private static func digest(_ text: String) -> String {
    Array(text.utf8).withUnsafeBytes { SHA256.hex(of: $0) }
  }

  /// Of all files in a set's folders, and their names; of a public data set, whose folders have other names, of all that is there.
  private static func digest(of folder: String) throws -> String {
    let names = try FileManager.default.subpathsOfDirectory(atPath: folder).sorted()
    let own = names.filter { $0.hasPrefix("pictures/") || $0.hasPrefix("clips/") }
    let lines = try (own.isEmpty ? names : own).compactMap { name -> String? in
      let path = "\(folder)/\(name)"
      guard FilePath.exists(path), !FilePath.isFolder(path) else { return nil }
      return "\(try SHA256.hex(ofFile: path))  \(name)\n"
    }
    return digest(lines.joined())
  }
}
