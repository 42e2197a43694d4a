// The true masks of a clip, however a data set keeps them, and which frame each belongs to.
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
    let paths: [String]
    switch storage {
    case .labels(let files): paths = files
    case .objects(let objects): paths = Set(objects.values.flatMap(\.keys)).sorted()
    case .runs: paths = []
    }
    if case .runs(let runs) = storage {
      frames = runs.keys.sorted()
      keys = [:]
    } else {
      let pairs = try FramePairing(clip: clip, frames: frameNames).frames(of: paths)
      frames = pairs.keys.sorted()
      keys = pairs
    }
    countsVoid = try Self.isVoidAlone(storage)
  }

  /// Whether the first mask knows no other object than 255, and no later one does.
  private static func isVoidAlone(_ storage: Storage) throws -> Bool {
    guard case .labels(let files) = storage, let first = files.first,
      try LabelMap.read(path: first).objects == [LabelMap.void]
    else { return false }
    return try files.dropFirst().allSatisfy {
      try LabelMap.read(path: $0).objects.allSatisfy { $0 == LabelMap.void }
    }
  }

  /// The frames that count: all that have masks but the first and the last of them.
  public var judged: [Int] { Array(frames.dropFirst().dropLast()) }

  /// The objects on a frame that has masks; void pixels belong to nobody.
  ///
  /// - Throws: `EvaluationError`, `MediaError`.
  public func masks(on frame: Int) throws -> [Int: BinaryMask] {
    switch storage {
    case .labels:
      let labels = try LabelMap.read(path: keys[frame] ?? "", of: width, height)
      let objects = countsVoid ? labels.objects : labels.objects.filter { $0 != LabelMap.void }
      return Dictionary(uniqueKeysWithValues: objects.map { ($0, labels.mask(of: $0)) })
    case .objects(let objects):
      var masks: [Int: BinaryMask] = [:]
      for (object, files) in objects {
        guard let name = keys[frame], let path = files[name] else { continue }
        let labels = try LabelMap.read(path: path, of: width, height)
        let mask = BinaryMask(width: width, height: height, pixels: labels.labels)
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

/// Finds the frame that a mask's name means: that of the same name, else that of the same number.
struct FramePairing {
  let clip: String
  /// Names of the frames' files, in order.
  let frames: [String]

  /// Which mask belongs to which frame.
  ///
  /// - Throws: `EvaluationError.missingFrame`, `.sameFrame`.
  func frames(of masks: [String]) throws(EvaluationError) -> [Int: String] {
    let stems = frames.map(FilePath.stem)
    let byName = Dictionary(zip(stems, stems.indices)) { first, _ in first }
    let places = stems.enumerated().map { (order: NaturalOrder($1), index: $0) }
    let numbers = stems.map(Self.lastNumber)
    var found: [Int: String] = [:]
    for mask in masks {
      let stem = FilePath.stem(of: mask)
      let order = NaturalOrder(stem)
      let number = Self.lastNumber(stem)
      let sameNumber = number.map { number in numbers.indices.filter { numbers[$0] == number } } ?? []
      guard
        let frame = byName[stem] ?? places.first(where: { $0.order.isSameNumber(as: order) })?.index
          ?? (sameNumber.count == 1 ? sameNumber[0] : nil)
      else { throw .missingFrame(clip: clip, mask: mask) }
      if let other = found[frame] { throw .sameFrame(clip: clip, masks: [other, mask]) }
      found[frame] = mask
    }
    return found
  }

  /// The last digits of a name, without leading zeros.
  private static func lastNumber(_ stem: String) -> String? {
    let end = stem.reversed().drop { !$0.isASCII || !$0.isNumber }
    let digits = String(end.prefix { $0.isASCII && $0.isNumber }.reversed())
    guard !digits.isEmpty else { return nil }
    return String(digits.drop { $0 == "0" })
  }
}
