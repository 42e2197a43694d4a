// Counting elements.
import CVector
public import Tensors

extension Tensor {
  /// How many elements exceed `threshold`.
  public func count(above threshold: Float) -> Int {
    withElements { cvector_count_above($0.start, threshold, $0.count) }
  }
}
