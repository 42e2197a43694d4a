// Functions of one number applied to every element.
import CVector
public import Tensors

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
