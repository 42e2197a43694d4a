import Architecture
import Kernels
import Tensors
import Taps

/// A feature pyramid: every stage brought to the same channels, coarse levels added into chosen finer ones.
/// Source: sam2/modeling/backbones/image_encoder.py, FpnNeck.
struct FpnNeck: Module {
  /// Features and positions per level, highest resolution first.
  struct Output: RestorableValue {
    var features: [Tensor]
    var positions: [Tensor]

    init(features: [Tensor], positions: [Tensor]) {
      self.features = features
      self.positions = positions
    }

    init(named name: String, from recorded: RecordedCall) throws {
      features = try [Tensor](named: "\(name)/0", from: recorded)
      positions = try [Tensor](named: "\(name)/1", from: recorded)
    }

    func visitTensors(named name: String, _ visit: (String, Tensor) throws -> Void) rethrows {
      try [features, positions].visitTensors(named: name, visit)
    }
  }

  /// A level's convolution inside the `Sequential` that PyTorch wraps it in.
  struct Lateral: TorchModule {
    let path: ModulePath
    let conv: Conv2d
    func forward(_ x: consuming Tensor, _ run: Run) -> Tensor { conv(x, run) }
  }

  let path: ModulePath
  private let positionEncoding: PositionEmbeddingSine
  /// Lowest resolution first.
  private let convs: [Lateral]
  private let topDownLevels: Set<Int>
  private let interpolation: Interpolation
  private let averages: Bool

  init(_ configuration: FpnNeckConfiguration, _ scope: Scope) throws {
    path = scope.path
    positionEncoding = PositionEmbeddingSine(configuration.positionEncoding, scope("position_encoding"))
    convs = try configuration.backboneChannelList.enumerated().map { index, channels in
      let level = scope("convs")(index)
      return Lateral(
        path: level.path,
        conv: try Conv2d(
          channels, configuration.dModel, kernel: configuration.kernelSize, stride: configuration.stride,
          padding: configuration.padding, level("conv")))
    }
    topDownLevels = Set(configuration.fpnTopDownLevels ?? Array(convs.indices))
    interpolation =
      switch configuration.fpnInterpModel {
      case "nearest": .nearest
      case "bicubic": .bicubic
      default: .bilinear
      }
    averages = configuration.fuseType == "avg"
  }

  func arguments(_ input: [Tensor]) -> [(String, any TapValue)] { [("xs", input)] }

  func input(of call: RecordedCall, like input: [Tensor]) throws -> [Tensor] {
    try [Tensor](named: "input/xs", from: call)
  }

  func forward(_ xs: consuming [Tensor], _ run: Run) -> Output {
    let last = convs.count - 1
    var features: [Tensor] = []
    var positions: [Tensor] = []
    for level in stride(from: last, through: 0, by: -1) {
      var fused = convs[last - level](xs[level], run)
      if topDownLevels.contains(level), let coarser = features.last {
        let size = (height: 2 * coarser.shape[-2], width: 2 * coarser.shape[-1])
        fused = fused + coarser.resized(to: size, by: interpolation)
        if averages { fused = fused * 0.5 }
      }
      features.append(fused)
      positions.append(positionEncoding(fused, run))
    }
    return Output(features: features.reversed(), positions: positions.reversed())
  }
}
