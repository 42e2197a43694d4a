// The files that tools/fixtures/make_checkpoints.py wrote.
import Checkpoints
import Foundation
import Testing

enum Fixtures {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures").path

  static func path(_ name: String) -> String { "\(folder)/\(name)" }

  static func open(_ name: String) throws -> Checkpoint { try Checkpoint.open(path: path(name)) }

  /// Why reading every tensor of a file is refused, or nil where it is not.
  static func refusal(of name: String, limits: ReadingLimits = ReadingLimits()) -> CheckpointError? {
    do {
      let checkpoint = try Checkpoint.open(path: path(name), limits: limits)
      for entry in checkpoint.entries { _ = try checkpoint.bytes(of: entry.name) }
      return nil
    } catch {
      return error
    }
  }
}

extension Checkpoint {
  /// One tensor's bytes, copied.
  func copy(of name: String) throws -> [UInt8] { try bytes(of: name).withBytes { Array($0) } }
}
