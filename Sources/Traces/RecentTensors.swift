import Tensors

/// Tensors written a moment ago. One module's output is the next one's input: the same memory is written once and
/// linked the second time.
///
/// The tensors are held, so that their memory can't be given to others while it is looked up; how many is bounded.
struct RecentTensors {
  private static let mostBytes = 256 << 20
  private static let mostTensors = 64

  private var entries: [(tensor: Tensor, path: String)] = []
  private var bytes = 0

  /// Where a tensor of the same memory and shape stands in the file.
  func path(of tensor: Tensor) -> String? {
    guard tensor.count > 0 else { return nil }
    let address = tensor.withElements(\.baseAddress)
    return entries.last { $0.tensor.shape == tensor.shape && $0.tensor.withElements(\.baseAddress) == address }?
      .path
  }

  /// Remembers where a tensor stands, at the cost of those written longest ago.
  mutating func remember(_ tensor: Tensor, at path: String) {
    entries.append((tensor, path))
    bytes += Self.bytes(of: tensor)
    while bytes > Self.mostBytes || entries.count > Self.mostTensors {
      bytes -= Self.bytes(of: entries.removeFirst().tensor)
    }
  }

  private static func bytes(of tensor: Tensor) -> Int { tensor.count * MemoryLayout<Float>.stride }
}
