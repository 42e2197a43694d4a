import Checkpoints
import Files
import Foundation
import SAM2
import Tensors

/// Where a run stands, as a file from which it goes on after an interruption.
struct TrackState: Codable {
  /// What is the same for every run that may go on from here: model, video and prompts.
  let identity: String
  let position: ScriptPosition
  /// How much of the journal there was, and what it held.
  let journal: TrackJournal.Mark

  private static let key = "track_state"
  private static let memory = "session"
  private static let digest = "sha256"

  /// Stores where a run stands and what it remembers, in one piece that survives a loss of power.
  func write(to path: String, _ snapshot: SessionSnapshot) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let state = String(decoding: try encoder.encode(self), as: UTF8.self)
    let words = [
      Self.key: state, Self.memory: snapshot.description, Self.digest: Self.digest(state, snapshot),
    ]
    try SafetensorsOutput.write(snapshot.tensors, metadata: words, to: path, durable: true)
  }

  /// Reads where a run stands; nil where there is no such file.
  ///
  /// - Throws: `DamagedRun` unless it is what was written, to the bit; `CheckpointError.file`.
  static func read(path: String) throws -> (state: TrackState, memory: SessionSnapshot)? {
    guard FilePath.exists(path) else { return nil }
    do {
      let file = try Checkpoint.open(path: path)
      guard let text = file.metadata[key], let description = file.metadata[memory],
        let stated = file.metadata[digest]
      else { throw DamagedRun(path: path) }
      let tensors = try Dictionary(uniqueKeysWithValues: file.shapes.keys.map { ($0, try file.tensor($0)) })
      let snapshot = SessionSnapshot(description: description, tensors: tensors)
      guard digest(text, snapshot) == stated else { throw DamagedRun(path: path) }
      return (try JSONDecoder().decode(TrackState.self, from: Data(text.utf8)), snapshot)
    } catch let error as CheckpointError {
      if case .file = error { throw error }
      throw DamagedRun(path: path)
    } catch is DecodingError { throw DamagedRun(path: path) }
  }

  /// The SHA-256 of all that is taken from the file, whatever way the file holds it.
  private static func digest(_ state: String, _ snapshot: SessionSnapshot) -> String {
    var digest = SHA256()
    let tensors = snapshot.tensors.sorted { $0.key < $1.key }
    let names = tensors.map { "\($0.key) \($0.value.elementType.rawValue) \($0.value.shape)" }
    // A text ends where the next begins, since each says how long it is.
    for text in [state, snapshot.description] + names {
      Array("\(text.utf8.count) \(text)\n".utf8).withUnsafeBytes { digest.update($0) }
    }
    for (_, tensor) in tensors { tensor.contiguous().withBytes { digest.update($0) } }
    return digest.finish()
  }
}

/// The state in a folder belongs to another run.
public struct OtherRun: Error, CustomStringConvertible {
  /// The state's file.
  public let path: String

  /// One sentence.
  public var description: String {
    "\(path): expected a run of the same model, video and prompts to go on from, found another; "
      + "leave out --resume to start anew"
  }
}
