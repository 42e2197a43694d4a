import Foundation
public import Tensors

/// A session's memory in a form to be stored: words and tensors.
public struct SessionSnapshot: Sendable {
  /// JSON that says what the tensors are.
  public var description: String
  /// All tensors by name; Float32, exactly.
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
    let forgotten: FrameRuns
    let forwards: FrameRuns
    let backwards: FrameRuns
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

  /// The objects that were stored.
  var objects: [TrackedObject] {
    get throws {
      try JSONDecoder().decode([Object].self, from: Data(description.utf8)).map { stored in
        var object = TrackedObject(id: stored.id)
        for frame in stored.pointed {
          object.points[frame] = PointInputs(
            coordinates: try tensor("\(stored.id)/points/\(frame)"),
            labels: try tensor("\(stored.id)/labels/\(frame)"))
        }
        object.maskedFrames = Set(stored.masked)
        object.bank.conditioning = try outputs(stored.conditioning, "\(stored.id)/conditioning")
        object.pending.conditioning = try outputs(stored.started, "\(stored.id)/started")
        object.pending.tracked = try outputs(stored.corrected, "\(stored.id)/corrected")
        object.bank.tracked = TrackedOutputs(
          outputs: try Dictionary(
            stored.tracked.map { ($0, try output("\(stored.id)/tracked/\($0)")) }, uniquingKeysWith: { $1 }),
          forgotten: stored.forgotten, forwards: stored.forwards, backwards: stored.backwards)
        return object
      }
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
    if let memory = output.memory { tensors["\(name)/memory"] = memory.tensor }
  }

  private func outputs(_ frames: [Int], _ name: String) throws(SAM2Error) -> FrameOutputs {
    var outputs = FrameOutputs()
    for frame in frames { outputs[frame] = try output("\(name)/\(frame)") }
    return outputs
  }

  private func output(_ name: String) throws(SAM2Error) -> FrameOutput {
    FrameOutput(
      maskLogits: try tensor("\(name)/mask"), objectPointer: try tensor("\(name)/pointer"),
      objectScore: try tensor("\(name)/score"), predictedIoU: try tensor("\(name)/iou").elements[0],
      memory: tensors["\(name)/memory"].map(BFloat16Tensor.init(rounding:)))
  }

  private func tensor(_ name: String) throws(SAM2Error) -> Tensor {
    guard let tensor = tensors[name] else { throw .brokenSnapshot(missing: name) }
    return tensor
  }
}

extension VideoSession {
  /// The session's memory as it is now.
  ///
  /// - Throws: `EncodingError`, which numbers and names don't cause.
  public func snapshot() throws -> SessionSnapshot { try SessionSnapshot(objects) }

  /// Takes up a memory that an equal session had.
  ///
  /// - Throws: `SAM2Error.brokenSnapshot`, `DecodingError`.
  public mutating func restore(_ snapshot: SessionSnapshot) throws { objects = try snapshot.objects }
}
