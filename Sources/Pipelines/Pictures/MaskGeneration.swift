import Architecture
public import Masks
public import SAM2
import Tensors

/// The masks of everything in a picture.
public struct GeneratedMasks: Sendable {
  /// What was looked at.
  public let picture: PictureInput
  /// What was found, in the order of the official generator.
  public let masks: [AutomaticMask]

  /// Which mask every pixel belongs to, numbered from 1 in their order; of several the smallest.
  ///
  /// - Throws: `MaskError.tooManyMasks`.
  public func labels() throws(MaskError) -> LabelRaster {
    try LabelRaster(width: picture.width, height: picture.height, masks: masks.map(\.segmentation))
  }
}

extension Model {
  /// Finds masks for everything in a picture.
  ///
  /// - Parameters:
  ///   - picture: What to look at.
  ///   - options: What to ask about, and what to keep.
  ///   - watch: Is told how far it is, after every batch of points.
  ///   - isCancelled: Asked after every batch, beside the task's own cancellation.
  /// - Throws: `EmbeddingError` for a stored embedding of another model, `SAM2Error` for options that can't be meant, `CancellationError`.
  public func generateMasks(
    _ picture: PictureInput, _ options: AutomaticMaskOptions = AutomaticMaskOptions(),
    watch: PipelineWatcher = { _ in }, isCancelled: () -> Bool = { false }
  ) throws -> GeneratedMasks {
    let generator = try AutomaticMaskGenerator(base, options)
    try generator.check(width: picture.width, height: picture.height)
    func tell(_ progress: AutomaticMaskProgress) throws {
      if isCancelled() || Task.isCancelled { throw CancellationError() }
      watch(.points(progress))
    }
    let masks =
      if let stored = picture.stored {
        try generator.generate(in: stored.embedding(for: self), progress: tell)
      } else {
        try generator.generate(width: picture.width, height: picture.height, progress: tell) { box in
          picture.tensor(of: box, size: configuration.imageSize)
        }
      }
    return GeneratedMasks(picture: picture, masks: masks)
  }
}
