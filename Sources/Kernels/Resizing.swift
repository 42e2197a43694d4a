// Resizing images, as `torch.nn.functional.interpolate(align_corners=False, antialias=False)`.
import CVector
public import Tensors

/// How a pixel between pixels is computed.
public enum Interpolation: Sendable {
  /// The pixel at or before the position.
  case nearest
  /// Weighted by distance, from the two neighbours along each axis.
  case bilinear
  /// Keys' cubic convolution with a = −0.75, from four neighbours along each axis, repeated at the border.
  case bicubic
}

extension Tensor {
  /// The images of `[B, C, H, W]` at another size in pixels.
  public func resized(to size: (height: Int, width: Int), by interpolation: Interpolation) -> Tensor {
    precondition(shape.rank == 4, "resized takes [B, C, H, W], got \(shape)")
    let (height, width) = (shape[2], shape[3])
    if size == (height, width) { return self }
    let rows = Taps(from: height, to: size.height, interpolation)
    let columns = Taps(from: width, to: size.width, interpolation)
    return Tensor([shape[0], shape[1], size.height, size.width]) { out in
      withElements { elements in
        let outRows = shape[0] * shape[1] * size.height
        parallelFor(outRows, grain: Parallelism.rows(of: 4 * size.width), scratch: width) { range, blended in
          for row in range {
            let (plane, y) = row.quotientAndRemainder(dividingBy: size.height)
            let source = elements.start + plane * height * width
            rows.blend(source, rowLength: width, at: y, into: blended)
            columns.sample(blended, into: out.start + row * size.width)
          }
        }
      }
    }
  }
}

/// For each position along one axis of the result: which entries of the source, and how much of each.
private struct Taps {
  let perPosition: Int
  private(set) var indices: [Int] = []
  private(set) var weights: [Float] = []

  /// Source: ATen/native/UpSample.h, area_pixel_compute_source_index and get_cubic_upsample_coefficients.
  init(from source: Int, to target: Int, _ interpolation: Interpolation) {
    let scale = Float(source) / Float(target)
    switch interpolation {
    case .nearest:
      perPosition = 1
      for position in 0..<target { append(min(Int(Float(position) * scale), source - 1), 1) }
    case .bilinear:
      perPosition = 2
      for position in 0..<target {
        let place = max(0, (Float(position) + 0.5) * scale - 0.5)
        let first = min(Int(place), source - 1)
        let fraction = min(max(place - Float(first), 0), 1)
        append(first, 1 - fraction)
        append(min(first + 1, source - 1), fraction)
      }
    case .bicubic:
      perPosition = 4
      for position in 0..<target {
        let place = (Float(position) + 0.5) * scale - 0.5
        let first = place.rounded(.down)
        for tap in -1...2 {
          let distance = abs(place - first - Float(tap))
          append(min(max(Int(first) + tap, 0), source - 1), Taps.cubic(distance))
        }
      }
    }
  }

  private mutating func append(_ index: Int, _ weight: Float) {
    indices.append(index)
    weights.append(weight)
  }

  private static func cubic(_ distance: Float) -> Float {
    let a: Float = -0.75
    let x = distance
    return x <= 1 ? ((a + 2) * x - (a + 3)) * x * x + 1 : ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
  }

  /// The weighted sum of the rows that position `y` needs.
  func blend(
    _ plane: UnsafePointer<Float>, rowLength: Int, at y: Int, into blended: UnsafeMutablePointer<Float>
  ) {
    let first = y * perPosition
    cvector_scale_shift(plane + indices[first] * rowLength, weights[first], 0, blended, rowLength)
    for tap in first + 1..<first + max(1, perPosition) {
      cvector_accumulate(plane + indices[tap] * rowLength, weights[tap], blended, rowLength)
    }
  }

  /// Every position's weighted sum along one row.
  func sample(_ row: UnsafePointer<Float>, into target: UnsafeMutablePointer<Float>) {
    indices.withUnsafeBufferPointer { indices in
      weights.withUnsafeBufferPointer { weights in
        if perPosition == 2 {
          for position in 0..<indices.count / 2 {
            let (first, second) = (2 &* position, 2 &* position &+ 1)
            target[position] = row[indices[first]] * weights[first] + row[indices[second]] * weights[second]
          }
          return
        }
        var tap = 0
        for position in 0..<indices.count / perPosition {
          var sum = row[indices[tap]] * weights[tap]
          for next in tap + 1..<tap + max(1, perPosition) { sum += row[indices[next]] * weights[next] }
          target[position] = sum
          tap += perPosition
        }
      }
    }
  }
}
