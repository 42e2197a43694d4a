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
    let shapes = LinearShapes(layer.weight.shape, on: input.shape, at: layer.site.path)
    let (inputs, outputs) = (shapes.inputs, shapes.outputs)
    let product = product.value {
      ByteProduct(layer.quantized ?? .init(quantizing: layer.weight), bias: layer.bias)
    }
    return Tensor(shapes.result) { out in
      input.withElements { input in
        let range = layer.site.input ?? .found(input)
        let operand = Operand.bytes(range)
        var plan = ScratchPlan()
        let bytesAt = plan.room(operand.room(rows: Self.tileRows, channels: inputs))
        parallelFor(shapes.rows, grain: Self.tileRows, scratch: plan.floats) { rows, scratch in
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
    let (inner, perGroup) = (geometry.inner, geometry.outputsPerGroup)
    let tiles = ConvolutionTiles(geometry, plane, about: Self.tilePixels)
    let (pixels, step) = (plane.outPixels, tiles.step)
    let batch = input.shape[0]
    return Tensor([batch, geometry.outputs, plane.outHeight, plane.outWidth]) { out in
      input.withElements { input in
        let range = layer.site.input ?? .found(input)
        let operand = Operand.bytes(range)
        var plan = ScratchPlan()
        let columnsAt = plan.room(tiles.columnBytes)
        let rowsAt = plan.room(step * inner * 4)
        let bytesAt = plan.room(operand.room(rows: step, channels: inner))
        let productsAt = plan.room(step * perGroup * 4)
        let planesAt = plan.room(step * perGroup * 4)
        parallelFor(batch * geometry.groups * tiles.count, grain: 1, scratch: plan.floats) { items, scratch in
          let memory = UnsafeMutableRawPointer(scratch)
          let rows = (memory + rowsAt).assumingMemoryBound(to: Float.self)
          let results = (memory + productsAt).assumingMemoryBound(to: Float.self)
          let planes = (memory + planesAt).assumingMemoryBound(to: Float.self)
          for item in items {
            // Groups of channels stand one after another, in the input and in the result.
            let (group, tile) = item.quotientAndRemainder(dividingBy: tiles.count)
            let columns = tiles.columns(
              tile, of: input.start + group * geometry.inputsPerGroup * plane.inPixels,
              gatheredTo: memory + columnsAt)
            let (first, count) = (columns.first, columns.count)
            cvector_transpose(columns.start, columns.stride, rows, inner, inner, count)
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
