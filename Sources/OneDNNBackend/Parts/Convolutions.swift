// Convolutions as products of their weights and columns of pixels, which are packed tile by tile: planes stay planes.
import CVector
import Kernels
import Tensors

/// Rows that products read on the left: weights as they lie, rounded.
final class LeftOperand: Sendable {
  private nonisolated(unsafe) let memory: UnsafeMutableRawPointer
  let stride: Int
  private let numbers: Numbers

  /// `[rows, inner]` of Float32.
  init(_ weight: Tensor, rows: Int, inner: Int, _ numbers: Numbers) {
    self.numbers = numbers
    stride = (inner + 31) / 32 * 32
    memory = .allocate(byteCount: rows * stride * numbers.size + 64, alignment: 64)
    weight.withElements {
      cvector_convert_tile(numbers.kind, $0.start, inner, nil, 0, memory, stride, rows, inner, stride)
    }
  }

  deinit { memory.deallocate() }

  func row(_ index: Int) -> UnsafeRawPointer { UnsafeRawPointer(memory + index * stride * numbers.size) }
}

extension LeftOperand {
  /// out[rows, columns] = rows of weights · packed columns + a bias for each row.
  func multiply(
    from row: Int, rows: Int, inner: Int, _ packed: UnsafeRawPointer, columns: Int, bias: [Float],
    into out: UnsafeMutablePointer<Float>, stride outStride: Int
  ) {
    bias.withNumbers { bias in
      numbers.multiply(
        self.row(row), stride: stride, rows: rows, inner: inner, by: packed, columns: columns,
        rowBias: bias.map { $0 + row }, into: out, stride: outStride)
    }
  }
}

/// How a convolution's output pixels are cut: any runs of them where each depends on the pixel at its place alone, else lines.
struct ConvolutionTiles {
  /// How many pixels a tile has, the last one perhaps fewer, and how many tiles there are.
  let step, count: Int
  private let geometry: ConvolutionGeometry
  private let plane: ConvolutionPlane

  init(_ geometry: ConvolutionGeometry, _ plane: ConvolutionPlane, about pixels: Int) {
    (self.geometry, self.plane) = (geometry, plane)
    step =
      geometry.isPointwise ? pixels : min(plane.outHeight, max(1, pixels / plane.outWidth)) * plane.outWidth
    count = (plane.outPixels + step - 1) / step
  }

  /// Bytes that what a tile sees takes where it is gathered.
  var columnBytes: Int { geometry.isPointwise ? 0 : geometry.inner * step * 4 }

  /// A tile's first pixel, and how many it has.
  func pixels(_ tile: Int) -> (first: Int, count: Int) {
    (tile * step, min(step, plane.outPixels - tile * step))
  }

  /// What a tile's `count` pixels from the first one see: rows of as many numbers, `stride` apart.
  struct Columns {
    let first, count: Int
    let start: UnsafePointer<Float>
    let stride: Int
  }

  /// What a tile sees of a group's planes, where it lies or gathered.
  func columns(
    _ tile: Int, of planes: UnsafePointer<Float>, gatheredTo memory: UnsafeMutableRawPointer
  ) -> Columns {
    let (first, count) = pixels(tile)
    guard !geometry.isPointwise else {
      return Columns(first: first, count: count, start: planes + first, stride: plane.outPixels)
    }
    let gathered = memory.assumingMemoryBound(to: Float.self)
    plane.gather(
      planes, rows: first / plane.outWidth..<(first + count) / plane.outWidth, geometry, into: gathered)
    return Columns(first: first, count: count, start: UnsafePointer(gathered), stride: count)
  }
}

/// `[B, in, H, W]` to `[B, out, H′, W′]`, or to `[B, H′, W′, out]`. What sees single pixels takes a view with its channels last, too.
struct ConvolutionPart: Kernel {
  /// About how many output pixels a tile computes: so many that rows of planes are read and written in long runs.
  private static let tilePixels = 512
  /// Larger results go past the caches, where they wouldn't stay anyway.
  private static let cachedBytes = 16 << 20

  private let layer: ConvolutionLayer
  private let numbers: Numbers
  private let isChannelsLast: Bool
  private let bias: [Float]
  private let geometry: ConvolutionGeometry
  private let weights = Late<LeftOperand>()

  init(_ layer: ConvolutionLayer, _ numbers: Numbers, channelsLast: Bool = false) {
    self.layer = layer
    self.numbers = numbers
    isChannelsLast = channelsLast
    bias = layer.bias?.elements ?? []
    geometry = ConvolutionGeometry(layer)
  }

  func callAsFunction(_ x: consuming Tensor) -> Tensor {
    let rows = x.permutedView(0, 2, 3, 1)
    let isRows = geometry.isPointwise && geometry.groups == 1 && rows.isContiguous
    let input = isRows ? rows : x.contiguous()
    let plane = geometry.plane(for: x.shape)
    let (outputs, inner, groups) = (geometry.outputs, geometry.inner, geometry.groups)
    let (outHeight, outWidth) = (plane.outHeight, plane.outWidth)
    let operand = weights.value { LeftOperand(layer.weight, rows: outputs, inner: inner, numbers) }
    let tiles = ConvolutionTiles(geometry, plane, about: Self.tilePixels)
    let (pixels, step) = (plane.outPixels, tiles.step)
    let perGroup = geometry.outputsPerGroup
    var plan = ScratchPlan()
    let columnsAt = plan.room(tiles.columnBytes)
    let packedAt = plan.room(cvector_packed_bytes(numbers.kind, inner, step))
    let productsAt = plan.room(perGroup * step * 4)
    let batch = x.shape[0]
    let result: Shape =
      isChannelsLast ? [batch, outHeight, outWidth, outputs] : [batch, outputs, outHeight, outWidth]
    let goesPast = result.count * 4 > Self.cachedBytes
    return Tensor(result) { out in
      input.withElements { input in
        parallelFor(batch * groups * tiles.count, grain: 1, scratch: plan.floats) { range, scratch in
          let memory = UnsafeMutableRawPointer(scratch)
          let products = (memory + productsAt).assumingMemoryBound(to: Float.self)
          for item in range {
            let (planesNumber, tile) = item.quotientAndRemainder(dividingBy: tiles.count)
            let (entry, group) = planesNumber.quotientAndRemainder(dividingBy: groups)
            let (first, count) = tiles.pixels(tile)
            if isRows {
              cvector_pack_transposed(
                numbers.kind, cvector_f32, input.start + (entry * pixels + first) * inner, inner, inner, count,
                memory + packedAt)
            } else {
              let columns = tiles.columns(
                tile, of: input.start + planesNumber * geometry.inputsPerGroup * plane.inPixels,
                gatheredTo: memory + columnsAt)
              cvector_pack(
                numbers.kind, cvector_f32, columns.start, columns.stride, inner, count, memory + packedAt)
            }
            operand.multiply(
              from: group * perGroup, rows: perGroup, inner: inner, memory + packedAt, columns: count,
              bias: bias,
              into: products, stride: count)
            let channel = group * perGroup
            if isChannelsLast {
              cvector_transpose(
                products, count, out.start + (entry * pixels + first) * outputs + channel, outputs, perGroup,
                count)
            } else {
              let target = out.start + (entry * outputs + channel) * pixels + first
              if goesPast {
                cvector_copy_past_caches(products, count, target, pixels, perGroup, count)
              } else {
                for row in 0..<perGroup {
                  (target + row * pixels).update(from: products + row * count, count: count)
                }
              }
            }
          }
        }
      }
    }
  }
}

/// `[B, in, H, W]` to `[B, out, k·H, k·W]`: each input pixel becomes a square of its own.
struct TransposedConvolutionPart: Kernel {
  private static let tilePixels = 256

  private let layer: TransposedConvolutionLayer
  private let numbers: Numbers
  /// One for each place of each output's square.
  private let bias: [Float]
  private let weights = Late<LeftOperand>()

  init(_ layer: TransposedConvolutionLayer, _ numbers: Numbers) {
    self.layer = layer
    self.numbers = numbers
    let area = layer.weight.shape[2] * layer.weight.shape[3]
    bias = layer.bias?.elements.flatMap { Array(repeating: $0, count: area) } ?? []
  }

  func callAsFunction(_ x: consuming Tensor) -> Tensor {
    let input = x
    let squares = PixelSquares(layer, on: input.shape)
    let (batch, inputs, height, width) = (input.shape[0], input.shape[1], squares.height, squares.width)
    let kernel = squares.kernel
    let operand = weights.value {
      LeftOperand(
        layer.weight.reshaped([inputs, squares.count]).permuted(1, 0), rows: squares.count, inner: inputs,
        numbers)
    }
    let lines = min(height, max(1, Self.tilePixels / width))
    let tiles = (height + lines - 1) / lines
    var plan = ScratchPlan()
    let packedAt = plan.room(cvector_packed_bytes(numbers.kind, inputs, lines * width))
    let productsAt = plan.room(squares.count * lines * width * 4)
    return Tensor([batch, squares.outputs, height * kernel, width * kernel]) { out in
      input.withElements { input in
        parallelFor(batch * tiles, grain: 1, scratch: plan.floats) { range, scratch in
          let memory = UnsafeMutableRawPointer(scratch)
          let products = (memory + productsAt).assumingMemoryBound(to: Float.self)
          for item in range {
            let (entry, tile) = item.quotientAndRemainder(dividingBy: tiles)
            let rows = tile * lines..<min(height, (tile + 1) * lines)
            let pixels = rows.count * width
            cvector_pack(
              numbers.kind, cvector_f32,
              input.start + entry * inputs * height * width + rows.lowerBound * width, height * width, inputs,
              pixels, memory + packedAt)
            operand.multiply(
              from: 0, rows: squares.count, inner: inputs, memory + packedAt, columns: pixels, bias: bias,
              into: products, stride: pixels)
            squares.scatter(products, rows: rows, into: out.start + entry * squares.count * height * width)
          }
        }
      }
    }
  }
}
