// Layer normalisation over the last axis, and over the channels of an image.
import CVector
import Kernels
import Tensors

/// Normalisation over the last axis of `[…, C]`; `weight` and `bias` are `[C]`, the variance is biased.
struct LayerNormalization: Kernel {
  let weight: Tensor
  let bias: Tensor
  let epsilon: Float

  func callAsFunction(_ x: consuming Tensor) -> Tensor {
    let input = x
    let channels = weight.count
    precondition(
      input.shape.rank >= 1 && input.shape[-1] == channels, "layerNorm \(weight.shape) on \(input.shape)")
    return Tensor(input.shape) { out in
      input.withElements { input in
        weight.withElements { weight in
          bias.withElements { bias in
            parallelFor(input.count / channels, grain: Parallelism.rows(of: channels)) { rows in
              let start = rows.lowerBound * channels
              cvector_layer_norm_rows(
                input.start + start, weight.start, bias.start, epsilon, out.start + start, rows.count, channels)
            }
          }
        }
      }
    }
  }
}

/// Normalisation over axis 1 of `[B, C, H, W]`; `weight` and `bias` are `[C]`, the variance is biased.
struct ChannelNormalization: Kernel {
  let weight: Tensor
  let bias: Tensor
  let epsilon: Float

  /// Pixels per tile, so that a tile of 256 channels stays in the second-level cache over the three passes.
  private static let tilePixels = 256

  func callAsFunction(_ x: consuming Tensor) -> Tensor {
    let input = x
    let channels = weight.count
    precondition(
      input.shape.rank == 4 && input.shape[1] == channels, "layerNorm2d \(weight.shape) on \(input.shape)")
    let (batch, pixels) = (input.shape[0], input.shape[2] * input.shape[3])
    let tiles = (pixels + Self.tilePixels - 1) / Self.tilePixels
    return Tensor(input.shape) { out in
      input.withElements { input in
        weight.withElements { weight in
          bias.withElements { bias in
            parallelFor(batch * tiles, grain: 1, scratch: 2 * Self.tilePixels) { range, scratch in
              for item in range {
                let (image, tile) = item.quotientAndRemainder(dividingBy: tiles)
                let start = image * channels * pixels + tile * Self.tilePixels
                cvector_layer_norm_columns(
                  input.start + start, weight.start, bias.start, epsilon, out.start + start, pixels, channels,
                  min(Self.tilePixels, pixels - tile * Self.tilePixels), scratch)
              }
            }
          }
        }
      }
    }
  }
}
