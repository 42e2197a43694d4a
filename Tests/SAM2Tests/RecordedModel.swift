import Architecture
import Checkpoints
import Configurations
import Files
import Kernels
import Masks
import Media
import OpenBLASBackend
import Prompts
import SAM2
import Taps
import Tensors
import TestSupport
import Traces
import Verification

/// A committed model with the picture that its recordings from PyTorch use.
struct RecordedModel {
  let predictor: ImagePredictor
  let picture: Picture

  /// `Weights/sam2.1_micro`, every switch of SAM 2.1 on, at the size of its recordings; with some keys changed.
  static func micro(_ settings: [String] = []) throws -> RecordedModel {
    try RecordedModel(
      TestFiles.package("Weights/sam2.1_micro.pt"), configuration: TestFiles.package("Reference/micro.yaml"),
      settings: settings)
  }

  /// The same at the size that it was trained at.
  static func trained() throws -> SAM2Base {
    try RecordedModel(
      TestFiles.package("Weights/sam2.1_micro.pt"),
      configuration: TestFiles.package("Weights/sam2.1_micro.yaml")
    ).predictor.model
  }

  /// `Fixtures/plain`, the switches off that every released model has on.
  static func plain() throws -> RecordedModel {
    try RecordedModel(TestFiles.fixture("plain.pt"), configuration: TestFiles.fixture("plain.yaml"))
  }

  private init(_ weights: String, configuration: String, settings: [String] = []) throws {
    let yaml = String(decoding: try MappedFile.contents(of: configuration), as: UTF8.self)
    predictor = ImagePredictor(
      try SAM2Base(
        ModelConfiguration(yaml: yaml, origin: configuration)
          .changed(by: settings.compactMap(ConfigurationSetting.init), origin: "settings"),
        weights: Checkpoint.open(path: weights),
        backend: OpenBLASBackend()))
    picture = try Picture.read(path: TestFiles.package("Reference/micro.png"))
  }

  var maskSide: Int { predictor.model.configuration.imageSize / 4 }

  func embed(_ run: Run = Run()) throws -> ImageEmbedding {
    let size = predictor.model.configuration.imageSize
    return try predictor.embed(
      picture.imageTensor(size: size), width: picture.width, height: picture.height, run)
  }

  /// Runs what a recording was asked for, recording it too, and compares.
  func compare(with reference: String, patterns: [String] = []) throws -> Comparison {
    let reader = try TraceReader(path: reference)
    return try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/candidate.h5"
      let writer = try TraceWriter(path: path, provenance: reader.provenance)
      let taps = Taps(writer: writer, patterns: patterns)
      let run = Run(taps: taps)
      let prompts = reader.provenance.prompts
      let embedding = try embed(run)
      let predictions = try prompts.objects.map {
        try predictor.predict([prompt($0)], in: embedding, multimask: prompts.multimask, run)
      }
      try writer.write(.lowResLogits, .concatenated(predictions.map(\.lowResLogits), axis: 0))
      try writer.write(.iou, .concatenated(predictions.map(\.iou), axis: 0))
      try writer.write(.objectScore, .concatenated(predictions.map(\.objectScore), axis: 0))
      try taps.finish()
      return try Verdict(reference: reader, candidate: TraceReader(path: path), policy: .memories).comparison
    }
  }

  private func prompt(_ object: ObjectPrompt) throws -> Prompt {
    var prompt = Prompt(points: object.points, box: object.box)
    if let name = object.mask {
      let mask = try BinaryMask.read(path: TestFiles.package("Reference/\(name)"))
      let inside = mask.tensor.reshaped([1, mask.height, mask.width])
      prompt.maskLogits = inside.resizedBilinearAntialiased(height: maskSide, width: maskSide) * 20 + -10
    }
    return prompt
  }
}
