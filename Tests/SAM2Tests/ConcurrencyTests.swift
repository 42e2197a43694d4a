// One model shared by many threads: what each predicts and records is what it would alone.

import Architecture
import Foundation
import Media
import Prompts
import SAM2
import Synchronization
import Taps
import Tensors
import Testing
import TestSupport

@Suite struct ConcurrencyTests {
  /// Something asked of the model, its own pictures and prompts, and which modules are recorded meanwhile.
  private enum Job: CaseIterable {
    case picture, mirrored, batch, video, everything

    var filter: TapFilter {
      switch self {
      case .picture, .video, .everything: TapFilter()
      case .mirrored: TapFilter(["sam_mask_decoder*"])
      case .batch: TapFilter(["image_encoder.trunk.*attn", "sam_prompt_encoder"])
      }
    }
  }

  /// What a job predicted, and what was recorded of it: every array's digest, in the order of recording.
  private struct Outcome: Equatable {
    var predicted: [[UInt32]] = []
    var recorded: [String] = []
  }

  private let picture: RecordedModel
  private let image: Tensor
  private let mirrored: Tensor
  private let frames: [Tensor]

  init() throws {
    picture = try RecordedModel.micro()
    let size = picture.predictor.model.configuration.imageSize
    image = picture.picture.imageTensor(size: size)
    mirrored = Tensor(image.shape, image.elements.reversed())
    let clip = try ClipFrames(path: TestFiles.package("Reference/clips/shapes"))
    frames = try (0..<4).map { try clip.frame($0, size: size) }
  }

  private func perform(_ job: Job) throws -> Outcome {
    let kept = DigestingWriter()
    let run = Run(taps: Taps(writers: [kept], filter: job.filter))
    let predictor = picture.predictor
    let click = Prompt(points: [.init(x: 104, y: 132)])
    var outcome = Outcome()
    switch job {
    case .picture, .mirrored, .batch, .everything:
      let embedding = try predictor.embed(job == .mirrored ? mirrored : image, width: 320, height: 240, run)
      let prompts =
        switch job {
        case .batch: [click, Prompt(points: [.init(x: 214, y: 70)])]
        case .everything: [Prompt(box: .init(x0: 168, y0: 34, x1: 282, y1: 156))]
        default: [click]
        }
      let prediction = try predictor.predict(prompts, in: embedding, multimask: job != .everything, run)
      outcome.predicted = [prediction.lowResLogits.bits, prediction.iou.bits, prediction.objectScore.bits]
    case .video:
      var session = try VideoPredictor(predictor.model).liveSession(width: 160, height: 120)
      _ = try session.append(frames[0], run)
      try session.prompt(object: 1, points: [.init(x: 44, y: 84)], run)
      for frame in frames.dropFirst() {
        outcome.predicted += try session.append(frame, run).objects.map(\.lowResLogits.bits)
      }
    }
    try run.taps?.finish()
    outcome.recorded = kept.lines
    return outcome
  }

  @Test func predictionsAtOnceAreThoseMadeAlone() throws {
    let jobs = Job.allCases
    let alone = try jobs.map { try perform($0) }
    // Every job is told from the others by what it predicts and records.
    #expect(Set(alone.map(\.predicted)).count == jobs.count)
    #expect(Set(alone.map(\.recorded)).count == jobs.count)
    #expect(alone.allSatisfy { !$0.recorded.isEmpty })
    let count = 8 * jobs.count
    let outcomes = Mutex<[Int: Outcome]>([:])
    let failures = Mutex<[String]>([])
    let threads = DispatchGroup()
    for number in 0..<count {
      // Threads of their own, so that all are under way at once.
      threads.enter()
      Thread.detachNewThread {
        defer { threads.leave() }
        do {
          let outcome = try perform(jobs[number % jobs.count])
          outcomes.withLock { $0[number] = outcome }
        } catch { failures.withLock { $0.append("\(error)") } }
      }
    }
    threads.wait()
    #expect(failures.withLock { $0 } == [])
    for number in 0..<count {
      let found = outcomes.withLock { $0[number] }
      #expect(found?.predicted == alone[number % jobs.count].predicted, "\(jobs[number % jobs.count])")
      #expect(found?.recorded == alone[number % jobs.count].recorded, "\(jobs[number % jobs.count])")
    }
  }
}

/// Keeps of every array its name, shape and a digest of its bits.
private final class DigestingWriter: TapWriter {
  private let kept = Mutex<[String]>([])

  var lines: [String] { kept.withLock { $0 } }

  func write(
    _ module: ModulePath, call: Int, sequence: Int, at place: TapPlace, inputs: [(String, any TapValue)],
    output: any TapValue
  ) throws {
    let name = "\(sequence) \(place) \(CallID(module, call))"
    for (parameter, value) in inputs {
      value.visitTensors(named: "\(name)/input/\(parameter)") { keep($0, $1) }
    }
    output.visitTensors(named: "\(name)/output") { keep($0, $1) }
  }

  func write(_ prediction: PredictedValue, _ tensor: Tensor, at place: PredictionPlace?) throws {
    keep("\(prediction.tap(at: place))", tensor)
  }

  func finish() throws {}

  private func keep(_ name: String, _ tensor: Tensor) {
    // FNV-1a over the elements' bits.
    let digest = tensor.withElements { elements in
      elements.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1.bitPattern)) &* 0x100_0000_01b3 }
    }
    kept.withLock { $0.append("\(name) \(tensor.shape) \(digest)") }
  }
}
