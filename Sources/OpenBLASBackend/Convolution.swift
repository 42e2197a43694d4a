// Convolution as matrix products: the pixels under each output are gathered into columns, tile by tile.
import CVector
import Kernels
import Tensors

/// `[B, in, H, W]` to `[B, out, H′, W′]`.
struct Convolution: Kernel {
  /// `[out, in / groups, kh, kw]`
  let weight: Tensor
  /// `[out]`
  let bias: Tensor?
  let geometry: ConvolutionGeometry

  /// About how many output pixels a tile computes.
  private static let tilePixels = 512

  func callAsFunction(_ x: consuming Tensor) -> Tensor {
    let input = x
    let plane = geometry.plane(for: input.shape)
    let shape: Shape = [input.shape[0], geometry.outputs, plane.outHeight, plane.outWidth]
    return Tensor(shape) { out in
      input.withElements { input in
        weight.withElements { weight in
          if geometry.isPointwise {
            multiplyPixels(input.start, weight.start, out.start, batch: shape[0], pixels: plane.outPixels)
          } else {
            gatherAndMultiply(input.start, weight.start, out.start, batch: shape[0], plane)
          }
        }
      }
    }
  }

  /// 1 × 1: the image is the columns already.
  private func multiplyPixels(
    _ input: UnsafePointer<Float>, _ weight: UnsafePointer<Float>, _ out: UnsafeMutablePointer<Float>,
    batch: Int, pixels: Int
  ) {
    let (inputs, outputs) = (geometry.inputsPerGroup, geometry.outputsPerGroup)
    let tiles = (pixels + Self.tilePixels - 1) / Self.tilePixels
    parallelFor(batch * geometry.groups * tiles) { range in
      for item in range {
        let (entry, tile) = item.quotientAndRemainder(dividingBy: tiles)
        let group = entry % geometry.groups
        let pixel = tile * Self.tilePixels
        product(
          weight, group: group,
          MatrixView(start: input + entry * inputs * pixels + pixel, stride: pixels), inner: inputs,
          columns: min(Self.tilePixels, pixels - pixel), into: out + entry * outputs * pixels + pixel,
          stride: pixels)
      }
    }
  }

  private func gatherAndMultiply(
    _ input: UnsafePointer<Float>, _ weight: UnsafePointer<Float>, _ out: UnsafeMutablePointer<Float>,
    batch: Int, _ plane: ConvolutionPlane
  ) {
    let inner = geometry.inner
    let tileRows = min(plane.outHeight, max(1, Self.tilePixels / plane.outWidth))
    let tiles = (plane.outHeight + tileRows - 1) / tileRows
    let scratch = inner * tileRows * plane.outWidth
    parallelFor(batch * geometry.groups * tiles, grain: 1, scratch: scratch) { range, columns in
      for item in range {
        let (entry, tile) = item.quotientAndRemainder(dividingBy: tiles)
        let rows = tile * tileRows..<min(plane.outHeight, (tile + 1) * tileRows)
        let pixels = rows.count * plane.outWidth
        plane.gather(
          input + entry * geometry.inputsPerGroup * plane.inPixels, rows: rows, geometry, into: columns)
        product(
          weight, group: entry % geometry.groups, MatrixView(start: columns, stride: pixels), inner: inner,
          columns: pixels,
          into: out + entry * geometry.outputsPerGroup * plane.outPixels + rows.lowerBound * plane.outWidth,
          stride: plane.outPixels)
      }
    }
  }

  /// One group's weights times columns of pixels, plus the bias.
  private func product(
    _ weight: UnsafePointer<Float>, group: Int, _ columns: MatrixView, inner: Int, columns count: Int,
    into target: UnsafeMutablePointer<Float>, stride: Int
  ) {
    let outputs = geometry.outputsPerGroup
    bias?.withElements { bias in
      for output in 0..<outputs {
        cvector_fill(bias[group * outputs + output], target + output * stride, count)
      }
    }
    multiply(
      MatrixView(start: weight + group * outputs * inner, stride: inner), columns, rows: outputs,
      columns: count, inner: inner, accumulating: bias != nil, into: target, stride: stride)
  }
}
