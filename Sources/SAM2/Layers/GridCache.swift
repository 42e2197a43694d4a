import Synchronization
import Tensors

/// Tensors that depend on a grid's size alone, made once per size.
final class GridCache: Sendable {
  private struct Size: Hashable {
    let height: Int
    let width: Int
  }
  private let made = Mutex<[Size: Tensor]>([:])

  func tensor(height: Int, width: Int, make: () -> Tensor) -> Tensor {
    let size = Size(height: height, width: width)
    if let tensor = made.withLock({ $0[size] }) { return tensor }
    let tensor = make()
    made.withLock { $0[size] = tensor }
    return tensor
  }
}
