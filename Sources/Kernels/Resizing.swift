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
    let rows = ResizedRows(from: (height, width), to: size, by: interpolation)
    return Tensor([shape[0], shape[1], size.height, size.width]) { out in
      withElements { elements in
        let outRows = shape[0] * shape[1] * size.height
        parallelFor(outRows, grain: Parallelism.rows(of: 4 * size.width), scratch: width) { range, blended in
          for row in range {
            let (plane, y) = row.quotientAndRemainder(dividingBy: size.height)
            let source = elements.start + plane * height * width
            rows.compute(
              row: y, 0..<size.width, of: source, scratch: blended, into: out.start + row * size.width)
          }
        }
      }
    }
  }
}

/// An image's rows at another size, made one at a time.
package struct ResizedRows: Sendable {
  /// The size of what is resized, in pixels.
  package let source: (height: Int, width: Int)
  private let rows: Taps
  private let columns: Taps

  /// Rows of images of one size at another, neither of which is empty.
  package init(
    from source: (height: Int, width: Int), to target: (height: Int, width: Int),
    by interpolation: Interpolation
  ) {
    self.source = source
    rows = Taps(from: source.height, to: target.height, interpolation)
    columns = Taps(from: source.width, to: target.width, interpolation)
  }

  /// The rows of the result that any of some rows of the source take part in.
  package func rowsTouched(by range: Range<Int>) -> Range<Int> { rows.touched(by: range) }

  /// The columns of the result that any of some columns of the source take part in.
  package func columnsTouched(by range: Range<Int>) -> Range<Int> { columns.touched(by: range) }

  /// Computes a part of a row.
  ///
  /// - Parameters:
  ///   - y: the row of the result.
  ///   - range: its columns.
  ///   - plane: the image.
  ///   - blended: scratch of a row of the source.
  ///   - target: where the part goes.
  package func compute(
    row y: Int, _ range: Range<Int>, of plane: UnsafePointer<Float>,
    scratch blended: UnsafeMutablePointer<Float>,
    into target: UnsafeMutablePointer<Float>
  ) {
    rows.blend(plane, rowLength: source.width, at: y, into: blended)
    columns.sample(blended, range, into: target)
  }

  /// Computes a row of an image whose pixels have their channels together, `[H, W, channels]`.
  ///
  /// - Parameters:
  ///   - y: the row of the result.
  ///   - channels: how many numbers a pixel has.
  ///   - image: the image.
  ///   - blended: scratch of a row of the source.
  ///   - target: where the row goes.
  package func compute(
    row y: Int, channels: Int, of image: UnsafePointer<Float>,
    scratch blended: UnsafeMutablePointer<Float>,
    into target: UnsafeMutablePointer<Float>
  ) {
    rows.blend(image, rowLength: source.width * channels, at: y, into: blended)
    for x in 0..<columns.count {
      columns.blend(blended, rowLength: channels, at: x, into: target + x * channels)
    }
  }
}

/// For each position along one axis of the result: which entries of the source, and how much of each.
private struct Taps: Sendable {
  let perPosition: Int
  private(set) var indices: [Int] = []
  private(set) var weights: [Float] = []
  var count: Int { indices.count / perPosition }

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

  /// The weighted sum of the entries that a position needs, each a row of numbers.
  func blend(
    _ rows: UnsafePointer<Float>, rowLength: Int, at position: Int, into blended: UnsafeMutablePointer<Float>
  ) {
    let first = position * perPosition
    cvector_scale_shift(rows + indices[first] * rowLength, weights[first], 0, blended, rowLength)
    for tap in first + 1..<first + max(1, perPosition) {
      cvector_accumulate(rows + indices[tap] * rowLength, weights[tap], blended, rowLength)
    }
  }

  /// The positions that have any of some entries among theirs, with weight or without: from the first to the last.
  func touched(by entries: Range<Int>) -> Range<Int> {
    func touches(_ position: Int) -> Bool {
      (position * perPosition..<(position + 1) * perPosition).contains { entries.contains(indices[$0]) }
    }
    guard let first = (0..<count).first(where: touches),
      let last = (0..<count).last(where: touches)
    else { return 0..<0 }
    return first..<last + 1
  }

  /// The weighted sums of some positions along one row.
  func sample(_ row: UnsafePointer<Float>, _ range: Range<Int>, into target: UnsafeMutablePointer<Float>) {
    indices.withUnsafeBufferPointer { indices in
      weights.withUnsafeBufferPointer { weights in
        if perPosition == 2 {
          for position in range {
            let (first, second) = (2 &* position, 2 &* position &+ 1)
            target[position &- range.lowerBound] =
              row[indices[first]] * weights[first] + row[indices[second]] * weights[second]
          }
          return
        }
        var tap = range.lowerBound * perPosition
        for position in range {
          var sum = row[indices[tap]] * weights[tap]
          for next in tap + 1..<tap + max(1, perPosition) { sum += row[indices[next]] * weights[next] }
          target[position - range.lowerBound] = sum
          tap += perPosition
        }
      }
    }
  }
}
