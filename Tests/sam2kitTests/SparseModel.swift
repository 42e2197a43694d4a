import Architecture
import Checkpoints
import Files
import Foundation
import Testing

/// A released model whose weights are all zero: full size, next to nothing on disk.
enum SparseModel {
  static func write(of variant: Variant, to path: String) throws {
    let hole = "\(path).hole"
    let handle = open(hole, O_RDWR | O_CREAT, 0o644)
    defer {
      close(handle)
      unlink(hole)
    }
    let items = StateDictLayout(variant.configuration).tensors.map {
      TorchWriter.Item(name: $0.name, shape: $0.shape)
    }
    try #require(ftruncate(handle, off_t(items.map(\.byteCount).max() ?? 0)) == 0)
    let zeros = try MappedFile(path: hole)
    var writer = try TorchWriter(path: path, items)
    for item in items { try writer.copy(0..<item.byteCount, of: zeros) }
    try writer.finish()
  }
}
