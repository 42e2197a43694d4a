// Linear layers and convolutions in whole numbers: inputs become bytes of the layer's range, or of one that is found anew for every input.
import CVector
import Kernels
import Synchronization
import Tensors

/// `[…, in]` to `[…, out]`.
struct ByteLinearPart: Kernel {
  private static let tileRows = 256

  private let layer: LinearLayer
  private let product = Late<ByteProduct>()

  init(_ layer: LinearLayer) { self.layer = layer }

  func callAsFunction(_ x: consuming Tensor) -> Tensor {
    let input = x
    let (outputs, inputs) = (layer.weight.shape[0], layer.weight.shape[1])
    precondition(
      input.shape.rank >= 1 && input.shape[-1] == inputs,
      "\(layer.site.path): linear \(layer.weight.shape) on \(input.shape)")
    let product = product.value {
      ByteProduct(layer.quantized ?? .init(quantizing: layer.weight), bias: layer.bias)
    }
    return Tensor(Shape(Array(input.shape.extents.dropLast()) + [outputs])) { out in
      input.withElements { input in
        let range = layer.site.input ?? .found(input)
        let operand = Operand.bytes(range)
        var plan = ScratchPlan()
        let bytesAt = plan.room(operand.room(rows: Self.tileRows, channels: inputs))
        parallelFor(input.count / inputs, grain: Self.tileRows, scratch: plan.floats) { rows, scratch in
          let bytes = UnsafeMutableRawPointer(scratch) + bytesAt
          operand.convert(
            input.start + rows.lowerBound * inputs, stride: inputs, into: bytes, rows: rows.count,
            channels: inputs)
          product(
            rows: rows.count, bytes, in: range, into: out.start + rows.lowerBound * outputs, as: .numbers(.f32))
        }
      }
    }
  }
}

/// A convolution, `[B, in, H, W]` to `[B, out, H′, W′]`: what pixels see becomes rows, and results planes again.
struct ByteConvolutionPart: Kernel {
  /// About how many output pixels a tile computes.
  private static let tilePixels = 256

  private let layer: ConvolutionLayer
  private let geometry: ConvolutionGeometry
  private let products = Late<[ByteProduct]>()

  init(_ layer: ConvolutionLayer) {
    self.layer = layer
    geometry = ConvolutionGeometry(layer)
  }

  /// One for each group.
  private func makeProducts() -> [ByteProduct] {
    let weight = layer.quantized ?? .init(quantizing: layer.weight)
    let (rows, inner) = (geometry.outputsPerGroup, geometry.inner)
    return (0..<geometry.groups).map { group in
      let outputs = group * rows..<(group + 1) * rows
      return ByteProduct(
        QuantizedWeight(
          shape: [rows, inner],
          values: Array(weight.values[outputs.lowerBound * inner..<outputs.upperBound * inner]),
          scales: Array(weight.scales[outputs])),
        bias: layer.bias?[outputs])
    }
  }

  func callAsFunction(_ x: consuming Tensor) -> Tensor {
    let input = x
    let plane = geometry.plane(for: input.shape)
    let byGroup = products.value(makeProducts)
    let (inner, perGroup, isPointwise) = (geometry.inner, geometry.outputsPerGroup, geometry.isPointwise)
    let (pixels, outWidth) = (plane.outPixels, plane.outWidth)
    // A pointwise tile is any run of pixels, others are lines.
    let step =
      isPointwise
      ? Self.tilePixels : min(plane.outHeight, max(1, Self.tilePixels / max(1, outWidth))) * outWidth
    let tiles = (pixels + max(1, step) - 1) / max(1, step)
    let batch = input.shape[0]
    return Tensor([batch, geometry.outputs, plane.outHeight, outWidth]) { out in
      input.withElements { input in
        let range = layer.site.input ?? .found(input)
        let operand = Operand.bytes(range)
        var plan = ScratchPlan()
        let columnsAt = plan.room(isPointwise ? 0 : inner * step * 4)
        let rowsAt = plan.room(step * inner * 4)
        let bytesAt = plan.room(operand.room(rows: step, channels: inner))
        let productsAt = plan.room(step * perGroup * 4)
        let planesAt = plan.room(step * perGroup * 4)
        parallelFor(batch * geometry.groups * tiles, grain: 1, scratch: plan.floats) { items, scratch in
          let memory = UnsafeMutableRawPointer(scratch)
          let rows = (memory + rowsAt).assumingMemoryBound(to: Float.self)
          let results = (memory + productsAt).assumingMemoryBound(to: Float.self)
          let planes = (memory + planesAt).assumingMemoryBound(to: Float.self)
          for item in items {
            // Groups of channels stand one after another, in the input and in the result.
            let (group, tile) = item.quotientAndRemainder(dividingBy: tiles)
            let first = tile * step
            let count = min(step, pixels - first)
            let source = input.start + group * geometry.inputsPerGroup * plane.inPixels
            var (columns, columnStride) = (source + first, pixels)
            if !isPointwise {
              let gathered = (memory + columnsAt).assumingMemoryBound(to: Float.self)
              plane.gather(
                source, rows: first / outWidth..<(first + count) / outWidth, geometry, into: gathered)
              (columns, columnStride) = (UnsafePointer(gathered), count)
            }
            cvector_transpose(columns, columnStride, rows, inner, inner, count)
            operand.convert(rows, stride: inner, into: memory + bytesAt, rows: count, channels: inner)
            byGroup[group % geometry.groups](
              rows: count, memory + bytesAt, in: range, into: results, as: .numbers(.f32))
            cvector_transpose(results, perGroup, planes, count, count, perGroup)
            cvector_copy_past_caches(
              planes, count, out.start + group * perGroup * pixels + first, pixels, perGroup, count)
          }
        }
      }
    }
  }
}

extension QuantizedRange {
  /// The range that covers these numbers and 0.
  fileprivate static func found(_ numbers: UnsafeBufferPointer<Float>) -> QuantizedRange {
    let extremes = Mutex<(least: Float, most: Float)>((0, 0))
    parallelFor(numbers.count, grain: Parallelism.tileElements) { range in
      var (least, most): (Float, Float) = (0, 0)
      cvector_extremes_tile(numbers.start + range.lowerBound, range.count, 1, range.count, &least, &most)
      extremes.withLock { $0 = (min($0.least, least), max($0.most, most)) }
    }
    return extremes.withLock { QuantizedRange(from: $0.least, to: $0.most) }
  }
}
