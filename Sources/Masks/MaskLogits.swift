// What can be said of a mask from its logits alone.

import CVector
public import Tensors

extension Tensor {
  /// How many elements exceed `threshold`; what is not a number does not.
  public func count(above threshold: Float) -> Int {
    withElements { elements in
      elements.baseAddress.map { cvector_count_above($0, threshold, elements.count) } ?? 0
    }
  }

  /// How alike a mask is to itself under a higher and a lower threshold: the IoU of the areas above `offset`
  /// and above `-offset`; 1 for a mask that is empty under both.
  ///
  /// Source: sam2/modeling/sam/mask_decoder.py, `_get_stability_scores`, and sam2/utils/amg.py,
  /// `calculate_stability_score`.
  ///
  /// - Parameter offset: in logits; the official mask generator takes 1.
  public func stabilityScore(offset: Float) -> Float {
    let (certain, possible) = (count(above: offset), count(above: -offset))
    return possible > 0 ? Float(certain) / Float(possible) : 1
  }
}
