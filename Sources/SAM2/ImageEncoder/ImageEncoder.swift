import Architecture
import Tensors
import Taps

/// Turns a prepared picture into features at several resolutions.
/// Source: sam2/modeling/backbones/image_encoder.py, ImageEncoder.
struct ImageEncoder: Module {
  /// Features `[B, C, H, W]` and their position encodings, highest resolution first.
  struct Output: RestorableValue {
    var backboneFPN: [Tensor]
    var visionPosEnc: [Tensor]

    init(backboneFPN: [Tensor], visionPosEnc: [Tensor]) {
      self.backboneFPN = backboneFPN
      self.visionPosEnc = visionPosEnc
    }

    init(named name: String, from recorded: RecordedCall) throws {
      backboneFPN = try [Tensor](named: "\(name)/backbone_fpn", from: recorded)
      visionPosEnc = try [Tensor](named: "\(name)/vision_pos_enc", from: recorded)
    }

    func visitTensors(named name: String, _ visit: (String, Tensor) throws -> Void) rethrows {
      try backboneFPN[backboneFPN.count - 1].visitTensors(named: "\(name)/vision_features", visit)
      try visionPosEnc.visitTensors(named: "\(name)/vision_pos_enc", visit)
      try backboneFPN.visitTensors(named: "\(name)/backbone_fpn", visit)
    }
  }

  let path: ModulePath
  private let trunk: Hiera
  private let neck: FpnNeck
  private let scalp: Int

  init(_ configuration: ImageEncoderConfiguration, imageSize: Int, _ scope: Scope) throws {
    path = scope.path
    trunk = try Hiera(configuration.trunk, imageSize: imageSize, scope("trunk"))
    neck = try FpnNeck(configuration.neck, scope("neck"))
    scalp = configuration.scalp
  }

  func arguments(_ input: Tensor) -> [(String, any TapValue)] { [("sample", input)] }

  func input(of call: RecordedCall, like input: Tensor) throws -> Tensor { try call.tensor("input/sample") }

  func forward(_ sample: consuming Tensor, _ run: Run) -> Output {  // [B, 3, S, S]
    let levels = neck(trunk(sample, run), run)
    return Output(
      backboneFPN: levels.features.dropLast(scalp), visionPosEnc: levels.positions.dropLast(scalp))
  }
}
