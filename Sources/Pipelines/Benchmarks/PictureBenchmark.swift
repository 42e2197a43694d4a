import Architecture
import Foundation
import Kernels
import Masks
import Media
import Reports
import SAM2
import Tensors

/// A picture, asked about by clicks in one call, from its file to masks in files.
struct PictureBenchmark {
  /// One round's seconds.
  struct Round {
    let imageEncoder: Double
    let prompt: Double
    let stages: [Stage: Double]
  }

  private let path: String?
  private let width: Int
  private let height: Int
  private let rounds: Int
  private let prompts: [Prompt]
  /// Where there is no file.
  private let madeUp: Tensor?

  /// - Throws: `MediaError`.
  init(_ request: BenchmarkRequest, _ configuration: ModelConfiguration) throws {
    path = request.picture
    rounds = request.rounds
    if let path {
      let picture = try Picture.read(path: path)
      (width, height) = (picture.width, picture.height)
      madeUp = nil
    } else {
      let size = configuration.imageSize
      (width, height) = (size, size)
      // Any picture takes the same time; a ramp keeps the numbers away from special cases.
      madeUp = Tensor([3, size, size]) { pixels in
        for index in pixels.indices { pixels[index] = Float(index % 251) / 125 - 1 }
      }
    }
    prompts = spreadClicks(request.prompts, width: width, height: height).map { Prompt(points: [$0]) }
  }

  /// Measures rounds, after one to warm up.
  func measure(
    _ model: SAM2Base, _ watch: PipelineWatcher, _ isCancelled: () -> Bool
  ) throws -> [Round] {
    try withTemporaryFolder { folder in
      let meter = StageMeter<Double>(timing: StageMap(model.configuration))
      return try (0...rounds).map { round in
        if isCancelled() { throw CancellationError() }
        watch(.step(round == 0 ? "warming up" : "picture: round \(round) of \(rounds)"))
        return try measureRound(model, meter, folder)
      }.dropFirst().map { $0 }
    }
  }

  private func measureRound(
    _ model: SAM2Base, _ meter: StageMeter<Double>, _ folder: String
  ) throws -> Round {
    _ = meter.take()
    let image = try prepared(size: model.configuration.imageSize, meter)
    let (prediction, times) = try predict(model, image, meter)
    for object in 0..<prediction.objectCount {
      let logits = meter.measure(.upsample) { prediction.maskLogits(object: object, mask: 0) }
      let mask = meter.measure(.encodeMasks) {
        let mask = BinaryMask(logits: logits)
        _ = COCOMask(mask)
        return mask
      }
      try meter.measure(.writeMasks) { try mask.write(path: "\(folder)/mask_\(object).png") }
    }
    return Round(imageEncoder: times.imageEncoder, prompt: times.prompt, stages: meter.take())
  }

  private func prepared(size: Int, _ meter: StageMeter<Double>) throws -> Tensor {
    if let madeUp { return madeUp }
    let picture = try meter.measure(.decode) { try Picture.read(path: path ?? "") }
    return meter.measure(.prepare) { picture.imageTensor(size: size) }
  }

  private func predict<Quantity>(
    _ model: SAM2Base, _ image: Tensor, _ meter: StageMeter<Quantity>
  ) throws -> (Prediction, (imageEncoder: Double, prompt: Double)) {
    let predictor = ImagePredictor(model)
    let run = Run(observer: meter)
    let clock = ContinuousClock()
    let start = clock.now
    let embedding = try predictor.embed(image, width: width, height: height, run)
    let middle = clock.now
    let prediction = try predictor.predict(prompts, in: embedding, multimask: false, run)
    return (prediction, ((middle - start) / .seconds(1), (clock.now - middle) / .seconds(1)))
  }

  /// What there is to multiply in a round.
  func count(_ model: SAM2Base, _ meter: StageMeter<Work>) throws -> [Stage: Work] {
    let size = model.configuration.imageSize
    _ = meter.take()
    _ = try predict(model, .unmade([3, size, size]), meter)
    return meter.take()
  }

  func report(
    _ rounds: [Round], _ work: [Stage: Work], _ map: StageMap, _ peaks: BenchmarkReport.Peaks
  ) -> BenchmarkReport.Picture {
    BenchmarkReport.Picture(
      path: path, width: width, height: height, prompts: prompts.count,
      seconds: rounds.map { $0.stages.values.reduce(0, +) },
      stages: map.stages.reports(rounds.map(\.stages), [work], peaks))
  }
}

/// Calls `body` with a folder for files that nobody will read, removed afterwards.
func withTemporaryFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
    "sam2kit-benchmark-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder.path)
}
