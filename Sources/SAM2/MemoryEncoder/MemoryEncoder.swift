import Architecture
import Kernels
import Tensors
import Taps

/// Turns a frame's features and an object's mask into a memory of both.
/// Source: sam2/modeling/memory_encoder.py, MemoryEncoder.
struct MemoryEncoder: Module {
  /// Features and masks, which the official predictor gives one object at a time.
  struct Input {
    /// `[B, C, h, w]`.
    var pixFeat: Tensor
    /// `[B, 1, S, S]`, already scaled: PyTorch's `skip_mask_sigmoid`.
    var masks: Tensor
  }

  /// Memories `[B, memDim, h, w]` and their position encodings.
  struct Output: FieldedValue {
    var visionFeatures = Tensor.none
    var visionPosEnc: [Tensor] = []

    static var fields: [Field<Output>] {
      [Field("vision_features", \.visionFeatures), Field("vision_pos_enc", \.visionPosEnc)]
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

  static var fields: [Field<Input>] { [Field("pix_feat", \.pixFeat), Field("masks", \.masks)] }

  func forward(_ input: consuming Input, _ run: Run) -> Output {
    let masks = maskDownsampler(input.masks, run)
    let features = outProj(fuser(masks + pixFeatProj(input.pixFeat, run), run), run)
    return Output(visionFeatures: features, visionPosEnc: [positionEncoding(features, run)])
  }

  /// The position encoding of a memory that was stored without: `[B, memDim, h, w]`.
  func positions(of memory: Tensor) -> Tensor { positionEncoding(memory, Run()) }
}
