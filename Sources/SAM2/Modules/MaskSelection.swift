import Architecture
import Kernels
import Masks
import Tensors

/// Chooses a single mask: the one made for that, unless it is unstable and one of the other three is better.
/// Source: sam2/modeling/sam/mask_decoder.py, `_dynamic_multimask_via_stability`.
struct MaskSelection {
  let configuration: MaskSelectionConfiguration

  /// `masks`: `[B, 4, H, W]`, `scores`: `[B, 4]`. Returns `[B, 1, H, W]` and `[B, 1]`.
  func single(_ masks: Tensor, _ scores: Tensor) -> (masks: Tensor, scores: Tensor) {
    let (batch, count) = (masks.shape[0], masks.shape[1])
    let (height, width) = (masks.shape[2], masks.shape[3])
    let chosen = (0..<batch).map { index -> Int in
      guard configuration.dynamicMultimaskViaStability else { return 0 }
      let stability = masks[index][0].stabilityScore(offset: configuration.dynamicMultimaskStabilityDelta)
      guard stability < configuration.dynamicMultimaskStabilityThresh else { return 0 }
      return 1 + scores[index][1..<count].largestPosition
    }
    return (
      Tensor.concatenated(
        chosen.enumerated().map { masks[$0][$1].reshaped([1, 1, height, width]) }, axis: 0),
      Tensor.concatenated(chosen.enumerated().map { scores[$0][$1..<$1 + 1].reshaped([1, 1]) }, axis: 0)
    )
  }
}
