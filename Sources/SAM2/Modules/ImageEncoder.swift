// Backbone and feature pyramid. Source: sam2/modeling/backbones/image_encoder.py.
import Architecture
import Kernels
import Taps
import Tensors

/// Turns a prepared picture into features at several resolutions.
/// Source: sam2/modeling/backbones/image_encoder.py, ImageEncoder.
struct ImageEncoder: Module {
  /// Features `[B, C, H, W]` and their position encodings, highest resolution first.
  struct Output: FieldedValue {
    var backboneFPN: [Tensor] = []
    var visionPosEnc: [LaterPositions] = []

    static var fields: [Field<Output>] {
      [
        Field(derived: "vision_features") { $0.backboneFPN[$0.backboneFPN.count - 1] },
        Field("vision_pos_enc", \.visionPosEnc), Field("backbone_fpn", \.backboneFPN),
      ]
    }
  }

  let path: ModulePath
  private let trunk: Hiera
  private var neck: FpnNeck
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

  /// Binds the backend's own ways to the finest levels as projections make them, where it has any and nothing else reads
  /// these levels.
  mutating func bind(projections: [Conv2d], of backend: any Backend) throws {
    try neck.bind(projections: projections, of: backend, in: path)
  }

  /// Whether a level, 0 the finest, comes out projected: not where somebody looks at it as it would be.
  func isProjected(_ level: Int, _ run: Run) -> Bool { neck.projection(of: level, run) != nil }
}

/// A feature pyramid: every stage brought to the same channels, coarse levels added into chosen finer ones.
/// Source: sam2/modeling/backbones/image_encoder.py, FpnNeck.
struct FpnNeck: Module {
  /// Features and positions per level, highest resolution first.
  struct Output: FieldedValue {
    var features: [Tensor] = []
    var positions: [LaterPositions] = []

    static var fields: [Field<Output>] { [Field("0", \.features), Field("1", \.positions)] }
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
  /// Those that are a convolution alone, and are added to no other.
  private let lateralLevels: Set<Int>
  /// From the trunk's stages to the finest levels as the mask decoder takes them.
  private var projections: [Int: Projection] = [:]

  /// What a projection makes of a level, right from the trunk's stage.
  struct Projection {
    /// The module's that projects.
    let path: ModulePath
    let kernel: any Kernel<Tensor, Tensor>
    /// The modules that aren't called, and those that are and don't have the level as it would be.
    fileprivate let hidden: [ModulePath]
  }
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
    lateralLevels = Set(convs.indices.filter(configuration.isLateralAlone))
    interpolation =
      switch configuration.fpnInterpModel {
      case "nearest": .nearest
      case "bicubic": .bicubic
      default: .bilinear
      }
    averages = configuration.fuseType == "avg"
  }

  static var fields: [Field<[Tensor]>] { [Field("xs", \.self)] }

  mutating func bind(
    projections convolutions: [Conv2d], of backend: any Backend, in encoder: ModulePath
  ) throws {
    for (level, (lateral, projection)) in zip(convs.reversed(), convolutions).enumerated() {
      guard lateralLevels.contains(level),
        let kernel = try backend.whole(
          ProjectedLevel(lateral: lateral.conv.layer, projection: projection.layer))
      else { continue }
      projections[level] = Projection(
        path: projection.path, kernel: kernel,
        hidden: [encoder, path, lateral.path, lateral.conv.path, positionEncoding.path, projection.path])
    }
  }

  func projection(of level: Int, _ run: Run) -> Projection? {
    projections[level].flatMap { run.hides($0.hidden) ? $0 : nil }
  }

  /// A stage `[B, C, H, W]` whose channels may lie last, with planes in memory.
  private static func planes(_ stage: Tensor) -> Tensor {
    stage.isContiguous ? stage : stage.permutedView(0, 2, 3, 1).permuted(0, 3, 1, 2)
  }

  func forward(_ xs: consuming [Tensor], _ run: Run) -> Output {
    let last = convs.count - 1
    var features: [Tensor] = []
    var positions: [LaterPositions] = []
    for level in stride(from: last, through: 0, by: -1) {
      if let projection = projection(of: level, run) {
        run.observer?.begin(projection.path)
        features.append(projection.kernel(xs[level]))
        run.observer?.end(projection.path)
        positions.append(positionEncoding.later(xs[level], run))
        continue
      }
      var fused = convs[last - level](Self.planes(xs[level]), run)
      if topDownLevels.contains(level), let coarser = features.last {
        let size = (height: 2 * coarser.shape[-2], width: 2 * coarser.shape[-1])
        fused = fused + coarser.resized(to: size, by: interpolation)
        if averages { fused = fused * 0.5 }
      }
      features.append(fused)
      positions.append(positionEncoding.later(fused, run))
    }
    return Output(features: features.reversed(), positions: positions.reversed())
  }
}
