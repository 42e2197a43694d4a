import Files

/// A zip archive being written: stored entries, each whole when it is added, each aligned by padding.
///
/// No time stamps: equal contents give equal bytes.
/// Source: PKWARE APPNOTE 6.3.10, sections 4.3 to 4.5.
struct ZipWriter: ~Copyable {
  private let output: OutputFile
  private var members: [ZipMember] = []
  private var offset = 0

  /// Starts an archive, which replaces whatever stands at `path` only when it is finished.
  init(path: String, durable: Bool = false) throws(FileError) {
    output = try OutputFile(path: path, durable: durable)
  }

  /// Appends an entry. Names must differ, which is not checked here.
  mutating func add(_ name: String, _ bytes: UnsafeRawBufferPointer) throws(FileError) {
    try begin(name, CRC32.checksum(bytes), bytes.count)
    try output.write(bytes)
  }

  /// Appends a part of another file as an entry.
  mutating func add(_ name: String, _ range: Range<Int>, of file: MappedFile) throws(FileError) {
    try begin(name, try file.checksum(of: range), range.count)
    try output.copy(range, of: file)
  }

  /// Writes an entry's header.
  private mutating func begin(_ name: String, _ checksum: UInt32, _ byteCount: Int) throws(FileError) {
    let member = ZipMember(
      name: name, checksum: checksum, size: UInt64(byteCount), headerOffset: UInt64(offset))
    let header = member.localHeader
    try output.write(header)
    members.append(member)
    offset += header.count + byteCount
  }

  /// Appends an entry.
  mutating func add(_ name: String, _ bytes: [UInt8]) throws(FileError) {
    let result = bytes.withUnsafeBytes { raw in Result { () throws(FileError) in try add(name, raw) } }
    try result.get()
  }

  /// Puts other bytes of the same number into the first entry.
  mutating func replaceFirst(_ bytes: [UInt8]) throws(FileError) {
    guard let old = members.first, old.size == UInt64(bytes.count) else {
      preconditionFailure("\(bytes.count) bytes for an entry of \(members.first?.size ?? 0)")
    }
    let member = ZipMember(
      name: old.name, checksum: bytes.withUnsafeBytes { CRC32.checksum($0) }, size: old.size,
      headerOffset: old.headerOffset)
    try output.overwrite(at: Int(old.headerOffset), with: member.localHeader + bytes)
    members[0] = member
  }

  /// Writes the directory and puts the archive in its place.
  consuming func finish() throws(FileError) {
    let directory = members.flatMap(\.directoryRecord)
    try output.write(directory)
    try output.write(
      ZipMember.end(count: UInt64(members.count), size: UInt64(directory.count), offset: UInt64(offset)))
    try output.commit()
  }
}

/// What an archive says about one stored entry. Numbers beyond 32 bits go to a zip64 field.
struct ZipMember {
  let name: String
  let checksum: UInt32
  let size: UInt64
  let headerOffset: UInt64

  /// PyTorch maps storages at multiples of this.
  /// Source: torch/serialization.py, `.storage_alignment`.
  static let alignment: UInt64 = 64
  private static let sentinel: UInt64 = 0xffff_ffff
  /// Names are UTF-8.
  private static let flags: UInt16 = 0x0800

  private var isWide: Bool { size >= Self.sentinel }
  private var narrowSize: UInt32 { UInt32(min(size, Self.sentinel)) }

  /// Header, name and extra fields, up to the data. Padding is an extra field called "FB", as PyTorch writes it.
  var localHeader: [UInt8] {
    var extra: [UInt8] = []
    if isWide { extra += bytes(UInt16(1)) + bytes(UInt16(16)) + bytes(size) + bytes(size) }
    let unpadded = headerOffset + 30 + UInt64(name.utf8.count + extra.count + 4)
    let padding = Int((Self.alignment - unpadded % Self.alignment) % Self.alignment)
    extra += Array("FB".utf8) + bytes(UInt16(padding)) + [UInt8](repeating: UInt8(ascii: "Z"), count: padding)
    return bytes(UInt32(0x0403_4b50)) + common(extra.count) + Array(name.utf8) + extra
  }

  /// The directory's record.
  var directoryRecord: [UInt8] {
    var wide: [UInt64] = isWide ? [size, size] : []
    if headerOffset >= Self.sentinel { wide.append(headerOffset) }
    let values = wide.flatMap { bytes($0) }
    let extra = wide.isEmpty ? [] : bytes(UInt16(1)) + bytes(UInt16(values.count)) + values
    // No comment, first disk, no attributes.
    return bytes(UInt32(0x0201_4b50)) + bytes(Self.version) + common(extra.count)
      + [UInt8](repeating: 0, count: 10) + bytes(UInt32(min(headerOffset, Self.sentinel)))
      + Array(name.utf8) + extra
  }

  /// 4.5: the first version with zip64.
  private static let version: UInt16 = 45

  /// What both headers share: version, flags, method 0, no time, checksum, sizes, lengths.
  private func common(_ extraCount: Int) -> [UInt8] {
    bytes(Self.version) + bytes(Self.flags) + bytes(UInt16(0)) + bytes(UInt32(0)) + bytes(checksum)
      + bytes(narrowSize) + bytes(narrowSize) + bytes(UInt16(name.utf8.count)) + bytes(UInt16(extraCount))
  }

  /// The records behind a directory of so many entries and bytes.
  static func end(count: UInt64, size: UInt64, offset: UInt64) -> [UInt8] {
    var records: [UInt8] = []
    if count >= 0xffff || size >= sentinel || offset >= sentinel {
      records += bytes(UInt32(0x0606_4b50)) + bytes(UInt64(44)) + bytes(version) + bytes(version)
      records += bytes(UInt64(0)) + bytes(count) + bytes(count) + bytes(size) + bytes(offset)
      records += bytes(UInt32(0x0706_4b50)) + bytes(UInt32(0)) + bytes(offset + size) + bytes(UInt32(1))
    }
    let narrowCount = UInt16(min(count, 0xffff))
    records += bytes(UInt32(0x0605_4b50)) + bytes(UInt32(0)) + bytes(narrowCount) + bytes(narrowCount)
    records += bytes(UInt32(min(size, sentinel))) + bytes(UInt32(min(offset, sentinel))) + bytes(UInt16(0))
    return records
  }
}

/// A number's bytes, little-endian.
private func bytes(_ number: some FixedWidthInteger) -> [UInt8] {
  withUnsafeBytes(of: number.littleEndian) { Array($0) }
}
