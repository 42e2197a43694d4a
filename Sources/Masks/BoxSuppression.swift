// Which boxes remain when those go that overlap a better one.
// Source: torchvision/csrc/ops/cpu/nms_kernel.cpp, and sam2/utils/amg.py for what a mask's box is.

extension PixelBox {
  /// The box as the official mask generator has it: from the first pixel's place to the last one's, so that extents are
  /// one less than the pixels that it holds.
  public var corners: (x0: Int, y0: Int, x1: Int, y1: Int) {
    (x, y, x + max(0, width - 1), y + max(0, height - 1))
  }

  /// The places of those of several boxes that remain, best first: from the highest score down, a box goes if its
  /// IoU with one that remained exceeds a threshold. Of equal scores the earlier one comes first.
  ///
  /// Extents are those between `corners`, so that a box of one column has no area and overlaps nothing.
  ///
  /// - Parameters:
  ///   - boxes: any number of them.
  ///   - scores: one for each.
  ///   - threshold: an IoU from 0 to 1.
  public static func suppressing(_ boxes: [PixelBox], scores: [Float], above threshold: Float) -> [Int] {
    precondition(boxes.count == scores.count, "\(boxes.count) boxes with \(scores.count) scores")
    let order = boxes.indices.sorted { one, other in
      scores[one] == scores[other] ? one < other : scores[one] > scores[other]
    }
    let spans = order.map { Span(boxes[$0]) }
    var isGone = [Bool](repeating: false, count: spans.count)
    var kept: [Int] = []
    for place in spans.indices where !isGone[place] {
      kept.append(order[place])
      let best = spans[place]
      for other in place + 1..<spans.count where !isGone[other] {
        isGone[other] = best.iou(with: spans[other]) > threshold
      }
    }
    return kept
  }

  /// A box's edges in the arithmetic of the official code.
  private struct Span {
    let x0: Float
    let y0: Float
    let x1: Float
    let y1: Float
    let area: Float

    init(_ box: PixelBox) {
      let corners = box.corners
      (x0, y0, x1, y1) = (Float(corners.x0), Float(corners.y0), Float(corners.x1), Float(corners.y1))
      area = (x1 - x0) * (y1 - y0)
    }

    /// Not a number where neither has an area.
    func iou(with other: Span) -> Float {
      let width = max(0, min(x1, other.x1) - max(x0, other.x0))
      let height = max(0, min(y1, other.y1) - max(y0, other.y0))
      let shared = width * height
      return shared / (area + other.area - shared)
    }
  }
}
