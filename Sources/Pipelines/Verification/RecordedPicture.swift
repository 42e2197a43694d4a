import Architecture
import Media
import Prompts
import SAM2
import Taps
import Tensors
import Traces
import Verification

/// A picture that was recorded: as its file holds it, or as it was prepared.
struct RecordedPicture: RecordedInput {
  let digest: String
  let description: TraceInput
  /// What is to be segmented by a model that takes pictures of some size.
  private let picture: (_ size: Int) throws -> PictureInput
  private let prompts: PromptScript
  private let masks: String

  /// The tap that holds the prepared picture, `[1, 3, S, S]`.
  private static let tap = "image_encoder/0/input/sample"

  init(
    _ recording: Recording, file: String?, masks: String, _ watch: PipelineWatcher
  ) throws {
    self.masks = masks
    let recorded = recording.provenance
    prompts = recorded.prompts
    if let file {
      let read = try PictureInput(path: file)
      for note in read.notes { watch(.note("\(file): \(note)")) }
      digest = try read.digest
      description = read.traceInput
      picture = { _ in read }
    } else {
      guard case .trace(let reader) = recording, recording.taps.contains(where: { $0.name == Self.tap }) else {
        throw MissingInput(path: recording.path, what: "the prepared picture", tap: Self.tap)
      }
      picture = { size in
        let tensor = try reader.tensor(reader.tap(Self.tap))
        guard tensor.shape == [1, 3, size, size] else {
          throw SAM2Error.wrongPicture(expected: [1, 3, size, size], found: tensor.shape)
        }
        return PictureInput(
          prepared: tensor.reshaped([3, size, size]), width: recorded.input.width,
          height: recorded.input.height)
      }
      digest = recorded.inputSHA256
      description = recorded.input
    }
  }

  func run(
    _ model: Model, _ taps: Taps, _ verifier: LiveComparison, _ watch: PipelineWatcher,
    _ isCancelled: () -> Bool
  ) throws {
    let picture = try picture(model.configuration.imageSize)
    try ReadyPrompts(prompts, folder: masks, for: picture, model: model)
      .predict(picture, model: model, Run(taps: taps), watch, isCancelled: isCancelled)
      .record(to: taps)
  }
}
