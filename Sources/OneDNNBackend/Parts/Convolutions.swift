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
    bias.withUnsafeBufferPointer { bias in
      var product = cvector_product()
      product.rows = rows
      product.inner = inner
      product.columns = columns
      product.a = self.row(row)
      product.a_stride = stride
      product.b = packed
      product.row_bias = bias.baseAddress.flatMap { bias.isEmpty ? nil : $0 + row }
      product.out = UnsafeMutableRawPointer(out)
      product.out_stride = outStride
      cvector_multiply_tile(numbers.kind, &product)
    }
  }
}

/// What a convolution sees of `[channels, height, width]`, as columns of a product.
struct PixelColumns: Sendable {
  let channels: Int
  let kernel: (height: Int, width: Int)
  let stride, padding: Int

  init(_ layer: ConvolutionLayer) {
    let shape = layer.weight.shape
    channels = shape[1]
    kernel = (shape[2], shape[3])
    (stride, padding) = (layer.stride, layer.padding)
  }

  /// How many numbers each output sees.
  var inner: Int { channels * kernel.height * kernel.width }

  /// Whether columns are the picture itself.
  var isPointwise: Bool { kernel == (1, 1) && stride == 1 && padding == 0 }

  /// Height and width of what comes out, 0 or less where the kernel doesn't fit in.
  func outputs(height: Int, width: Int) -> (height: Int, width: Int) {
    func outputs(_ size: Int, _ kernel: Int) -> Int {
      size + 2 * padding < kernel ? 0 : (size + 2 * padding - kernel) / stride + 1
    }
    return (outputs(height, kernel.height), outputs(width, kernel.width))
  }

  /// For each channel and each place of the kernel one row with the pixel under it for every output of `rows`; zero outside
  /// the picture.
  func gather(
    _ planes: UnsafePointer<Float>, height: Int, width: Int, rows: Range<Int>, outWidth: Int,
    into columns: UnsafeMutablePointer<Float>
  ) {
    var target = columns
    for channel in 0..<channels {
      for ky in 0..<kernel.height {
        for kx in 0..<kernel.width {
          // Outputs first ..< end have their pixel x · stride + kx − padding inside the picture.
          let first = min(outWidth, max(0, (padding - kx + stride - 1) / stride))
          let end = max(first, min(outWidth, (width - 1 + padding - kx + stride) / stride))
          for row in rows {
            let y = row * stride + ky - padding
            if y < 0 || y >= height || end == first {
              target.update(repeating: 0, count: outWidth)
            } else {
              target.update(repeating: 0, count: first)
              cvector_gather(
                planes + (channel * height + y) * width + first * stride + kx - padding, stride, target + first,
                end - first)
              (target + end).update(repeating: 0, count: outWidth - end)
            }
            target += outWidth
          }
        }
      }
    }
  }
}

/// `[B, in, H, W]` to `[B, out, H′, W′]`, or to `[B, H′, W′, out]`.
struct ConvolutionPart: Kernel {
  /// About how many output pixels a tile computes: so many that rows of planes are read and written in long runs.
  private static let tilePixels = 512
  /// Larger results go past the caches, where they wouldn't stay anyway.
  private static let cachedBytes = 16 << 20

  private let layer: ConvolutionLayer
  private let numbers: Numbers
  private let isChannelsLast: Bool
  private let bias: [Float]
  private let seen: PixelColumns
  private let weights = Late<LeftOperand>()

  init(_ layer: ConvolutionLayer, _ numbers: Numbers, channelsLast: Bool = false) {
    self.layer = layer
    self.numbers = numbers
    isChannelsLast = channelsLast
    bias = layer.bias?.elements ?? []
    seen = PixelColumns(layer)
  }

  func callAsFunction(_ x: consuming Tensor) -> Tensor {
    let input = x
    let (shape, groups) = (layer.weight.shape, layer.groups)
    let (outputs, inputs, inner) = (shape[0], shape[1], seen.inner)
    precondition(
      input.shape.rank == 4 && input.shape[1] == inputs * groups,
      "\(layer.site.path): convolution \(shape) in \(groups) groups on \(input.shape)")
    let (height, width) = (input.shape[2], input.shape[3])
    let (outHeight, outWidth) = seen.outputs(height: height, width: width)
    precondition(
      outHeight > 0 && outWidth > 0, "\(layer.site.path): convolution \(shape) on \(input.shape)")
    let operand = weights.value { LeftOperand(layer.weight, rows: outputs, inner: inner, numbers) }
    let isPointwise = seen.isPointwise
    // A pointwise tile is any run of pixels, others are lines.
    let pixels = outHeight * outWidth
    let step = isPointwise ? Self.tilePixels : min(outHeight, max(1, Self.tilePixels / outWidth)) * outWidth
    let tiles = (pixels + step - 1) / step
    let perGroup = outputs / groups
    var plan = ScratchPlan()
    let columnsAt = plan.room(isPointwise ? 0 : inner * step * 4)
    let packedAt = plan.room(cvector_packed_bytes(numbers.kind, inner, step))
    let productsAt = plan.room(perGroup * step * 4)
    let batch = input.shape[0]
    let result: Shape =
      isChannelsLast ? [batch, outHeight, outWidth, outputs] : [batch, outputs, outHeight, outWidth]
    let goesPast = result.count * 4 > Self.cachedBytes
    return Tensor(result) { out in
      input.withElements { input in
        parallelFor(batch * groups * tiles, grain: 1, scratch: plan.floats) { range, scratch in
          let memory = UnsafeMutableRawPointer(scratch)
          let products = (memory + productsAt).assumingMemoryBound(to: Float.self)
          for item in range {
            let (planesNumber, tile) = item.quotientAndRemainder(dividingBy: tiles)
            let (entry, group) = planesNumber.quotientAndRemainder(dividingBy: groups)
            let first = tile * step
            let count = min(step, pixels - first)
            let planes = input.start + planesNumber * inputs * height * width
            var (columns, columnStride) = (planes + first, pixels)
            if !isPointwise {
              let gathered = (memory + columnsAt).assumingMemoryBound(to: Float.self)
              seen.gather(
                planes, height: height, width: width, rows: first / outWidth..<(first + count) / outWidth,
                outWidth: outWidth, into: gathered)
              (columns, columnStride) = (UnsafePointer(gathered), count)
            }
            cvector_pack(numbers.kind, cvector_f32, columns, columnStride, inner, count, memory + packedAt)
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
    let (inputs, outputs, kernel) = (layer.weight.shape[0], layer.weight.shape[1], layer.weight.shape[2])
    precondition(
      input.shape.rank == 4 && input.shape[1] == inputs,
      "\(layer.site.path): transposed convolution \(layer.weight.shape) on \(input.shape)")
    let (height, width) = (input.shape[2], input.shape[3])
    let squares = outputs * kernel * kernel
    let operand = weights.value {
      LeftOperand(
        layer.weight.reshaped([inputs, squares]).permuted(1, 0), rows: squares, inner: inputs, numbers)
    }
    let lines = min(height, max(1, Self.tilePixels / width))
    let tiles = (height + lines - 1) / lines
    var plan = ScratchPlan()
    let packedAt = plan.room(cvector_packed_bytes(numbers.kind, inputs, lines * width))
    let productsAt = plan.room(squares * lines * width * 4)
    return Tensor([input.shape[0], outputs, height * kernel, width * kernel]) { out in
      input.withElements { input in
        parallelFor(input.count / max(1, inputs * height * width) * tiles, grain: 1, scratch: plan.floats) {
          range, scratch in
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
              from: 0, rows: squares, inner: inputs, memory + packedAt, columns: pixels, bias: bias,
              into: products,
              stride: pixels)
            for square in 0..<squares {
              let (output, place) = square.quotientAndRemainder(dividingBy: kernel * kernel)
              let (dy, dx) = place.quotientAndRemainder(dividingBy: kernel)
              for (index, y) in rows.enumerated() {
                let line = ((entry * outputs + output) * height + y) * kernel + dy
                cvector_scatter(
                  products + square * pixels + index * width, out.start + line * width * kernel + dx, kernel,
                  width)
              }
            }
          }
        }
      }
    }
  }
}
