// A ConvNeXt block, tile by tile: the picture is turned once so that a pixel's channels stand together, with zeros around it;
// then a tile is some pixels, which go through the whole block while they are in the cache.
import CVector
import Kernels
import Tensors

/// `[B, C, H, W]` to the same.
final class ConvNeXtBlockKernel: Kernel {
  /// Pixels of a tile.
  private static let tilePixels = 256

  private let path: String
  private let channels: Int
  private let kernel: (height: Int, width: Int)
  private let padding: Int
  /// `[kernel height, kernel width, channels]`.
  private let depthwise: [Float]
  private let bias: [Float]?
  private let norm: NormTile
  private let mlp: FeedForwardTile

  /// Nil where layers have precisions that no tile has, or bytes whose range isn't known before, or where the convolution sees
  /// several channels or changes the size.
  init?(_ block: ConvNeXtBlock, by multiplier: Multiplier) throws(OneDNNError) {
    let layer = block.depthwise
    let shape = layer.weight.shape
    guard Numbers(layer.site.precision) != nil, block.mlp.layers.count == 2,
      let input = Operand(block.mlp.layers[0].site), let hidden = Operand(block.mlp.layers[1].site),
      layer.groups == shape[0], shape[1] == 1, layer.stride == 1,
      shape[2] == 2 * layer.padding + 1, shape[3] == 2 * layer.padding + 1
    else { return nil }
    path = layer.site.path.name
    channels = shape[0]
    kernel = (shape[2], shape[3])
    padding = layer.padding
    depthwise = layer.weight.permuted(2, 3, 1, 0).elements
    bias = layer.bias?.elements
    norm = NormTile(block.norm)
    mlp = try FeedForwardTile(
      block.gamma.map(block.mlp.scaled) ?? block.mlp, input, hidden: hidden, rows: [Self.tilePixels],
      by: multiplier)
  }

  func callAsFunction(_ x: consuming Tensor) -> Tensor {
    let x = x
    precondition(
      x.shape.rank == 4 && x.shape[1] == channels, "\(path): a block of \(channels) channels on \(x.shape)")
    let (height, width) = (x.shape[2], x.shape[3])
    let picture = PaddedPicture(height: height, width: width, channels: channels, padding: padding, .f32)
    let workspace = Workspace(bytes: picture.bytes)
    defer { withExtendedLifetime(workspace) {} }
    return Tensor(x.shape) { out in
      x.withElements { source in
        for entry in 0..<x.shape[0] {
          let start = entry * channels * height * width
          picture.fill(workspace.start, from: source.start + start)
          mix(picture, workspace.floats, into: out.start + start)
        }
      }
    }
  }

  private func mix(
    _ picture: PaddedPicture, _ x: UnsafePointer<Float>, into planes: UnsafeMutablePointer<Float>
  ) {
    let rows = Self.tilePixels
    let pixels = picture.height * picture.width
    var plan = ScratchPlan()
    let convolvedAt = plan.room(rows * channels * 4)
    let residualAt = plan.room(rows * channels * 4)
    let normedAt = plan.room(mlp.input.room(rows: rows, channels: channels))
    let productsAt = plan.room(mlp.scratchBytes)
    parallelFor(pixels, grain: rows, scratch: plan.floats) { range, scratch in
      let memory = UnsafeMutableRawPointer(scratch)
      let convolved = (memory + convolvedAt).assumingMemoryBound(to: Float.self)
      let residual = (memory + residualAt).assumingMemoryBound(to: Float.self)
      picture.forEachLine(range) { row, columns, index in
        cvector_depthwise_tile(
          x + picture.offset(row - padding, columns.lowerBound - padding), picture.line, channels, depthwise,
          bias, kernel.height, kernel.width, convolved + index * channels, channels, columns.count)
        (residual + index * channels).update(
          from: x + picture.offset(row, columns.lowerBound), count: columns.count * channels)
      }
      norm(mlp.input, convolved, stride: channels, into: memory + normedAt, rows: range.count)
      mlp(rows: range.count, memory + normedAt, addedTo: residual, scratch: memory + productsAt)
      cvector_transpose(residual, channels, planes + range.lowerBound, pixels, range.count, channels)
    }
  }
}

extension FeedForward {
  /// The same with its results times a factor for each channel, which costs nothing as part of the last layer.
  fileprivate func scaled(by factors: Tensor) -> FeedForward {
    guard let last = layers.last else { return self }
    let scaled = LinearLayer(
      last.site, weight: last.weight * factors.reshaped([factors.count, 1]),
      bias: last.bias.map { $0 * factors }, quantized: last.quantized?.scaled(by: factors.elements))
    return FeedForward(layers.dropLast() + [scaled], activation)
  }
}

extension QuantizedWeight {
  /// The same with each channel times a factor, whose sign its values take.
  fileprivate func scaled(by factors: [Float]) -> QuantizedWeight {
    let count = values.count / max(1, scales.count)
    return QuantizedWeight(
      shape: shape, values: values.indices.map { factors[$0 / count] < 0 ? -values[$0] : values[$0] },
      scales: zip(scales, factors).map { $0 * abs($1) })
  }
}
