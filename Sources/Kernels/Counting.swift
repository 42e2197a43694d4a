// Counting and finding elements.
import CVector
public import Tensors

extension Tensor {
  /// How many elements exceed `threshold`.
  public func count(above threshold: Float) -> Int {
    withElements { cvector_count_above($0.start, threshold, $0.count) }
  }

  /// The row-major position of the largest element, of several the first, as `torch.argmax`.
  public var largestPosition: Int {
    withElements { elements in
      elements.indices.reduce(0) { elements[$1] > elements[$0] ? $1 : $0 }
    }
  }
}
