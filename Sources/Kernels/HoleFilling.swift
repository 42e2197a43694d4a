// Small holes in masks, found as connected components.
// Source: sam2/utils/misc.py, fill_holes_in_mask_scores, with what its CUDA extension computes.

public import Tensors

extension Tensor {
  /// Mask logits `[..., h, w]` with small holes filled: components of background (logits of 0 or less), connected
  /// along edges or corners, of at most `area` pixels become 0.1.
  ///
  /// A component at the picture's edge is a hole like any other, as in the official code. Its extension refuses odd
  /// sizes; this takes any.
  public func fillingHoles(area: Int) -> Tensor {
    precondition(shape.rank >= 2, "expected logits of shape [..., h, w], found \(shape)")
    let (height, width) = (shape[-2], shape[-1])
    if area <= 0 || count == 0 { return self }
    return Tensor(shape) { output in
      withElements { logits in
        output.start.initialize(from: logits.start, count: logits.count)
        let target = SharedOutput(start: output.start)
        parallelFor(count / (height * width)) { planes in
          for plane in planes {
            let start = plane * height * width
            BackgroundRuns(logits.start + start, height: height, width: width)
              .fill(target.start + start, upTo: area)
          }
        }
      }
    }
  }
}

/// Planes that threads write apart from each other.
private struct SharedOutput: @unchecked Sendable {
  let start: UnsafeMutablePointer<Float>
}

/// The runs of background of a plane's rows, joined to components by union and find.
private struct BackgroundRuns {
  /// Where each run begins and ends in the plane; a run doesn't go beyond its row.
  private var bounds: [Range<Int>] = []
  /// Another run of the same component, itself for the first.
  private var parents: [Int] = []

  init(_ logits: UnsafePointer<Float>, height: Int, width: Int) {
    var above = 0..<0
    for row in 0..<height {
      let (start, end) = (row * width, (row + 1) * width)
      let first = bounds.count
      var place = start
      while place < end {
        // As the official mask <= 0: not a number is no background.
        while place < end, !(logits[place] <= 0) { place += 1 }
        let begin = place
        while place < end, logits[place] <= 0 { place += 1 }
        if begin < place {
          bounds.append(begin..<place)
          parents.append(parents.count)
        }
      }
      join(above, with: first..<bounds.count, width: width)
      above = first..<bounds.count
    }
  }

  /// Writes 0.1 to every run of a component of at most `area` pixels.
  func fill(_ output: UnsafeMutablePointer<Float>, upTo area: Int) {
    var areas = [Int](repeating: 0, count: bounds.count)
    // A parent comes before its run, so its root is known.
    var roots: [Int] = []
    for (run, parent) in parents.enumerated() { roots.append(parent == run ? run : roots[parent]) }
    for (run, root) in roots.enumerated() { areas[root] += bounds[run].count }
    for (run, root) in roots.enumerated() where areas[root] <= area {
      (output + bounds[run].lowerBound).update(repeating: 0.1, count: bounds[run].count)
    }
  }

  /// Joins runs of a row with those of the row above that touch them, corners included.
  private mutating func join(_ above: Range<Int>, with below: Range<Int>, width: Int) {
    var (upper, lower) = (above.lowerBound, below.lowerBound)
    while upper < above.upperBound, lower < below.upperBound {
      let (top, bottom) = (bounds[upper], bounds[lower])
      let (topStart, topEnd) = (top.lowerBound + width, top.upperBound + width)
      if topStart <= bottom.upperBound, bottom.lowerBound <= topEnd {
        let (one, other) = (root(of: upper), root(of: lower))
        // The lower number stays the root, so that no chain leads upwards.
        parents[max(one, other)] = min(one, other)
        parents[lower] = min(one, other)
      }
      if topEnd < bottom.upperBound { upper += 1 } else { lower += 1 }
    }
  }

  /// The first run of a component; on the way every other run is brought nearer to it.
  private mutating func root(of run: Int) -> Int {
    var run = run
    while parents[run] != run {
      parents[run] = parents[parents[run]]
      run = parents[run]
    }
    return run
  }
}
