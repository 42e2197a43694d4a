/// One record of the central directory, and the local header it must agree with.
/// Source: PKWARE APPNOTE 6.3.10, sections 4.3.7, 4.3.12 and 4.5.3.
struct ZipCentralRecord {
  let name: String
  /// Where the next record begins.
  let end: Int
  private let flags: UInt16
  private let method: UInt16
  private let checksum: UInt32
  private let compressedSize: UInt64
  private let size: UInt64
  private let headerOffset: UInt64
  private let plainNames: Bool

  /// Encryption, strong encryption and masked headers: bits 0, 6 and 13.
  private static let encryption: UInt16 = 0x2041
  private static let descriptor: UInt16 = 0x0008

  init(
    _ view: ByteView, at offset: Int, end directoryEnd: Int, plainNames: Bool
  ) throws(ZipError) {
    self.plainNames = plainNames
    let signature = view.integer(UInt32.self, at: offset)
    guard signature == 0x0201_4b50, directoryEnd - offset >= 46 else {
      throw .signature(record: "directory record", offset: offset, found: signature)
    }
    func short(_ at: Int) -> UInt16 { view.integer(at: offset + at) ?? 0 }
    func word(_ at: Int) -> UInt64 { UInt64(view.integer(UInt32.self, at: offset + at) ?? 0) }
    let (nameLength, extraLength, commentLength) = (Int(short(28)), Int(short(30)), Int(short(32)))
    end = offset + 46 + nameLength + extraLength + commentLength
    guard end <= directoryEnd else {
      throw .directoryOutside(offset: UInt64(offset), size: UInt64(end - offset), end: UInt64(directoryEnd))
    }
    name = try zipName(view, at: offset + 46, count: nameLength, plain: plainNames)
    flags = short(8)
    method = short(10)
    checksum = UInt32(word(16))
    var wide = try Zip64Values(view, at: offset + 46 + nameLength, count: extraLength)
    size = wide.widened(word(24))
    compressedSize = wide.widened(word(20))
    headerOffset = wide.widened(word(42))
    guard wide.count == wide.needed else {
      throw .zip64(field: "value count of '\(name)'", expected: UInt64(wide.needed), found: UInt64(wide.count))
    }
    guard short(34) == 0 else { throw .multiDisk }
  }

  /// The entry, once its local header agrees and its data lie before the directory.
  func entry(number: Int, in view: ByteView, dataEnd: Int) throws(ZipError) -> ZipEntry {
    guard flags & Self.encryption == 0 else { throw .encrypted(name: name) }
    guard method == 0 || method == 8 else { throw .method(name: name, found: Int(method)) }
    let outside = ZipError.entryOutside(name: name, offset: headerOffset, size: compressedSize, end: dataEnd)
    guard let header = Int(exactly: headerOffset), header <= dataEnd, dataEnd - header >= 30,
      let compressed = Int(exactly: compressedSize), let inflated = Int(exactly: size)
    else { throw outside }
    let signature = view.integer(UInt32.self, at: header)
    guard signature == 0x0403_4b50 else {
      throw .signature(record: "local header of '\(name)'", offset: header, found: signature)
    }
    func short(_ at: Int) -> UInt16 { view.integer(at: header + at) ?? 0 }
    let (nameLength, extraLength) = (Int(short(26)), Int(short(28)))
    let data = header + 30 + nameLength + extraLength
    guard data <= dataEnd, compressed <= dataEnd - data else { throw outside }
    guard view.has(name, at: header + 30), nameLength == name.utf8.count else {
      throw .nameMismatch(
        central: name, local: try zipName(view, at: header + 30, count: nameLength, plain: plainNames))
    }
    guard short(6) & Self.encryption == 0 else { throw .encrypted(name: name) }
    try compareLocal(view, header: header, extra: data - extraLength, extraLength: extraLength)
    if method == 0, compressed != inflated {
      throw .storedSize(name: name, compressed: compressed, uncompressed: inflated)
    }
    return ZipEntry(
      number: number, name: name, isDeflated: method == 8, hasDescriptor: flags & Self.descriptor != 0,
      checksum: checksum, compressedSize: compressed, size: inflated, headerOffset: header, dataOffset: data)
  }

  /// The local header repeats the directory; with a data descriptor its checksum and sizes may be zero.
  private func compareLocal(
    _ view: ByteView, header: Int, extra: Int, extraLength: Int
  ) throws(ZipError) {
    func short(_ at: Int) -> UInt64 { UInt64(view.integer(UInt16.self, at: header + at) ?? 0) }
    func word(_ at: Int) -> UInt64 { UInt64(view.integer(UInt32.self, at: header + at) ?? 0) }
    func compare(_ field: String, _ central: UInt64, _ local: UInt64, inDescriptor: Bool = false)
      throws(ZipError)
    {
      if central == local || inDescriptor && local == 0 && flags & Self.descriptor != 0 { return }
      throw .headerMismatch(name: name, field: field, central: central, local: local)
    }
    var wide = try Zip64Values(view, at: extra, count: extraLength)
    let localSize = wide.widened(word(22))
    try compare("flags", UInt64(flags), short(6))
    try compare("compression method", UInt64(method), short(8))
    try compare("checksum", UInt64(checksum), word(14), inDescriptor: true)
    try compare("size", size, localSize, inDescriptor: true)
    try compare("compressed size", compressedSize, wide.widened(word(18)), inDescriptor: true)
  }
}

/// A plain relative path; anything that a file system could take elsewhere is refused, unless names are no paths.
private func zipName(
  _ view: ByteView, at offset: Int, count: Int, plain: Bool
) throws(ZipError) -> String {
  let bytes = view.slice(at: offset, count: count) ?? UnsafeRawBufferPointer(start: nil, count: 0)
  guard let name = String(validating: bytes, as: UTF8.self), !hasOddities(bytes), !plain || isPlainPath(bytes)
  else {
    throw .unsafeName(String(decoding: bytes, as: UTF8.self))
  }
  return name
}

/// Whether there are control characters or backslashes in a name.
private func hasOddities(_ name: UnsafeRawBufferPointer) -> Bool {
  name.contains { $0 < 0x20 || $0 == UInt8(ascii: "\\") || $0 == 0x7f }
}

/// Whether a name has parts between slashes, none of which is empty, `.` or `..`, and no drive's letter before them.
private func isPlainPath(_ name: UnsafeRawBufferPointer) -> Bool {
  guard name.count < 2 || name[1] != UInt8(ascii: ":") else { return false }
  var start = 0
  for end in 0...name.count where end == name.count || name[end] == UInt8(ascii: "/") {
    switch end - start {
    case 0: return false
    case 1 where name[start] == UInt8(ascii: "."): return false
    case 2 where name[start] == UInt8(ascii: ".") && name[start + 1] == UInt8(ascii: "."): return false
    default: start = end + 1
    }
  }
  return true
}

/// The numbers in the zip64 extra field (id 1): they stand, in order, for those of a record that are all ones.
private struct Zip64Values {
  private var values: [UInt64] = []
  /// How many were asked for.
  private(set) var needed = 0

  private static let sentinel: UInt64 = 0xffff_ffff

  var count: Int { values.count }

  /// The number itself, or the next one of the field where it is all ones and there is one.
  mutating func widened(_ number: UInt64) -> UInt64 {
    guard number == Self.sentinel else { return number }
    defer { needed += 1 }
    return needed < values.count ? values[needed] : number
  }

  init(_ view: ByteView, at start: Int, count: Int) throws(ZipError) {
    var offset = start
    let end = start + count
    var isThere = false
    while end - offset >= 4 {
      let id = view.integer(UInt16.self, at: offset) ?? 0
      let length = Int(view.integer(UInt16.self, at: offset + 2) ?? 0)
      guard length <= end - offset - 4 else {
        throw .zip64(field: "extra field length", expected: UInt64(end - offset - 4), found: UInt64(length))
      }
      if id == 1 {
        guard !isThere else { throw .zip64(field: "extra field count", expected: 1, found: 2) }
        values = (0..<length / 8).compactMap { view.integer(at: offset + 4 + 8 * $0) }
        isThere = true
      }
      offset += 4 + length
    }
  }
}
