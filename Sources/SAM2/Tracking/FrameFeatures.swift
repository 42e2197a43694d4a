import Architecture
import Kernels
import Tensors

/// A frame's features, computed once for all of its objects.
struct FrameFeatures: Sendable {
  /// `[1, C, h, w]`, the coarsest level.
  let features: Tensor
  /// Its position encoding, `[1, C, h, w]`.
  let positions: Tensor
  /// `[1, C / 8, 4h, 4w]` and `[1, C / 4, 2h, 2w]`, projected for the mask decoder where it uses them.
  let highResFeatures: [Tensor]?
}

extension SAM2Base {
  /// The features of a prepared frame `[3, S, S]`. Source: SAM2Base, `forward_image`, `_prepare_backbone_features`.
  func frameFeatures(_ image: Tensor, _ run: Run) -> FrameFeatures {
    let encoded = imageEncoder(image.reshaped(Shape([1] + image.shape.extents)), run)
    let levels = maskDecoder.projectHighRes(encoded.backboneFPN, run)
    return FrameFeatures(
      features: levels[levels.count - 1], positions: encoded.visionPosEnc[encoded.visionPosEnc.count - 1],
      highResFeatures: configuration.useHighResFeaturesInSam ? Array(levels.dropLast().suffix(2)) : nil)
  }
}

extension Tensor {
  /// `[B, C, h, w]` as a sequence `[B, h · w, C]`.
  var asSequence: Tensor {
    reshaped([shape[0], shape[1], shape[2] * shape[3]]).permuted(0, 2, 1)
  }
}
