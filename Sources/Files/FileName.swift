// File names are bytes, of whatever encoding, where Swift's text is Unicode. Bytes that are no UTF-8 are carried in text as
// characters of their own, in a range of private use, and come out as the bytes that they were.

extension String {
  /// The character that stands for byte 0x80; the others follow it.
  private static let firstEscape: UInt32 = 0xEF80

  /// A file's name out of its bytes. Bytes that are no UTF-8, and those of characters that would be taken for such a byte,
  /// become U+EF80 to U+EFFF, so that every name has a text of its own.
  package init(fileName bytes: some Collection<UInt8>) {
    if let text = String(validating: bytes, as: UTF8.self),
      !text.unicodeScalars.contains(where: \.isFileNameByte)
    {
      self = text
      return
    }
    var scalars = String.UnicodeScalarView()
    var rest = Array(bytes)[...]
    while let first = rest.first {
      let length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
      let next = String(validating: rest.prefix(length), as: UTF8.self)?.unicodeScalars
      if let scalar = next?.first, next?.count == 1, !scalar.isFileNameByte {
        scalars.append(scalar)
        rest = rest.dropFirst(length)
      } else {
        if let escape = Unicode.Scalar(Self.firstEscape + UInt32(first & 0x7F)) { scalars.append(escape) }
        rest = rest.dropFirst()
      }
    }
    self = String(scalars)
  }

  /// The bytes of a file's name.
  package var fileName: [UInt8] {
    guard unicodeScalars.contains(where: \.isFileNameByte) else { return Array(utf8) }
    return unicodeScalars.flatMap { scalar -> [UInt8] in
      scalar.isFileNameByte ? [UInt8(scalar.value - Self.firstEscape) | 0x80] : Array(scalar.utf8)
    }
  }

  /// Calls `body` with a file's name as the system takes it.
  package func withFileName<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
    body(fileName.map { CChar(bitPattern: $0) } + [0])
  }
}

extension Unicode.Scalar {
  /// Whether it stands for a byte of a file's name that is no UTF-8.
  var isFileNameByte: Bool { (0xEF80...0xEFFF).contains(value) }

  fileprivate var utf8: String.UTF8View { String(self).utf8 }
}
