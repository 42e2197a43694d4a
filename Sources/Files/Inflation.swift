internal import CDeflate

/// Raw deflate streams, as zip archives hold them.
public enum Inflation {
  /// Inflates `bytes` into `memory`; what stands behind the stream's end is ignored.
  ///
  /// - Returns: How many bytes it gave, or nil where the stream is broken or gives more than `memory` holds.
  public static func inflate(_ bytes: UnsafeRawBufferPointer, into memory: UnsafeMutableRawBufferPointer)
    -> Int?
  {
    guard let decompressor = libdeflate_alloc_decompressor() else { return nil }
    defer { libdeflate_free_decompressor(decompressor) }
    var (taken, given) = (0, 0)
    let result = libdeflate_deflate_decompress_ex(
      decompressor, bytes.baseAddress, bytes.count, memory.baseAddress, memory.count, &taken, &given)
    return result == LIBDEFLATE_SUCCESS ? given : nil
  }
}
