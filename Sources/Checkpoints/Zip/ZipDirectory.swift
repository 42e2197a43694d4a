import Files

/// The table of contents of a zip archive, cross-checked so that no two readers could see different files.
/// Source: PKWARE APPNOTE 6.3.10, sections 4.3 to 4.5.
struct ZipDirectory: Sendable {
  /// In the directory's own order, which is libzip's numbering.
  let entries: [ZipEntry]
  private let numbers: [String: Int]

  /// The entry of that name.
  subscript(name: String) -> ZipEntry? { numbers[name].map { entries[$0] } }

  /// The SHA-256 of a line per entry, `<name>\t<bytes>\t<CRC-32 in 8 lower-case hexadecimal digits>\n`, by name.
  var digest: String {
    var sum = SHA256()
    for entry in entries.sorted(by: { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }) {
      let digits = String(entry.checksum, radix: 16)
      let padded = String(repeating: "0", count: 8 - digits.count) + digits
      Array("\(entry.name)\t\(entry.size)\t\(padded)\n".utf8).withUnsafeBytes { sum.update($0) }
    }
    return sum.finish()
  }

  /// Reads the directory at the end of `bytes`.
  init(_ bytes: UnsafeRawBufferPointer, limits: ReadingLimits, plainNames: Bool = true) throws(ZipError) {
    let view = ByteView(bytes: bytes)
    let end = try ZipEnd(view)
    guard end.entryCount <= UInt64(limits.zipEntries) else {
      throw .tooManyEntries(found: end.entryCount, limit: limits.zipEntries)
    }
    var entries: [ZipEntry] = []
    var numbers: [String: Int] = [:]
    var offset = end.directoryOffset
    while offset < end.directoryEnd {
      let record = try ZipCentralRecord(view, at: offset, end: end.directoryEnd, plainNames: plainNames)
      guard numbers.updateValue(entries.count, forKey: record.name) == nil else {
        throw .duplicateName(record.name)
      }
      guard entries.count < limits.zipEntries else {
        throw .tooManyEntries(found: UInt64(entries.count) + 1, limit: limits.zipEntries)
      }
      entries.append(try record.entry(number: entries.count, in: view, dataEnd: end.directoryOffset))
      offset = record.end
    }
    guard entries.count == Int(end.entryCount) else {
      throw .entryCount(expected: Int(end.entryCount), found: entries.count)
    }
    self.entries = entries
    self.numbers = numbers
    try checkLayout(view, dataEnd: end.directoryOffset)
  }

  /// Every byte before the directory belongs to exactly one entry.
  private func checkLayout(_ view: ByteView, dataEnd: Int) throws(ZipError) {
    let order = entries.sorted { $0.headerOffset < $1.headerOffset }
    var previous: ZipEntry?
    for entry in order {
      if let previous, previous.dataEnd > entry.headerOffset { throw .overlap(previous.name, entry.name) }
      try Self.checkGap(after: previous, upTo: entry.headerOffset, view)
      previous = entry
    }
    try Self.checkGap(after: previous, upTo: dataEnd, view)
  }

  /// Between two entries there is nothing, or the first one's data descriptor.
  private static func checkGap(after entry: ZipEntry?, upTo end: Int, _ view: ByteView) throws(ZipError) {
    let start = entry?.dataEnd ?? 0
    guard end > start else { return }
    guard let entry, entry.hasDescriptor else { throw .hiddenBytes(offset: start, byteCount: end - start) }
    let signed = view.integer(UInt32.self, at: start) == 0x0807_4b50 && (end - start) % 8 == 0
    let checksum = start + (signed ? 4 : 0)
    let wide: Bool
    switch end - checksum {
    case 12: wide = false
    case 20: wide = true
    default: throw .hiddenBytes(offset: start, byteCount: end - start)
    }
    func size(_ index: Int) -> UInt64? {
      wide
        ? view.integer(UInt64.self, at: checksum + 4 + 8 * index)
        : view.integer(UInt32.self, at: checksum + 4 + 4 * index).map(UInt64.init)
    }
    let found = [
      ("checksum", UInt64(entry.checksum), view.integer(UInt32.self, at: checksum).map(UInt64.init)),
      ("compressed size", UInt64(entry.compressedSize), size(0)),
      ("size", UInt64(entry.size), size(1)),
    ]
    for (field, central, local) in found where local != central {
      throw .headerMismatch(name: entry.name, field: field, central: central, local: local ?? 0)
    }
  }
}

/// One file inside a zip archive.
package struct ZipEntry: Sendable {
  let number: Int
  package let name: String
  let isDeflated: Bool
  let hasDescriptor: Bool
  let checksum: UInt32
  /// Bytes in the archive.
  let compressedSize: Int
  /// Bytes when inflated.
  package let size: Int
  let headerOffset: Int
  let dataOffset: Int

  var dataEnd: Int { dataOffset + compressedSize }
}

/// The end-of-central-directory record with its zip64 extension.
private struct ZipEnd {
  let entryCount: UInt64
  let directoryOffset: Int
  let directoryEnd: Int

  init(_ view: ByteView) throws(ZipError) {
    let end = view.count - 22
    guard view.integer(UInt32.self, at: end) == 0x0605_4b50, view.integer(UInt16.self, at: end + 20) == 0 else {
      throw Self.misplaced(view)
    }
    func short(_ at: Int) -> UInt64 { UInt64(view.integer(UInt16.self, at: end + at) ?? 0) }
    func word(_ at: Int) -> UInt64 { UInt64(view.integer(UInt32.self, at: end + at) ?? 0) }
    var count = short(10)
    var size = word(12)
    var offset = word(16)
    guard short(4) == 0, short(6) == 0, short(8) == count else { throw .multiDisk }
    var stop = end
    if view.integer(UInt32.self, at: end - 20) == 0x0706_4b50 {
      let wide = try Zip64End(view, locator: end - 20)
      for (field, narrow, sentinel, value) in [
        ("entry count", count, 0xffff, wide.entryCount), ("directory size", size, 0xffff_ffff, wide.size),
        ("directory offset", offset, 0xffff_ffff, wide.offset),
      ] where narrow != sentinel && narrow != value {
        throw .zip64(field: field, expected: narrow, found: value)
      }
      (count, size, offset, stop) = (wide.entryCount, wide.size, wide.offset, wide.start)
    } else if count == 0xffff || size == 0xffff_ffff || offset == 0xffff_ffff {
      throw .zip64(field: "record count", expected: 1, found: 0)
    }
    let (sum, overflow) = offset.addingReportingOverflow(size)
    guard !overflow, sum <= UInt64(stop) else {
      throw .directoryOutside(offset: offset, size: size, end: UInt64(stop))
    }
    guard sum == UInt64(stop) else { throw .hiddenBytes(offset: Int(sum), byteCount: stop - Int(sum)) }
    entryCount = count
    directoryOffset = Int(offset)
    directoryEnd = stop
  }

  /// Says why the record is not where it must be: bytes behind it, or no record at all.
  private static func misplaced(_ view: ByteView) -> ZipError {
    let earliest = max(0, view.count - 22 - Int(UInt16.max))
    for offset in stride(from: view.count - 22, through: earliest, by: -1)
    where view.integer(UInt32.self, at: offset) == 0x0605_4b50 {
      return .trailingData(byteCount: view.count - offset - 22)
    }
    return .noDirectory
  }
}

/// The zip64 end-of-central-directory record, found through its locator.
private struct Zip64End {
  let start: Int
  let entryCount: UInt64
  let size: UInt64
  let offset: UInt64

  init(_ view: ByteView, locator: Int) throws(ZipError) {
    // The record has no extensible data, so it stands in the 56 bytes before its locator.
    start = locator - 56
    let declared = view.integer(UInt64.self, at: locator + 8) ?? 0
    guard start >= 0, declared == UInt64(start) else {
      throw .zip64(field: "record offset", expected: UInt64(max(0, start)), found: declared)
    }
    let signature = view.integer(UInt32.self, at: start)
    guard signature == 0x0606_4b50 else {
      throw .signature(record: "zip64 end record", offset: start, found: signature)
    }
    let length = view.integer(UInt64.self, at: start + 4) ?? 0
    guard length == 44 else { throw .zip64(field: "record length", expected: 44, found: length) }
    entryCount = view.integer(at: start + 32) ?? 0
    size = view.integer(at: start + 40) ?? 0
    offset = view.integer(at: start + 48) ?? 0
    guard view.integer(UInt32.self, at: start + 16) == 0, view.integer(UInt32.self, at: start + 20) == 0,
      view.integer(UInt64.self, at: start + 24) == entryCount
    else { throw .multiDisk }
  }
}
