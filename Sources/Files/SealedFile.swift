/// A small file that a later run trusts: its first line is the SHA-256 of the rest, so that whatever was altered in it shows.
package enum SealedFile {
  private static let digits = 64

  /// Writes bytes under their digest, in one piece that survives a loss of power.
  ///
  /// - Throws: `FileError.unwritable`.
  package static func write(_ bytes: [UInt8], to path: String) throws(FileError) {
    let file = try OutputFile(path: path, durable: true)
    try file.write(Array(digest(bytes[...]).utf8) + [0x0A])
    try file.write(bytes)
    try file.commit()
  }

  /// The bytes of such a file; nil where they aren't those that were written.
  ///
  /// - Throws: `FileError.unreadable` or `FileError.notAFile`.
  package static func read(_ path: String) throws(FileError) -> [UInt8]? {
    let all = try MappedFile.contents(of: path)
    guard all.count > digits, all[digits] == 0x0A else { return nil }
    let bytes = all[(digits + 1)...]
    return Array(digest(bytes).utf8) == Array(all[..<digits]) ? Array(bytes) : nil
  }

  private static func digest(_ bytes: ArraySlice<UInt8>) -> String {
    bytes.withUnsafeBytes { SHA256.hex(of: $0) }
  }
}
