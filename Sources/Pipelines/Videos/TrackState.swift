import Checkpoints
import Files
import Foundation
import SAM2

/// Where a run stands, as a file from which it goes on after an interruption.
struct TrackState: Codable {
  /// What is the same for every run that may go on from here: model, video and prompts.
  let identity: String
  let position: ScriptPosition
  let journalLength: UInt64

  private static let key = "track_state"
  private static let memory = "session"

  /// Stores where a run stands and what it remembers, in one piece that survives a loss of power.
  func write(to path: String, _ session: VideoSession) throws {
    let snapshot = try session.snapshot()
    let state = String(decoding: try JSONEncoder().encode(self), as: UTF8.self)
    try SafetensorsOutput.write(
      snapshot.tensors, metadata: [Self.key: state, Self.memory: snapshot.description], to: path,
      durable: true)
  }

  /// Reads where a run stands; nil where there is no such file.
  static func read(path: String) throws -> (state: TrackState, memory: SessionSnapshot)? {
    guard FilePath.exists(path) else { return nil }
    let file = try Checkpoint.open(path: path)
    guard let text = file.metadata[key], let description = file.metadata[memory] else {
      throw FileError.unreadable(path: path, reason: "expected the state of an interrupted run, found none")
    }
    let state = try JSONDecoder().decode(TrackState.self, from: Data(text.utf8))
    let tensors = try Dictionary(uniqueKeysWithValues: file.shapes.keys.map { ($0, try file.tensor($0)) })
    return (state, SessionSnapshot(description: description, tensors: tensors))
  }
}
