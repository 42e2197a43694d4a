public import Masks
public import Prompts

/// How prompts are derived from true masks, exactly and without chance; `Reference/validation/README.md` states the
/// rule.
public enum PromptRule {
  /// A click on the deepest pixel of the mask; nil for an empty mask.
  public static func firstClick(_ truth: BinaryMask) -> Click? {
    deepest(truth.width, truth.height) { truth.pixels[$0] == 1 }.map {
      Click(x: Double($0.x), y: Double($0.y))
    }
  }

  /// The box whose edges touch the mask's outermost pixels from outside; nil for an empty mask.
  public static func box(_ truth: BinaryMask) -> Box? {
    let bounds = truth.bounds
    guard bounds.width > 0 else { return nil }
    return Box(
      x0: Double(bounds.x), y0: Double(bounds.y), x1: Double(bounds.x + bounds.width),
      y1: Double(bounds.y + bounds.height))
  }

  /// The click that corrects the deepest error: on the object where the prediction lacks it, else beside it; nil where
  /// nothing is wrong.
  public static func nextClick(_ predicted: BinaryMask, _ truth: BinaryMask) -> Click? {
    let missing = deepest(truth.width, truth.height) { truth.pixels[$0] == 1 && predicted.pixels[$0] == 0 }
    let extra = deepest(truth.width, truth.height) { truth.pixels[$0] == 0 && predicted.pixels[$0] == 1 }
    switch (missing, extra) {
    case (nil, nil): return nil
    case (let missing?, let extra?) where missing.depth < extra.depth: return extra.point(isObject: false)
    case (let missing?, _): return missing.point(isObject: true)
    case (nil, let extra?): return extra.point(isObject: false)
    }
  }

  private struct Depth {
    let x: Int
    let y: Int
    /// The squared distance to the nearest pixel outside of the region.
    let depth: Int

    func point(isObject: Bool) -> Click { Click(x: Double(x), y: Double(y), isObject: isObject) }
  }

  /// The region's pixel farthest from all outside, which begins beyond the picture's edges; of several the first in
  /// the first row. Nil for an empty region.
  private static func deepest(_ width: Int, _ height: Int, in region: (Int) -> Bool) -> Depth? {
    // One pixel of outside all around stands for all that lies beyond.
    let padded = DistanceTransform(width: width + 2, height: height + 2) { pixel in
      let (y, x) = pixel.quotientAndRemainder(dividingBy: width + 2)
      let isInside = x > 0 && x <= width && y > 0 && y <= height
      return !isInside || !region((y - 1) * width + x - 1)
    }
    var best: Depth?
    for y in 0..<height {
      for x in 0..<width {
        let depth = padded.squared[(y + 1) * (width + 2) + x + 1]
        if depth > best?.depth ?? 0 { best = Depth(x: x, y: y, depth: depth) }
      }
    }
    return best
  }
}
