import Foundation
import Masks
import Media
import Prompts
import SAM2
import Taps
import Tensors
import Traces
import Verification

/// A video that was recorded: as its file holds it, or frames as they were prepared.
struct RecordedVideo: RecordedInput {
  let digest: String
  let description: TraceInput
  private let frames: any VideoFrames
  private let recording: Recording
  private let masks: String

  init(_ recording: Recording, file: String?, masks: String) throws {
    self.recording = recording
    self.masks = masks
    let recorded = recording.provenance
    if let file {
      let video = try VideoInput(path: file)
      frames = video
      digest = try video.digest
      description = video.traceInput
    } else {
      frames = try PreparedFrames(recording)
      digest = recorded.inputSHA256
      description = recorded.input
    }
  }

  func run(
    _ model: Model, _ taps: Taps, _ verifier: LiveComparison, _ watch: PipelineWatcher,
    _ isCancelled: () -> Bool
  ) throws {
    let (width, height) = (description.width, description.height)
    let steps = recording.provenance.prompts.script(frameCount: frames.count)
    // A script may come back to any frame.
    var session = try VideoPredictor(model.base)
      .session(frames, width: width, height: height, history: .everything)
    var progress = ProgressClock(stage: .verifying, total: nil)
    try session.perform(steps, Run(taps: taps), readMask: mask) { step, found, _ in
      if isCancelled() { throw CancellationError() }
      watch(.progress(progress.advance(to: found.frame)))
      try found.record(steps[step], at: step, to: taps)
      try compareLogits(found, step: step, verifier)
    }
  }

  /// Logits at the video's size, which few recordings hold.
  private func compareLogits(_ masks: FrameMasks, step: Int, _ verifier: LiveComparison) throws {
    let taps = masks.objects.map {
      TapID.prediction("logits", at: PredictionPlace(step: step, frame: masks.frame, object: $0.id))
    }
    guard taps.contains(where: verifier.expects) else { return }
    for (tap, logits) in zip(taps, masks.logits()) where verifier.expects(tap) {
      try verifier.write(logits, as: tap)
    }
  }

  private func mask(at name: String) throws -> Tensor {
    let (width, height) = (description.width, description.height)
    guard
      case .pixels(let mask) = try ReadMask(
        name, of: .video, in: masks, object: 1, width: width, height: height
      ).content
    else { throw PromptError(place: name, problem: "expected a mask of pixels, found logits") }
    return mask.tensor
  }
}

/// Frames as they went into the recorded image encoder.
private struct PreparedFrames: VideoFrames {
  private let reader: TraceReader
  private let taps: [Int: Tap]
  let count: Int?

  init(_ recording: Recording) throws {
    let missing = MissingInput(
      path: recording.path, what: "all the prepared frames", tap: "image_encoder/*/input/sample")
    guard case .trace(let reader) = recording, let count = recording.provenance.input.frames else {
      throw missing
    }
    self.reader = reader
    self.count = count
    let found = reader.taps.compactMap { tap -> (Int, Tap)? in
      guard tap.module?.name == "image_encoder", tap.isInput, let frame = tap.place.frame else { return nil }
      return (frame, tap)
    }
    taps = Dictionary(found) { first, _ in first }
    guard (0..<count).allSatisfy({ taps[$0] != nil }) else { throw missing }
  }

  func frame(_ index: Int, size: Int) throws -> Tensor {
    guard let tap = taps[index] else { throw EndOfVideo() }
    let tensor = try reader.tensor(tap)
    guard tensor.shape == [1, 3, size, size] else {
      throw SAM2Error.wrongPicture(expected: [1, 3, size, size], found: tensor.shape)
    }
    return tensor.reshaped([3, size, size])
  }
}
