// Bicubic resizing of 8-bit pixels in fixed point, to the very bytes that Pillow's `Image.resize` gives.
// Source: Pillow's Resample.c, 8 bits per channel.

import CVector
import Kernels

extension Picture {
  /// The picture resized without keeping the aspect ratio, as Pillow's `resize((width, height))` does by default:
  /// bicubic (a = −0.5), averaging where it shrinks, each pass rounded to 8 bits.
  ///
  /// Which pass is first follows Pillow 13: columns, where more than twice as many rows as columns go; earlier
  /// versions always begin with rows.
  public func resizedBicubic(width: Int, height: Int) -> Picture {
    let (lostRows, lostColumns) = (self.height - height, self.width - width)
    if lostRows > 0, lostRows > 2 * lostColumns {
      return resizingColumns(to: height).resizingRows(to: width)
    }
    return resizingRows(to: width).resizingColumns(to: height)
  }

  private func resizingRows(to target: Int) -> Picture {
    if target == width { return self }
    let taps = BicubicTaps(from: width, to: target)
    let resized = [UInt8](unsafeUninitializedCapacity: height * target * 3) { output, initialized in
      initialized = height * target * 3
      guard let output = output.baseAddress else { return }
      let rows = UncheckedOutput(start: output)
      pixels.withUnsafeBufferPointer { pixels in
        guard let pixels = pixels.baseAddress else { return }
        // Four lanes a pixel, of 4 bytes each: scratch is of Float32, which is as large.
        parallelFor(height, grain: rowsAtOnce, scratch: 4 * width) { range, scratch in
          scratch.withMemoryRebound(to: Int32.self, capacity: 4 * width) { lanes in
            for row in range {
              cvector_widen_rgb(pixels + 3 * row * width, lanes, width)
              cvector_fixed_gather(
                lanes, taps.starts, taps.weights, taps.reach, rows.start + 3 * row * target, target)
            }
          }
        }
      }
    }
    return Picture(width: target, height: height, pixels: resized)
  }

  private func resizingColumns(to target: Int) -> Picture {
    if target == height { return self }
    let taps = BicubicTaps(from: height, to: target)
    let length = 3 * width
    let resized = [UInt8](unsafeUninitializedCapacity: target * length) { output, initialized in
      initialized = target * length
      guard let output = output.baseAddress else { return }
      let rows = UncheckedOutput(start: output)
      pixels.withUnsafeBufferPointer { pixels in
        taps.weights.withUnsafeBufferPointer { weights in
          guard let pixels = pixels.baseAddress, let weights = weights.baseAddress else { return }
          parallelFor(target, grain: rowsAtOnce) { range in
            for row in range {
              cvector_fixed_blend(
                pixels + taps.starts[row] * length, length, weights + row * taps.reach, taps.reach,
                rows.start + row * length, length)
            }
          }
        }
      }
    }
    return Picture(width: width, height: target, pixels: resized)
  }
}

/// Rows that threads write apart from each other.
private struct UncheckedOutput: @unchecked Sendable {
  let start: UnsafeMutablePointer<UInt8>
}

/// Which source elements make up each target element of one axis, with weights of 22 fractional bits.
struct BicubicTaps {
  /// Weights stored per target element; those beyond its own reach are zero.
  let reach: Int
  let starts: [Int]
  let weights: [Int32]

  /// 8 bits are the result's, one is the sign's, one is for sums beyond 1.
  private static let fraction = 22

  init(from sourceCount: Int, to targetCount: Int) {
    precondition(sourceCount > 0 && targetCount > 0, "can't resize \(sourceCount) elements to \(targetCount)")
    let scale = Double(sourceCount) / Double(targetCount)
    let stretch = max(scale, 1)
    let support = 2 * stretch
    reach = min(Int(support.rounded(.up)) * 2 + 1, sourceCount)
    var starts = [Int](repeating: 0, count: targetCount)
    var weights = [Int32](repeating: 0, count: targetCount * reach)
    for target in 0..<targetCount {
      let center = (Double(target) + 0.5) * scale
      let first = max(Int(center - support + 0.5), 0)
      let end = min(Int(center + support + 0.5), sourceCount)
      let exact = (first..<end).map { Self.bicubic((Double($0) - center + 0.5) * (1 / stretch)) }
      let total = exact.reduce(0, +)
      // Shifted left where the row ends, so that every target element reads `reach` elements.
      let start = min(first, sourceCount - reach)
      for (tap, weight) in exact.enumerated() {
        let scaled = (total == 0 ? weight : weight / total) * Double(1 << Self.fraction)
        weights[target * reach + first - start + tap] = Int32(scaled < 0 ? scaled - 0.5 : scaled + 0.5)
      }
      starts[target] = start
    }
    self.starts = starts
    self.weights = weights
  }

  /// Keys' cubic kernel with a = −0.5, in the order of Pillow's operations.
  private static func bicubic(_ position: Double) -> Double {
    let x = abs(position)
    if x < 1 { return (1.5 * x - 2.5) * x * x + 1 }
    if x < 2 { return (((x - 5) * x + 8) * x - 4) * -0.5 }
    return 0
  }
}
