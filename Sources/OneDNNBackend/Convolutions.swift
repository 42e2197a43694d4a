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

/// out[rows, columns] = rows of weights · packed columns + a bias for each row.
private func multiply(
  _ weights: LeftOperand, from row: Int, rows: Int, inner: Int, _ numbers: Numbers,
  _ packed: UnsafeRawPointer, columns: Int, bias: [Float], into out: UnsafeMutablePointer<Float>, stride: Int
) {
  var product = cvector_product()
  product.rows = rows
  product.inner = inner
  product.columns = columns
  product.a = weights.row(row)
  product.a_stride = weights.stride
  product.b = packed
  product.out = UnsafeMutableRawPointer(out)
  product.out_stride = stride
  if !bias.isEmpty {
    for line in 0..<rows { cvector_fill(bias[row + line], out + line * stride, columns) }
    product.added = UnsafePointer(out)
    product.added_stride = stride
  }
  cvector_multiply_tile(numbers.kind, &product)
}

/// `[B, in, H, W]` to `[B, out, H′, W′]`.
struct ConvolutionPart: Kernel {
  /// About how many output pixels a tile computes.
  private static let tilePixels = 512

  private let layer: ConvolutionLayer
  private let numbers: Numbers
  private let bias: [Float]
  private let weights = Late<LeftOperand>()

  init(_ layer: ConvolutionLayer, _ numbers: Numbers) {
    self.layer = layer
    self.numbers = numbers
    bias = layer.bias?.elements ?? []
  }

  func callAsFunction(_ x: consuming Tensor) -> Tensor {
    let input = x
    let shape = layer.weight.shape
    let (outputs, inputs, kernel) = (shape[0], shape[1], (height: shape[2], width: shape[3]))
    let (groups, stride, padding) = (layer.groups, layer.stride, layer.padding)
    precondition(
      input.shape.rank == 4 && input.shape[1] == inputs * groups
        && input.shape[2] + 2 * padding >= kernel.height && input.shape[3] + 2 * padding >= kernel.width,
      "\(layer.site.path): convolution \(shape) in \(groups) groups on \(input.shape)")
    let (height, width) = (input.shape[2], input.shape[3])
    let outHeight = (height + 2 * padding - kernel.height) / stride + 1
    let outWidth = (width + 2 * padding - kernel.width) / stride + 1
    let inner = inputs * kernel.height * kernel.width
    let operand = weights.value { LeftOperand(layer.weight, rows: outputs, inner: inner, numbers) }
    let isPointwise = kernel == (1, 1) && stride == 1 && padding == 0
    let lines = isPointwise ? 1 : min(outHeight, max(1, Self.tilePixels / outWidth))
    // A pointwise tile is any run of pixels, others are lines.
    let pixels = outHeight * outWidth
    let step = isPointwise ? Self.tilePixels : lines * outWidth
    let tiles = (pixels + step - 1) / step
    let perGroup = outputs / groups
    var plan = ScratchPlan()
    let columnsAt = plan.room(isPointwise ? 0 : inner * step * 4)
    let packedAt = plan.room(cvector_packed_bytes(numbers.kind, inner, step))
    return Tensor([input.shape[0], outputs, outHeight, outWidth]) { out in
      input.withElements { input in
        parallelFor(input.count / max(1, inputs * height * width) * tiles, grain: 1, scratch: plan.floats) {
          range, scratch in
          let memory = UnsafeMutableRawPointer(scratch)
          for item in range {
            let (entry, tile) = item.quotientAndRemainder(dividingBy: tiles)
            let first = tile * step
            let count = min(step, pixels - first)
            let group = entry % groups
            var (columns, columnStride) = (input.start + entry * inputs * height * width + first, pixels)
            if !isPointwise {
              let gathered = (memory + columnsAt).assumingMemoryBound(to: Float.self)
              gather(
                input.start + entry * inputs * height * width, height: height, width: width,
                rows: first / outWidth..<(first + count) / outWidth, outWidth: outWidth, into: gathered)
              (columns, columnStride) = (UnsafePointer(gathered), count)
            }
            cvector_pack(numbers.kind, cvector_f32, columns, columnStride, inner, count, memory + packedAt)
            multiply(
              operand, from: group * perGroup, rows: perGroup, inner: inner, numbers, memory + packedAt,
              columns: count, bias: bias, into: out.start + entry * perGroup * pixels + first, stride: pixels)
          }
        }
      }
    }
  }

  /// For each input channel of a group and each place of the kernel one row with the pixel under it for every output of
  /// `rows`; zero outside the image.
  private func gather(
    _ channels: UnsafePointer<Float>, height: Int, width: Int, rows: Range<Int>, outWidth: Int,
    into columns: UnsafeMutablePointer<Float>
  ) {
    let (stride, padding, shape) = (layer.stride, layer.padding, layer.weight.shape)
    var target = columns
    for channel in 0..<shape[1] {
      for ky in 0..<shape[2] {
        for kx in 0..<shape[3] {
          // Outputs first ..< end have their pixel x · stride + kx − padding inside the image.
          let first = min(outWidth, max(0, (padding - kx + stride - 1) / stride))
          let end = max(first, min(outWidth, (width - 1 + padding - kx + stride) / stride))
          for row in rows {
            let y = row * stride + ky - padding
            if y < 0 || y >= height || end == first {
              target.update(repeating: 0, count: outWidth)
            } else {
              target.update(repeating: 0, count: first)
              cvector_gather(
                channels + (channel * height + y) * width + first * stride + kx - padding, stride,
                target + first,
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
            multiply(
              operand, from: 0, rows: squares, inner: inputs, numbers, memory + packedAt, columns: pixels,
              bias: bias, into: products, stride: pixels)
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
