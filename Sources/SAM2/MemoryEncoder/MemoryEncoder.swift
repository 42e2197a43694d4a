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
    let pixFeat: Tensor
    /// `[B, 1, S, S]`, already scaled: PyTorch's `skip_mask_sigmoid`.
    let masks: Tensor
  }

  /// Memories `[B, memDim, h, w]` and their position encodings.
  struct Output: RestorableValue {
    var visionFeatures: Tensor
    var visionPosEnc: [Tensor]

    init(visionFeatures: Tensor, visionPosEnc: [Tensor]) {
      self.visionFeatures = visionFeatures
      self.visionPosEnc = visionPosEnc
    }

    init(named name: String, from recorded: RecordedCall) throws {
      visionFeatures = try recorded.tensor("\(name)/vision_features")
      visionPosEnc = try [Tensor](named: "\(name)/vision_pos_enc", from: recorded)
    }

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
    [("pix_feat", input.pixFeat), ("masks", input.masks)]
  }

  func input(of call: RecordedCall, like input: Input) throws -> Input {
    try Input(pixFeat: call.tensor("input/pix_feat"), masks: call.tensor("input/masks"))
  }

  func forward(_ input: consuming Input, _ run: Run) -> Output {
    let masks = maskDownsampler(input.masks, run)
    let features = outProj(fuser(masks + pixFeatProj(input.pixFeat, run), run), run)
    return Output(visionFeatures: features, visionPosEnc: [positionEncoding(features, run)])
  }

  /// The position encoding of a memory that was stored without: `[B, memDim, h, w]`.
  func positions(of memory: Tensor) -> Tensor { positionEncoding(memory, Run()) }
}
