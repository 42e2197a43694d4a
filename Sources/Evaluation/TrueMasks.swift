// The true masks of a clip, however a data set keeps them.
// Source: the DAVIS 2017 evaluator's davis.py (void) and SA-V's sav_benchmark.py (masks of one object each).

import Files
public import Masks
import Media

/// The true masks of a clip's frames.
public struct TrueMasks: Sendable {
  /// How they are kept.
  enum Storage: Sendable {
    /// A picture of object numbers for each frame.
    case labels([String])
    /// For each object, pictures of its own by their names without extension.
    case objects([Int: [String: String]])
    /// Run lengths in memory, by frame and object.
    case runs([Int: [Int: RunLengthEncoding]])
  }

  /// The frames that have true masks, ascending, from 0.
  public let frames: [Int]
  private let storage: Storage
  /// What stands for a frame of `frames` in the storage: a path, or a picture's name.
  private let keys: [Int: String]
  private let width: Int
  private let height: Int
  /// Whether 255 is an object, since there is no other.
  private let countsVoid: Bool

  /// The masks of a clip whose frames have those names (none for a video file) and that size.
  ///
  /// - Throws: `EvaluationError`, `MediaError`.
  init(_ storage: Storage, clip: String, frameNames: [String], width: Int, height: Int) throws {
    self.storage = storage
    (self.width, self.height) = (width, height)
    let pairing = FramePairing(clip: clip, frames: frameNames)
    switch storage {
    case .labels(let files):
      keys = try pairing.frames(of: files)
      frames = keys.keys.sorted()
    case .objects(let objects):
      keys = try pairing.frames(of: Set(objects.values.flatMap(\.keys)).sorted())
      frames = keys.keys.sorted()
    case .runs(let runs):
      keys = [:]
      frames = runs.keys.sorted()
    }
    countsVoid = try Self.isVoidAlone(storage)
  }

  /// Whether the first mask knows no other object than 255, and no later one does.
  private static func isVoidAlone(_ storage: Storage) throws -> Bool {
    guard case .labels(let files) = storage, let first = files.first,
      try LabelRaster.read(path: first).isVoidAlone
    else { return false }
    return try files.dropFirst().allSatisfy { try LabelRaster.read(path: $0).withoutVoid.objects.isEmpty }
  }

  /// The frames that count: all that have masks but the first and the last of them.
  public var judged: [Int] { Array(frames.dropFirst().dropLast()) }

  /// The objects on a frame that has masks; void pixels belong to nobody.
  ///
  /// - Throws: `EvaluationError`, `MediaError`.
  public func masks(on frame: Int) throws -> [Int: BinaryMask] {
    switch storage {
    case .labels:
      let read = try LabelRaster.read(path: keys[frame] ?? "", of: width, height)
      let labels = countsVoid ? read : read.withoutVoid
      return Dictionary(uniqueKeysWithValues: labels.objects.map { ($0, labels.mask(of: $0)) })
    case .objects(let objects):
      var masks: [Int: BinaryMask] = [:]
      for (object, files) in objects {
        guard let name = keys[frame], let path = files[name] else { continue }
        let mask = try LabelRaster.read(path: path, of: width, height).foreground
        if mask.area > 0 { masks[object] = mask }
      }
      return masks
    case .runs(let runs):
      return try (runs[frame] ?? [:]).mapValues { run in
        guard run.width == width, run.height == height else {
          throw EvaluationError.wrongSize(
            path: "frame \(frame)", expectedWidth: width, expectedHeight: height, foundWidth: run.width,
            foundHeight: run.height)
        }
        return BinaryMask(run)
      }.filter { $0.value.area > 0 }
    }
  }

  /// A mask without a pixel.
  public var nothing: BinaryMask {
    BinaryMask(width: width, height: height, pixels: [UInt8](repeating: 0, count: width * height))
  }

  /// The name that a frame's predicted mask has, without extension.
  func name(of frame: Int) -> String {
    keys[frame].map { FilePath.stem(of: $0) } ?? String(frame).leftPadded(to: 5)
  }
}

extension String {
  func leftPadded(to count: Int) -> String {
    String(repeating: "0", count: max(0, count - self.count)) + self
  }
}
