// Bilinear resizing that averages where it shrinks, as PyTorch's `interpolate(antialias=True)` does.
// Source: ATen/native/cpu/UpSampleKernel.cpp, upsample_bilinear2d_aa (align_corners=False).

import CVector
public import Tensors

extension Tensor {
  /// The planes of a tensor `[..., H, W]` resized to `[..., height, width]`: PyTorch's bilinear interpolation with
  /// `antialias=True, align_corners=False`, which torchvision's `Resize` uses on float tensors.
  public func resizedBilinearAntialiased(height: Int, width: Int) -> Tensor {
    precondition(shape.rank >= 2, "expected a shape [..., H, W], found \(shape)")
    let (sourceHeight, sourceWidth) = (shape[-2], shape[-1])
    if height == sourceHeight && width == sourceWidth { return self }
    let leading = Array(shape.extents.dropLast(2))
    let resize = AntialiasedResize(from: (sourceHeight, sourceWidth), to: (height, width))
    return Tensor(Shape(leading + [height, width])) { output in
      withElements { source in
        guard let output = output.baseAddress, let source = source.baseAddress else { return }
        resize.run(planes: Shape(leading).count, into: output) { plane, row, scratch in
          scratch.update(from: source + (plane * sourceHeight + row) * sourceWidth, count: sourceWidth)
        }
      }
    }
  }
}

/// How many rows of a picture make a tile of `parallelFor`.
package let rowsAtOnce = 32

/// The two passes of a separable resize: along the rows, then down the columns.
package struct AntialiasedResize {
  private let columns: AxisTaps
  private let rows: AxisTaps

  /// A resize between two sizes of `(height, width)`.
  package init(from source: (height: Int, width: Int), to target: (height: Int, width: Int)) {
    columns = AxisTaps(from: source.width, to: target.width)
    rows = AxisTaps(from: source.height, to: target.height)
  }

  /// Resizes `planes` planes into `output`, `[planes, height, width]` of the target.
  ///
  /// `readRow(plane, row, scratch)` puts one source row into `scratch`; it is called from several threads.
  package func run(
    planes: Int, into output: UnsafeMutablePointer<Float>,
    readRow: (Int, Int, UnsafeMutablePointer<Float>) -> Void
  ) {
    let (height, width) = (rows.sourceCount, columns.targetCount)
    let narrowed = Tensor([planes, height, width]) { narrowed in
      guard let narrowed = narrowed.baseAddress else { return }
      parallelFor(planes * height, grain: rowsAtOnce, scratch: columns.sourceCount) { range, scratch in
        for row in range {
          readRow(row / height, row % height, scratch)
          columns.gather(from: scratch, into: narrowed + row * width)
        }
      }
    }
    narrowed.withElements { narrowed in
      guard let narrowed = narrowed.baseAddress else { return }
      parallelFor(planes * rows.targetCount, grain: rowsAtOnce) { range in
        for row in range {
          let (plane, y) = row.quotientAndRemainder(dividingBy: rows.targetCount)
          rows.blend(
            rowsAt: narrowed + plane * height * width, of: width, target: y, into: output + row * width)
        }
      }
    }
  }
}

/// Which source elements make up each target element of one axis, and with what weights.
///
/// The triangle filter reaches one source element to either side, or one target element where that is longer.
/// Positions are rounded to Float32 where PyTorch rounds them, and sums are fused multiply-adds as its vector code
/// has them: sums of up to four terms have PyTorch's bits.
struct AxisTaps {
  let sourceCount: Int
  let targetCount: Int
  /// Weights stored per target element; those beyond its own reach are zero.
  private let reach: Int
  private let starts: [Int]
  private let weights: [Float]

  init(from sourceCount: Int, to targetCount: Int) {
    precondition(sourceCount > 0 && targetCount > 0, "can't resize \(sourceCount) elements to \(targetCount)")
    self.sourceCount = sourceCount
    self.targetCount = targetCount
    let scale = Float(sourceCount) / Float(targetCount)
    let support = max(scale, 1)
    let inverse = scale >= 1 ? 1 / scale : 1
    reach = min(Int(support.rounded(.up)) * 2 + 1, sourceCount)
    var starts = [Int](repeating: 0, count: targetCount)
    var weights = [Float](repeating: 0, count: targetCount * reach)
    for target in 0..<targetCount {
      let center = Float(Double(scale) * (Double(target) + 0.5))
      let first = max(Int(Double(center - support) + 0.5), 0)
      let end = min(Int(Double(center + support) + 0.5), sourceCount, first + reach)
      // Shifted left where the row ends, so that every target element reads `reach` elements.
      let start = min(first, sourceCount - reach)
      let own = target * reach + first - start
      var total: Float = 0
      for tap in 0..<end - first {
        let distance = Float((Double(Float(tap + first) - center) + 0.5) * Double(inverse))
        weights[own + tap] = max(0, 1 - abs(distance))
        total += weights[own + tap]
      }
      if total != 0 { for tap in 0..<end - first { weights[own + tap] /= total } }
      starts[target] = start
    }
    self.starts = starts
    self.weights = weights
  }

  /// Resizes one row of `sourceCount` elements.
  func gather(from source: UnsafePointer<Float>, into target: UnsafeMutablePointer<Float>) {
    starts.withUnsafeBufferPointer { starts in
      weights.withUnsafeBufferPointer { weights in
        guard let starts = starts.baseAddress, let weights = weights.baseAddress else { return }
        cvector_fused_gather(source, starts, weights, reach, target, targetCount)
      }
    }
  }

  /// Writes row `target` of the resized plane, from the source rows, each of `width` elements.
  func blend(
    rowsAt plane: UnsafePointer<Float>, of width: Int, target: Int, into output: UnsafeMutablePointer<Float>
  ) {
    let first = plane + starts[target] * width
    cvector_scale_shift(first, weights[target * reach], 0, output, width)
    for tap in 1..<max(reach, 1) {
      cvector_fused_accumulate(first + tap * width, weights[target * reach + tap], output, width)
    }
  }
}
