import Tensors

/// Comparisons made a moment ago. One module's output is the next one's input, in the run and in its recording: what
/// was found for the one holds for the other.
///
/// The candidate's tensors are held, so that their memory can't be given to others while it is looked up; how many is
/// bounded.
struct RecentComparisons {
  private static let mostElements = 1 << 24
  private static let mostTensors = 16

  private var entries: [(address: UInt64, tensor: Tensor, metrics: ErrorMetrics)] = []
  private var elements = 0

  /// What was found for a tensor of the same memory against the recorded array at an address.
  func metrics(_ address: UInt64?, _ tensor: Tensor) -> ErrorMetrics? {
    guard tensor.count > 0 else { return nil }
    return entries.last { $0.address == address && $0.tensor.isSame(as: tensor) }?.metrics
  }

  /// Remembers what was found, at the cost of what was found longest ago.
  mutating func remember(_ address: UInt64?, _ tensor: Tensor, _ metrics: ErrorMetrics) {
    guard let address else { return }
    entries.append((address, tensor, metrics))
    elements += tensor.count
    // The last one stays however large it is, and is forgotten before those that are small.
    while elements - tensor.count > Self.mostElements || entries.count > Self.mostTensors {
      let large = entries.dropLast().firstIndex { $0.tensor.count > Self.mostElements }
      elements -= entries.remove(at: large ?? 0).tensor.count
    }
  }
}

extension Tensor {
  /// Whether it is the same memory under the same shape.
  func isSame(as other: Tensor) -> Bool {
    shape == other.shape && withElements(\.baseAddress) == other.withElements(\.baseAddress)
  }
}
