import Architecture
import Foundation
public import Tensors

/// A session's memory in a form to be stored: words and tensors.
public struct SessionSnapshot: Sendable {
  /// JSON that says what the tensors are.
  public var description: String
  /// All tensors by name, to the bit: Float32, and memories in bfloat16, as a session has them. Where memories come as
  /// another type, they are rounded to that.
  public var tensors: [String: Tensor]

  /// What was stored.
  public init(description: String, tensors: [String: Tensor]) {
    self.description = description
    self.tensors = tensors
  }

  /// An object's memory without the tensors.
  private struct Object: Codable {
    let id: Int
    let pointed: [Int]
    let masked: [Int]
    let conditioning: [Int]
    let tracked: [Int]
    /// Frames of prompts since the last propagation, that start the object and that correct it.
    let started: [Int]
    let corrected: [Int]
    let forgotten: FrameRanges
    let forwards: FrameRanges
    let backwards: FrameRanges
  }

  init(_ objects: [TrackedObject]) throws {
    tensors = [:]
    let described = objects.map { object in
      let tracked = object.bank.tracked
      return Object(
        id: object.id, pointed: object.points.keys.sorted(), masked: object.maskedFrames.sorted(),
        conditioning: object.bank.conditioning.frames, tracked: tracked.outputs.keys.sorted(),
        started: object.pending.conditioning.frames, corrected: object.pending.tracked.frames,
        forgotten: tracked.forgotten, forwards: tracked.forwards, backwards: tracked.backwards)
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    description = String(decoding: try encoder.encode(described), as: UTF8.self)
    for object in objects {
      for (frame, points) in object.points {
        tensors["\(object.id)/points/\(frame)"] = points.coordinates
        tensors["\(object.id)/labels/\(frame)"] = points.labels
      }
      store(object.bank.conditioning, "\(object.id)/conditioning")
      store(object.pending.conditioning, "\(object.id)/started")
      store(object.pending.tracked, "\(object.id)/corrected")
      for (frame, output) in object.bank.tracked.outputs { store(output, "\(object.id)/tracked/\(frame)") }
    }
  }

  /// The objects that were stored, which a model of that configuration must have tracked.
  func objects(_ configuration: ModelConfiguration) throws -> [TrackedObject] {
    let reader = Reader(tensors: tensors, configuration: configuration)
    return try JSONDecoder().decode([Object].self, from: Data(description.utf8)).map { stored in
      var object = TrackedObject(id: stored.id)
      for frame in stored.pointed {
        object.points[frame] = try reader.points("\(stored.id)", frame: frame)
      }
      object.maskedFrames = Set(stored.masked)
      object.bank.conditioning = try reader.outputs(stored.conditioning, "\(stored.id)/conditioning")
      object.pending.conditioning = try reader.outputs(stored.started, "\(stored.id)/started")
      object.pending.tracked = try reader.outputs(stored.corrected, "\(stored.id)/corrected")
      object.bank.tracked = TrackedOutputs(
        outputs: try Dictionary(
          stored.tracked.map { ($0, try reader.output("\(stored.id)/tracked/\($0)")) },
          uniquingKeysWith: { $1 }),
        forgotten: stored.forgotten, forwards: stored.forwards, backwards: stored.backwards)
      return object
    }
  }

  private mutating func store(_ outputs: FrameOutputs, _ name: String) {
    for frame in outputs.frames { outputs[frame].map { store($0, "\(name)/\(frame)") } }
  }

  private mutating func store(_ output: FrameOutput, _ name: String) {
    tensors["\(name)/mask"] = output.maskLogits
    tensors["\(name)/pointer"] = output.objectPointer
    tensors["\(name)/score"] = output.objectScore
    tensors["\(name)/iou"] = Tensor([1, 1], [output.predictedIoU])
    if let memory = output.memory { tensors["\(name)/memory"] = memory }
  }
}

/// Finds a stored session's tensors, in memory of their own, and sees that they are what a model makes.
private struct Reader {
  let tensors: [String: Tensor]
  let configuration: ModelConfiguration

  func points(_ object: String, frame: Int) throws(SAM2Error) -> PointInputs {
    let labels = "\(object)/labels/\(frame)"
    let count = tensors[labels]?.shape.extents.last ?? 0
    return PointInputs(
      coordinates: try tensor("\(object)/points/\(frame)", [1, count, 2]),
      labels: try tensor(labels, [1, count]))
  }

  func outputs(_ frames: [Int], _ name: String) throws(SAM2Error) -> FrameOutputs {
    var outputs = FrameOutputs()
    for frame in frames { outputs[frame] = try output("\(name)/\(frame)") }
    return outputs
  }

  func output(_ name: String) throws(SAM2Error) -> FrameOutput {
    let (side, grid) = (configuration.imageSize / 4, configuration.imageEmbeddingSize)
    let memory = "\(name)/memory"
    return FrameOutput(
      maskLogits: try tensor("\(name)/mask", [1, 1, side, side]),
      objectPointer: try tensor("\(name)/pointer", [1, configuration.hiddenDim]),
      objectScore: try tensor("\(name)/score", [1, 1]),
      predictedIoU: try tensor("\(name)/iou", [1, 1]).elements[0],
      memory: tensors[memory] == nil
        ? nil : try tensor(memory, [1, configuration.memDim, grid, grid], .bfloat16))
  }

  private func tensor(
    _ name: String, _ shape: Shape, _ type: ElementType = .float32
  ) throws(SAM2Error) -> Tensor {
    guard let tensor = tensors[name] else { throw .brokenSnapshot(missing: name) }
    guard tensor.shape == shape, tensor.elementType.isReadableAsFloat32 else {
      throw .wrongSnapshot(
        tensor: name, expected: "\(type.rawValue) \(shape)",
        found: "\(tensor.elementType.rawValue) \(tensor.shape)")
    }
    let found = tensor.elementType == type ? tensor : tensor.converted(to: .float32).converted(to: type)
    return found.compacted()
  }
}

extension VideoSession {
  /// The session's memory as it is now.
  ///
  /// - Throws: `EncodingError`, which numbers and names don't cause.
  public func snapshot() throws -> SessionSnapshot { try SessionSnapshot(objects) }

  /// Takes up a memory that an equal session had.
  ///
  /// - Throws: `SAM2Error.brokenSnapshot`, `.wrongSnapshot`, `DecodingError`; the session then stays as it was.
  public mutating func restore(_ snapshot: SessionSnapshot) throws {
    objects = try snapshot.objects(configuration)
  }
}
