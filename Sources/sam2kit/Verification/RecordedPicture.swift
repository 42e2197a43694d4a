import Architecture
import Files
import Foundation
import Kernels
import Media
import SAM2
import Tensors
import Taps
import Traces
import Verification

/// A picture that was recorded: as its file holds it, or as it was prepared.
struct RecordedPicture: RecordedInput {
  let digest: String
  let description: TraceInput
  private let picture: Picture?
  private let recording: Recording
  private let masks: URL

  /// The tap that holds the prepared picture, `[1, 3, S, S]`.
  private static let tap = "image_encoder/0/input/sample"

  init(_ recording: Recording, file: String?, masks: URL) throws {
    self.recording = recording
    self.masks = masks
    let recorded = recording.provenance
    if let file {
      let picture = try Picture.read(path: file)
      for note in picture.notes { Console.remark("\(file): \(note)") }
      digest = try SHA256.hex(ofFile: file)
      description = TraceInput(
        width: picture.width, height: picture.height, preprocessing: Preparation.picture)
      self.picture = picture
    } else {
      guard case .trace = recording, recording.taps.contains(where: { $0.name == Self.tap }) else {
        throw MissingInput(path: recording.path, what: "the prepared picture", tap: Self.tap)
      }
      digest = recorded.inputSHA256
      description = recorded.input
      picture = nil
    }
  }

  func run(_ model: SAM2Base, _ taps: Taps, _ verifier: LiveComparison) throws {
    let (width, height) = (description.width, description.height)
    let prompts = recording.provenance.prompts
    let predictor = ImagePredictor(model)
    let ready = try prompts.objects.map {
      try $0.prompt(
        width: width, height: height, folder: masks, maskSide: model.configuration.imageEmbeddingSize * 4)
    }
    try predictor.check(ready, width: width, height: height)
    let run = Run(taps: taps)
    let embedding = try predictor.embed(
      prepared(size: model.configuration.imageSize), width: width, height: height, run)
    let predictions = try ready.map {
      try predictor.predict([$0], in: embedding, multimask: prompts.multimask, run)
    }
    guard !predictions.isEmpty else { return }
    try taps.record(.lowResLogits, .concatenated(predictions.map(\.lowResLogits), axis: 0))
    try taps.record(.iou, .concatenated(predictions.map(\.iou), axis: 0))
    try taps.record(.objectScore, .concatenated(predictions.map(\.objectScore), axis: 0))
  }

  private func prepared(size: Int) throws -> Tensor {
    if let picture { return picture.imageTensor(size: size) }
    guard case .trace(let reader) = recording else {
      throw MissingInput(path: recording.path, what: "the prepared picture", tap: Self.tap)
    }
    let tensor = try reader.tensor(reader.tap(Self.tap))
    guard tensor.shape == [1, 3, size, size] else {
      throw SAM2Error.wrongPicture(expected: [1, 3, size, size], found: tensor.shape)
    }
    return tensor.reshaped([3, size, size])
  }
}

/// How this program prepares what it reads, by the names that recordings have for it.
enum Preparation {
  static let picture = "SAM2Transforms"
  static let video = "load_video_frames"
}
