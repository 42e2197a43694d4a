import Architecture
import Tensors
import Taps

/// Turns a prepared picture into features at several resolutions.
/// Source: sam2/modeling/backbones/image_encoder.py, ImageEncoder.
struct ImageEncoder: Module {
  /// Features `[B, C, H, W]` and their position encodings, highest resolution first.
  struct Output: FieldedValue {
    var backboneFPN: [Tensor] = []
    var visionPosEnc: [Tensor] = []

    static var fields: [Field<Output>] {
      [
        Field(derived: "vision_features") { $0.backboneFPN[$0.backboneFPN.count - 1] },
        Field("vision_pos_enc", \.visionPosEnc), Field("backbone_fpn", \.backboneFPN),
      ]
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

  static var fields: [Field<Tensor>] { [Field("sample", \.self)] }

  func forward(_ sample: consuming Tensor, _ run: Run) -> Output {  // [B, 3, S, S]
    let levels = neck(trunk(sample, run), run)
    return Output(
      backboneFPN: levels.features.dropLast(scalp), visionPosEnc: levels.positions.dropLast(scalp))
  }
}
