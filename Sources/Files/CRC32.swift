internal import CDeflate

/// The CRC-32 that zip archives carry (ISO-HDLC polynomial).
public enum CRC32 {
  /// The checksum of `bytes`, continuing from the checksum of what went before.
  public static func checksum(_ bytes: UnsafeRawBufferPointer, continuing previous: UInt32 = 0) -> UInt32 {
    libdeflate_crc32(previous, bytes.baseAddress, bytes.count)
  }
}
