import Architecture
import Kernels
import Tensors
import Traces

/// Turns a frame's features and an object's mask into a memory of both.
/// Source: sam2/modeling/memory_encoder.py, MemoryEncoder.
struct MemoryEncoder: Module {
  /// A frame and the masks of B objects.
  struct Input {
    /// `[B, C, h, w]`, or `[1, C, h, w]` for all objects: then each gets the bits that it would get alone, but the
    /// projection is computed once.
    let pixFeat: Tensor
    /// `[B, 1, S, S]`, already scaled: PyTorch's `skip_mask_sigmoid`.
    let masks: Tensor
  }

  /// Memories `[B, memDim, h, w]` and their position encodings.
  struct Output: TapValue {
    var visionFeatures: Tensor
    var visionPosEnc: [Tensor]

    func visitTensors(named name: String, _ visit: (String, Tensor) throws -> Void) rethrows {
      try visionFeatures.visitTensors(named: "\(name)/vision_features", visit)
      try visionPosEnc.visitTensors(named: "\(name)/vision_pos_enc", visit)
    }
  }

  let path: ModulePath
  private let maskDownsampler: MaskDownSampler
  private let pixFeatProj: Conv2d
  private let fuser: Fuser
  private let positionEncoding: PositionEmbeddingSine
  private let outProj: any Module<Tensor, Tensor>

  init(_ configuration: MemoryEncoderConfiguration, _ scope: Scope) throws {
    path = scope.path
    let (inputs, outputs) = (configuration.inDim, configuration.outDim)
    maskDownsampler = try MaskDownSampler(configuration.maskDownsampler, scope("mask_downsampler"))
    pixFeatProj = try Conv2d(inputs, inputs, kernel: 1, scope("pix_feat_proj"))
    fuser = try Fuser(configuration.fuser, scope("fuser"))
    positionEncoding = PositionEmbeddingSine(configuration.positionEncoding, scope("position_encoding"))
    if outputs == inputs {
      outProj = Identity(path: scope("out_proj").path)
    } else {
      outProj = try Conv2d(inputs, outputs, kernel: 1, scope("out_proj"))
    }
  }

  func arguments(_ input: Input) -> [(String, any TapValue)] {
    let pixFeat = input.pixFeat.repeated(leading: input.masks.shape[0] / input.pixFeat.shape[0])
    return [("pix_feat", pixFeat), ("masks", input.masks)]
  }

  func forward(_ input: consuming Input, _ run: Run) -> Output {
    let input = input
    let objects = input.masks.shape[0]
    guard input.pixFeat.shape[0] == 1, objects > 1 else {
      return encode(maskDownsampler(input.masks, run), pixFeatProj(input.pixFeat, run), run)
    }
    // One object after another, as in the memory attention.
    let projected = run.taps == nil ? pixFeatProj(input.pixFeat, run) : nil
    let encoded = (0..<objects).map { object in
      let mask = maskDownsampler(input.masks[object..<object + 1], run)
      return encode(mask, projected ?? pixFeatProj(input.pixFeat, run), run)
    }
    return Output(
      visionFeatures: .concatenated(encoded.map(\.visionFeatures), axis: 0),
      visionPosEnc: [.concatenated(encoded.flatMap(\.visionPosEnc), axis: 0)])
  }

  /// The position encoding of a memory that was stored without: `[B, memDim, h, w]`.
  func positions(of memory: Tensor) -> Tensor { positionEncoding(memory, Run()) }

  /// Fuses what the mask and the frame have become, `[B, C, h, w]`.
  private func encode(_ mask: consuming Tensor, _ pixels: Tensor, _ run: Run) -> Output {
    let features = outProj(fuser(mask + pixels, run), run)
    return Output(visionFeatures: features, visionPosEnc: [positionEncoding(features, run)])
  }
}
