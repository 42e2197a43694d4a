// Checkpoints as arguments: paths, or names of released models, which are found where `fetch` stores them.

import Downloads
import Foundation
import Pipelines

/// What a checkpoint's name stands for.
enum CheckpointName {
  /// The user's own.
  static let store = CheckpointStore(environment: ProcessInfo.processInfo.environment)

  /// The files that are read of the model of that name, as far as they are there.
  ///
  /// - Parameter isConfigured: Whether a configuration is named, so that none beside it is read.
  static func files(_ name: String, isConfigured: Bool = false) -> [String] {
    let path = (try? store.find(name, among: .official())) ?? name
    return ModelRequest.files(of: path, isConfigured: isConfigured)
  }

  /// The file of that name; says which where it is another.
  ///
  /// - Throws: `NotFetched` for a released model that isn't there.
  static func path(_ name: String) throws -> String {
    let path = try store.find(name, among: .official())
    if path != name { Console.remark("note: \(name): taken from \(path)") }
    return path
  }
}
