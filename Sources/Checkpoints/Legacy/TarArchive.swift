/// The members of a tar archive: 512 bytes that say name and size, then the content, padded to 512.
/// Source: POSIX.1-1988, ustar.
struct TarArchive {
  /// A file of the archive.
  struct Member {
    let name: String
    /// Its bytes in the archive.
    let range: Range<Int>
  }

  private(set) var members: [Member] = []

  /// Whether a file is one, by its first header.
  static func begins(_ view: ByteView) -> Bool { view.has("ustar", at: 257) }

  /// Reads the headers.
  ///
  /// - Throws: `TorchError.legacy` for a header that is none, `.cutShort` for a member beyond the end, or no end.
  init(_ view: ByteView, limits: ReadingLimits) throws(TorchError) {
    var offset = 0
    while let header = view.slice(at: offset, count: 512), header.contains(where: { $0 != 0 }) {
      let name = String(decoding: header[..<100].prefix { $0 != 0 }, as: UTF8.self)
      guard members.count < limits.zipEntries else {
        throw .legacy(part: "the tar archive", expected: "at most \(limits.zipEntries) members", found: "more")
      }
      guard let size = Self.number(header[124..<136]), Self.number(header[148..<156]) == Self.checksum(header)
      else {
        throw .legacy(
          part: "the tar archive", expected: "a header with a size and its own checksum at byte \(offset)",
          found: "none")
      }
      guard view.slice(at: offset + 512, count: size) != nil else {
        throw .cutShort(part: "the \(size) bytes of '\(name)' in the tar archive", fileLength: view.count)
      }
      // Files of the old and the new kind; folders, links and what describes the next member hold no content.
      if [0, 0x30].contains(header[156]) {
        members.append(Member(name: name, range: offset + 512..<offset + 512 + size))
      }
      offset += 512 + (size + 511) / 512 * 512
    }
    guard view.slice(at: offset, count: 512) != nil else {
      throw .cutShort(part: "the block of zeros that ends a tar archive", fileLength: view.count)
    }
  }

  /// The member of that name; nil where there is none, or more than one.
  subscript(name: String) -> Member? {
    let found = members.filter { $0.name == name }
    return found.count == 1 ? found[0] : nil
  }

  /// Octal digits between blanks and zeros; nil where there are none, or other bytes.
  private static func number(_ field: Slice<UnsafeRawBufferPointer>) -> Int? {
    let digits = field.drop { $0 == 0x20 }.prefix { 0x30...0x37 ~= $0 }
    return field.allSatisfy { $0 == 0 || $0 == 0x20 || 0x30...0x37 ~= $0 }
      ? Int(String(decoding: digits, as: UTF8.self), radix: 8) : nil
  }

  /// The sum of a header's bytes, those of the sum itself taken as blanks.
  private static func checksum(_ header: UnsafeRawBufferPointer) -> Int {
    header.indices.reduce(0) { $0 + (148..<156 ~= $1 ? 0x20 : Int(header[$1])) }
  }
}
