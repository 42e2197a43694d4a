// Connected components of masks: holes to be filled, islands to be removed.
// Source: sam2/utils/misc.py, fill_holes_in_mask_scores, with what its CUDA extension computes; sam2/utils/amg.py,
// remove_small_regions; sam2/utils/transforms.py, postprocess_masks.

public import Tensors

extension BinaryMask {
  /// The mask with small holes filled: components of background, connected along edges or corners, of at most `area`
  /// pixels. A component at the picture's edge is a hole like any other.
  public func fillingHoles(area: Int) -> BinaryMask {
    changed { pixels in
      for run in PixelRuns(height: height, width: width, isInSet: { pixels[$0] == 0 }).inSmall(upTo: area) {
        for pixel in run { pixels[pixel] = 1 }
      }
    }
  }

  /// The mask without small islands: components of foreground, connected along edges or corners, of at most `area`
  /// pixels. Where all are, the largest stays, of several the first from the top left.
  public func removingIslands(area: Int) -> BinaryMask {
    changed { pixels in
      let runs = PixelRuns(height: height, width: width) { pixels[$0] == 1 }
      let largest = runs.largest.flatMap { $0.area <= area ? $0.root : nil }
      for run in runs.inSmall(upTo: area, except: largest) { for pixel in run { pixels[pixel] = 0 } }
    }
  }

  /// The largest component of foreground, connected along edges or corners; of several the first from the top left.
  public var largestComponent: BinaryMask {
    changed { pixels in
      let runs = PixelRuns(height: height, width: width) { pixels[$0] == 1 }
      for run in runs.inSmall(upTo: .max, except: runs.largest?.root) { for pixel in run { pixels[pixel] = 0 } }
    }
  }

  private func changed(_ change: (inout [UInt8]) -> Void) -> BinaryMask {
    var pixels = pixels
    change(&pixels)
    return BinaryMask(width: width, height: height, pixels: pixels)
  }
}

extension Tensor {
  /// Mask logits `[..., h, w]` with small holes filled: components of background (logits of 0 or less), connected
  /// along edges or corners, of at most `area` pixels become 0.1.
  ///
  /// A component at the picture's edge is a hole like any other, as in the official code. Its extension refuses odd
  /// sizes; this takes any.
  public func fillingHoles(area: Int) -> Tensor { paintingRegions(upTo: area, holes: 0.1) }

  /// Mask logits `[..., h, w]` without small regions, as the official predictor means it: components of background
  /// (logits of 0 or less) of at most `area` pixels become 10, those of foreground −10, connected along edges or
  /// corners; both are sought in the logits as they were.
  ///
  /// Source: sam2/utils/transforms.py, `postprocess_masks`, whose components need a CUDA extension.
  public func withoutSmallRegions(area: Int) -> Tensor {
    paintingRegions(upTo: area, holes: 10, islands: -10)
  }

  /// Logits with small components of background, and of foreground where that is asked for, made one value.
  private func paintingRegions(upTo area: Int, holes: Float, islands: Float? = nil) -> Tensor {
    precondition(shape.rank >= 2, "expected logits of shape [..., h, w], found \(shape)")
    let (height, width) = (shape[-2], shape[-1])
    if area <= 0 || count == 0 { return self }
    return Tensor(shape) { output in
      withElements { logits in
        _ = output.update(fromContentsOf: logits)
        for start in stride(from: 0, to: logits.count, by: height * width) {
          func paint(_ runs: PixelRuns, _ value: Float) {
            for run in runs.inSmall(upTo: area) { for pixel in run { output[start + pixel] = value } }
          }
          // As the official mask <= 0: not a number is no background.
          paint(PixelRuns(height: height, width: width) { logits[start + $0] <= 0 }, holes)
          if let islands {
            paint(PixelRuns(height: height, width: width) { logits[start + $0] > 0 }, islands)
          }
        }
      }
    }
  }
}

/// The components of a set of pixels: runs of rows, joined by union and find, in time linear in the pixels.
private struct PixelRuns {
  /// Where each run begins and ends; a run doesn't go beyond its row.
  private var bounds: [Range<Int>] = []
  /// Another run of the same component, itself for the first; in the end the first run of each component.
  private var roots: [Int] = []
  /// How many pixels the component has of which a run is the first; 0 for other runs.
  private var areas: [Int] = []

  @inline(__always)
  init(height: Int, width: Int, isInSet: (Int) -> Bool) {
    var above = 0..<0
    for row in 0..<height {
      let (start, end) = (row * width, (row + 1) * width)
      let first = bounds.count
      var place = start
      while place < end {
        while place < end, !isInSet(place) { place += 1 }
        let begin = place
        while place < end, isInSet(place) { place += 1 }
        if begin < place {
          bounds.append(begin..<place)
          roots.append(roots.count)
        }
      }
      join(above, with: first..<bounds.count, width: width)
      above = first..<bounds.count
    }
    areas = [Int](repeating: 0, count: bounds.count)
    for run in bounds.indices {
      // What a run points to comes before it, so that it points to its root already.
      roots[run] = roots[roots[run]]
      areas[roots[run]] += bounds[run].count
    }
  }

  /// The first of the largest components; nil where there is none.
  var largest: (root: Int, area: Int)? {
    areas.enumerated().reduce(nil) { best, next in
      next.element > best?.area ?? 0 ? (next.offset, next.element) : best
    }
  }

  /// The runs of the components of at most `area` pixels, but for one component.
  func inSmall(upTo area: Int, except kept: Int? = nil) -> [Range<Int>] {
    bounds.indices.filter { areas[roots[$0]] <= area && roots[$0] != kept }.map { bounds[$0] }
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
        roots[max(one, other)] = min(one, other)
        roots[lower] = min(one, other)
      }
      if topEnd < bottom.upperBound { upper += 1 } else { lower += 1 }
    }
  }

  /// The first run of a component; on the way every other run is brought nearer to it.
  private mutating func root(of run: Int) -> Int {
    var run = run
    while roots[run] != run {
      roots[run] = roots[roots[run]]
      run = roots[run]
    }
    return run
  }
}
