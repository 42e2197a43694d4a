// Closing the small holes of masks.
public import Tensors

extension Tensor {
  /// Mask logits `[…, H, W]` with the small holes of every plane filled: background (0 or less) of at most `area`
  /// pixels that touch each other, also at corners, becomes 0.1.
  ///
  /// Source: sam2/utils/misc.py, `fill_holes_in_mask_scores`, as it is with its CUDA extension.
  public consuming func fillingHoles(area: Int) -> Tensor {
    let (height, width) = (shape[-2], shape[-1])
    withMutableElements { logits in
      for plane in 0..<logits.count / max(1, height * width) {
        let start = plane * height * width
        fillHoles(
          UnsafeMutableBufferPointer(rebasing: logits[start..<start + height * width]), width: width, area: area)
      }
    }
    return self
  }
}

/// What a filled pixel becomes: a weak foreground.
private let filled: Float = 0.1

/// Fills the small holes of one plane in time linear in its pixels.
private func fillHoles(_ logits: UnsafeMutableBufferPointer<Float>, width: Int, area: Int) {
  let height = logits.count / width
  var isSeen = [Bool](repeating: false, count: logits.count)
  var component: [Int] = []
  for first in logits.indices where !isSeen[first] && logits[first] <= 0 {
    isSeen[first] = true
    component = [first]
    var next = 0
    while next < component.count {
      let (y, x) = component[next].quotientAndRemainder(dividingBy: width)
      next += 1
      for row in max(0, y - 1)...min(height - 1, y + 1) {
        for column in max(0, x - 1)...min(width - 1, x + 1) {
          let pixel = row * width + column
          guard !isSeen[pixel], logits[pixel] <= 0 else { continue }
          isSeen[pixel] = true
          component.append(pixel)
        }
      }
    }
    if component.count <= area { for pixel in component { logits[pixel] = filled } }
  }
}
