internal import CDeflate

/// Bytes made smaller, as PNG pictures hold them.
public enum Deflation {
  /// The bytes as a zlib stream (RFC 1950) of the library's middle effort.
  public static func zlib(_ bytes: [UInt8]) -> [UInt8] {
    let compressor = libdeflate_alloc_compressor(6)
    defer { libdeflate_free_compressor(compressor) }
    var stream = [UInt8](repeating: 0, count: libdeflate_zlib_compress_bound(compressor, bytes.count))
    let count = libdeflate_zlib_compress(compressor, bytes, bytes.count, &stream, stream.count)
    return Array(stream.prefix(count))
  }
}
