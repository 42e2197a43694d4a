import Kernels
import Taps
import Tensors

/// Turns points, boxes and masks into embeddings.
/// Source: sam2/modeling/sam/prompt_encoder.py, PromptEncoder.
struct PromptEncoder: Module {
  /// What a user points at, in pixels of the model's input.
  struct Input {
    /// Places `[B, N, 2]` as (x, y), and labels `[B, N]`: 1 object, 0 background, 2 and 3 a box's corners,
    /// −1 no point.
    var points: PointInputs?
    /// Mask logits `[B, 1, 4h, 4w]`, four times as fine as the features.
    var masks: Tensor?
  }

  /// Embeddings of points `[B, N + 1, C]` and of masks `[B, C, h, w]`.
  struct Output: FieldedValue {
    var sparse = Tensor.none
    /// One for all prompts, `[1, C, h, w]`, where none has a mask.
    var dense = Tensor.none

    static var fields: [Field<Output>] {
      [Field("0", \.sparse), Field("1", \.dense, repeatedLike: \.sparse)]
    }
  }

  let path: ModulePath
  private let channels: Int
  private let imageSize: Int
  private let embeddingSize: Int
  private let peLayer: PositionEmbeddingRandom
  /// Background, object, first corner, second corner; each `[C]`.
  private let pointEmbeddings: [[Float]]
  private let notAPoint: [Float]
  private let noMask: Tensor
  private let maskDownscaling: MaskDownscaling

  init(_ channels: Int, imageSize: Int, embeddingSize: Int, _ scope: Scope) throws {
    path = scope.path
    self.channels = channels
    self.imageSize = imageSize
    self.embeddingSize = embeddingSize
    peLayer = try PositionEmbeddingRandom(channels, scope("pe_layer"))
    pointEmbeddings = try (0..<4).map { index in
      try scope("point_embeddings")(index).parameter("weight", [1, channels]).elements
    }
    notAPoint = try scope("not_a_point_embed").parameter("weight", [1, channels]).elements
    noMask = try scope("no_mask_embed").parameter("weight", [1, channels])
    maskDownscaling = try MaskDownscaling(channels, scope("mask_downscaling"))
  }

  static var fields: [Field<Input>] { [Field("points", \.points), Field("masks", \.masks)] }

  func forward(_ input: consuming Input, _ run: Run) -> Output {
    let batch = input.points?.coordinates.shape[0] ?? input.masks?.shape[0] ?? 1
    let sparse =
      input.points.map { embed($0.coordinates, labels: $0.labels) } ?? Tensor([batch, 0, channels], [])
    let dense =
      input.masks.map { maskDownscaling($0, run) }
      ?? noMask.reshaped([1, channels, 1, 1]).broadcast(to: [1, channels, embeddingSize, embeddingSize])
    return Output(sparse: sparse, dense: dense)
  }

  /// The position encoding of every feature: `[1, C, h, w]`.
  func densePositions(_ run: Run) -> Tensor {
    peLayer(PositionEmbeddingRandom.Grid(height: embeddingSize, width: embeddingSize), run)
      .reshaped([1, channels, embeddingSize, embeddingSize])
  }

  /// Embeds points, followed by one that is none, as the model was trained to expect without boxes.
  private func embed(_ coordinates: Tensor, labels: Tensor) -> Tensor {
    let (batch, count) = (coordinates.shape[0], coordinates.shape[1])
    // Pixels are meant by their centres.
    let centres = Tensor.concatenated(
      [coordinates + 0.5, Tensor(repeating: 0, [batch, 1, 2])], axis: 1)
    let kinds = Tensor.concatenated([labels, Tensor(repeating: -1, [batch, 1])], axis: 1).elements
    var embedded = peLayer.encode(centres, height: imageSize, width: imageSize)
    embedded.withMutableElements { out in
      for point in 0..<batch * (count + 1) {
        let kind = Int(kinds[point])
        for channel in 0..<channels {
          let place = point * channels + channel
          if kind == -1 {
            out[place] = notAPoint[channel]
          } else {
            out[place] += pointEmbeddings[kind][channel]
          }
        }
      }
    }
    return embedded
  }
}

/// Brings a mask down to the features' size. Source: the `Sequential` of that name in PromptEncoder.
struct MaskDownscaling: TorchModule {
  let path: ModulePath
  private let conv0: Conv2d
  private let norm1: LayerNorm2d
  private let act2: GELU
  private let conv3: Conv2d
  private let norm4: LayerNorm2d
  private let act5: GELU
  private let conv6: Conv2d
  let whole: Whole<Tensor, Tensor>?

  /// Channels between the convolutions. Source: SAM2Base, `mask_in_chans`.
  private static let inner = 16

  init(_ channels: Int, _ scope: Scope) throws {
    path = scope.path
    conv0 = try Conv2d(1, Self.inner / 4, kernel: 2, stride: 2, scope(0))
    norm1 = try LayerNorm2d(Self.inner / 4, scope(1))
    act2 = GELU(path: scope(2).path)
    conv3 = try Conv2d(Self.inner / 4, Self.inner, kernel: 2, stride: 2, scope(3))
    norm4 = try LayerNorm2d(Self.inner, scope(4))
    act5 = GELU(path: scope(5).path)
    conv6 = try Conv2d(Self.inner, channels, kernel: 1, scope(6))
    whole = scope.whole(
      try scope.backend.whole(
        ConvolutionRow(
          stages: [.init(conv0.layer, norm1.layer), .init(conv3.layer, norm4.layer)], activation: .gelu,
          last: conv6.layer)))
  }

  func forward(_ x: consuming Tensor, _ run: Run) -> Tensor {  // [B, 1, 4h, 4w] → [B, C, h, w]
    let half = act2(norm1(conv0(x, run), run), run)
    let quarter = act5(norm4(conv3(half, run), run), run)
    return conv6(quarter, run)
  }
}
