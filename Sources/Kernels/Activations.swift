// Functions of one number applied to every element.
import CVector
import Foundation
public import Tensors

extension Tensor {
  /// `max(x, 0)`.
  public consuming func relu() -> Tensor { mapped { cvector_relu($0, $1, $2) } }

  /// The exact Gaussian error linear unit `x · Φ(x)`, as `torch.nn.GELU()`.
  public consuming func gelu() -> Tensor { mapped { cvector_gelu($0, $1, $2) } }

  /// `1 / (1 + exp(-x))`.
  public consuming func sigmoid() -> Tensor { mapped { cvector_sigmoid($0, $1, $2) } }

  /// The sine; elements in radians.
  public consuming func sin() -> Tensor {
    mapped { x, out, count in for i in 0..<count { out[i] = sinf(x[i]) } }
  }

  /// The cosine; elements in radians.
  public consuming func cos() -> Tensor {
    mapped { x, out, count in for i in 0..<count { out[i] = cosf(x[i]) } }
  }

  /// Every element moved into `range`.
  public consuming func clamped(_ range: ClosedRange<Float>) -> Tensor {
    mapped { cvector_clamp($0, range.lowerBound, range.upperBound, $1, $2) }
  }
}
