import CVector
public import Tensors

// Sums, differences and products of tensors with NumPy's broadcasting, and with a number; activations.

extension Tensor {
  /// Elementwise sum; shapes broadcast as in NumPy.
  public static func + (lhs: consuming Tensor, rhs: Tensor) -> Tensor {
    combine(lhs, rhs, .sum)
  }

  /// Elementwise difference; shapes broadcast as in NumPy.
  public static func - (lhs: consuming Tensor, rhs: Tensor) -> Tensor {
    combine(lhs, rhs, .difference)
  }

  /// Elementwise product; shapes broadcast as in NumPy.
  public static func * (lhs: consuming Tensor, rhs: Tensor) -> Tensor {
    combine(lhs, rhs, .product)
  }

  /// Every element plus `rhs`.
  public static func + (lhs: consuming Tensor, rhs: Float) -> Tensor {
    lhs.mapped { cvector_scale_shift($0, 1, rhs, $1, $2) }
  }

  /// Every element minus `rhs`.
  public static func - (lhs: consuming Tensor, rhs: Float) -> Tensor {
    lhs.mapped { cvector_scale_shift($0, 1, -rhs, $1, $2) }
  }

  /// Every element times `rhs`.
  public static func * (lhs: consuming Tensor, rhs: Float) -> Tensor {
    lhs.mapped { cvector_scale_shift($0, rhs, 0, $1, $2) }
  }
}

/// What to do with a pair of elements.
private enum Combination {
  case sum, difference, product

  func apply(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ out: UnsafeMutablePointer<Float>, _ count: Int
  ) {
    switch self {
    case .sum: cvector_add(a, b, out, count)
    case .difference: cvector_subtract(a, b, out, count)
    case .product: cvector_multiply(a, b, out, count)
    }
  }

  func apply(_ a: UnsafePointer<Float>, _ b: Float, _ out: UnsafeMutablePointer<Float>, _ count: Int) {
    switch self {
    case .sum: cvector_scale_shift(a, 1, b, out, count)
    case .difference: cvector_scale_shift(a, 1, -b, out, count)
    case .product: cvector_scale_shift(a, b, 0, out, count)
    }
  }

  func apply(_ a: Float, _ b: UnsafePointer<Float>, _ out: UnsafeMutablePointer<Float>, _ count: Int) {
    switch self {
    case .sum: cvector_scale_shift(b, 1, a, out, count)
    case .difference: cvector_scale_shift(b, -1, a, out, count)
    case .product: cvector_scale_shift(b, a, 0, out, count)
    }
  }
}

/// A run of neighbouring axes along which each operand is either stored or repeated.
private struct Run {
  var extent: Int
  let leftStored: Bool
  let rightStored: Bool
}

/// The result's shape, and its axes joined into as few runs as possible.
private func broadcastRuns(_ lhs: Shape, _ rhs: Shape) -> (shape: Shape, runs: [Run]) {
  let rank = max(lhs.rank, rhs.rank)
  let left = Array(repeating: 1, count: rank - lhs.rank) + lhs.extents
  let right = Array(repeating: 1, count: rank - rhs.rank) + rhs.extents
  var runs: [Run] = []
  for (a, b) in zip(left, right) {
    precondition(a == b || a == 1 || b == 1, "can't broadcast \(lhs) with \(rhs)")
    let extent = a == 1 ? b : a
    if extent == 1 { continue }
    let run = Run(extent: extent, leftStored: a != 1, rightStored: b != 1)
    if let last = runs.last, last.leftStored == run.leftStored, last.rightStored == run.rightStored {
      runs[runs.count - 1].extent *= extent
    } else {
      runs.append(run)
    }
  }
  if runs.isEmpty { runs = [Run(extent: 1, leftStored: true, rightStored: true)] }
  return (Shape(zip(left, right).map { $0 == 1 ? $1 : $0 }), runs)
}

private func combine(_ lhs: consuming Tensor, _ rhs: Tensor, _ combination: Combination) -> Tensor {
  let (shape, runs) = broadcastRuns(lhs.shape, rhs.shape)
  if shape == lhs.shape {
    rhs.withElements { b in
      lhs.rewriteElements { a, out in combine(a.start, b.start, out.start, runs, combination) }
    }
    return lhs
  }
  let left = lhs
  return Tensor(shape) { out in
    left.withElements { a in
      rhs.withElements { b in combine(a.start, b.start, out.start, runs, combination) }
    }
  }
}

/// Runs the innermost axis as one vector loop, and walks the outer ones in tiles.
private func combine(
  _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ out: UnsafeMutablePointer<Float>, _ runs: [Run],
  _ combination: Combination
) {
  let inner = runs[runs.count - 1]
  let outer = Array(runs.dropLast())
  let rows = outer.reduce(1) { $0 * $1.extent }
  // A single long row is cut, many short ones are gathered.
  let pieces = rows == 1 ? (inner.extent + Parallelism.tileElements - 1) / Parallelism.tileElements : 1
  let pieceExtent = (inner.extent + pieces - 1) / pieces
  parallelFor(rows * pieces, grain: rows == 1 ? 1 : Parallelism.rows(of: inner.extent)) { range in
    for item in range {
      let (row, piece) = item.quotientAndRemainder(dividingBy: pieces)
      var (left, right) = (0, 0)
      var (leftStride, rightStride) = (
        inner.leftStored ? inner.extent : 1, inner.rightStored ? inner.extent : 1
      )
      var rest = row
      for run in outer.reversed() {
        let (quotient, index) = rest.quotientAndRemainder(dividingBy: run.extent)
        rest = quotient
        if run.leftStored {
          left += index * leftStride
          leftStride *= run.extent
        }
        if run.rightStored {
          right += index * rightStride
          rightStride *= run.extent
        }
      }
      let start = min(inner.extent, piece * pieceExtent)
      let count = min(pieceExtent, inner.extent - start)
      let target = out + row * inner.extent + start
      switch (inner.leftStored, inner.rightStored) {
      case (true, true): combination.apply(a + left + start, b + right + start, target, count)
      case (true, false): combination.apply(a + left + start, b[right], target, count)
      default: combination.apply(a[left], b + right + start, target, count)
      }
    }
  }
}

extension Tensor {
  /// Replaces the elements by `loop(in, out, count)`, in tiles; in place if nobody else sees them.
  package consuming func mapped(
    _ loop: (UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int) -> Void
  ) -> Tensor {
    rewriteElements { elements, out in
      let (source, target) = (elements.start, out.start)
      parallelFor(elements.count, grain: Parallelism.tileElements) { range in
        loop(source + range.lowerBound, target + range.lowerBound, range.count)
      }
    }
    return self
  }
}

extension Tensor {
  /// The row-major position of the largest element, of several the first, as `torch.argmax`.
  public var largestPosition: Int {
    withElements { elements in
      elements.indices.reduce(0) { elements[$1] > elements[$0] ? $1 : $0 }
    }
  }
}

// Functions of one number applied to every element.

extension Tensor {
  /// `max(x, 0)`.
  public consuming func relu() -> Tensor { mapped { cvector_relu($0, $1, $2) } }

  /// The exact Gaussian error linear unit `x · Φ(x)`, as `torch.nn.GELU()`.
  public consuming func gelu() -> Tensor { mapped { cvector_gelu($0, $1, $2) } }

  /// `1 / (1 + exp(-x))`.
  public consuming func sigmoid() -> Tensor { mapped { cvector_sigmoid($0, $1, $2) } }

  /// Every element moved into `range`.
  public consuming func clamped(_ range: ClosedRange<Float>) -> Tensor {
    mapped { cvector_clamp($0, range.lowerBound, range.upperBound, $1, $2) }
  }

  /// 1 where an element exceeds `threshold`, else 0.
  public consuming func binarized(above threshold: Float) -> Tensor {
    mapped { source, target, count in
      for index in 0..<count { target[index] = source[index] > threshold ? 1 : 0 }
    }
  }

  /// 1 where an element is `threshold` or more, else 0.
  public consuming func binarized(atLeast threshold: Float) -> Tensor {
    mapped { source, target, count in
      for index in 0..<count { target[index] = source[index] >= threshold ? 1 : 0 }
    }
  }
}
