import Files

/// What can be had of a zip archive whose directory is refused: whatever stands behind a local header, since other readers
/// may be less strict.
struct ZipSalvage {
  let file: MappedFile
  let limits: ReadingLimits

  /// What stands behind one local header, inflated where it has to be and the limits allow.
  struct Member {
    let name: String
    let bytes: TensorBytes
  }

  /// Every member, in the order of the file.
  func members() -> [Member] {
    defer { withExtendedLifetime(file) {} }
    let view = ByteView(bytes: file.bytes)
    let records = Self.records(view, limit: 4 * limits.zipEntries)
    var members: [Member] = []
    for (index, record) in records.enumerated() where record.isLocal {
      guard let method: UInt16 = view.integer(at: record.offset + 8),
        let size: UInt32 = view.integer(at: record.offset + 18),
        let nameLength: UInt16 = view.integer(at: record.offset + 26),
        let extraLength: UInt16 = view.integer(at: record.offset + 28),
        let name = view.slice(at: record.offset + 30, count: Int(nameLength))
      else { continue }
      let start = record.offset + 30 + Int(nameLength) + Int(extraLength)
      // The size may be missing or a lie; then the member goes on to the next record, or the end.
      let isDeclared = size > 0 && size < .max && start <= view.count && Int(size) <= view.count - start
      let next = records[(index + 1)...].first { $0.offset >= start }?.offset ?? view.count
      guard let part = view.slice(at: start, count: isDeclared ? Int(size) : next - start),
        let bytes = method == 8 ? inflated(part) : TensorBytes(part, owner: file)
      else { continue }
      members.append(Member(name: String(decoding: name, as: UTF8.self), bytes: bytes))
    }
    return members
  }

  private func inflated(_ part: UnsafeRawBufferPointer) -> TensorBytes? {
    let (scaled, overflow) = part.count.multipliedReportingOverflow(by: limits.inflationRatio)
    let block = ByteBlock(count: min(limits.inflatedBytes, max(limits.inflationFree, overflow ? .max : scaled)))
    return Inflation.inflate(part, into: block.bytes).map { TensorBytes(block).part(at: 0, count: $0) }
  }

  /// Where records begin: local headers, and what may follow a member's bytes.
  private static func records(_ view: ByteView, limit: Int) -> [(offset: Int, isLocal: Bool)] {
    var records: [(Int, Bool)] = []
    var next = view.nextOffset(of: [0x50, 0x4b], from: 0)
    while let offset = next, records.count < limit {
      switch view.integer(UInt16.self, at: offset + 2) {
      case 0x0403: records.append((offset, true))
      case 0x0201, 0x0807, 0x0605: records.append((offset, false))
      default: break
      }
      next = view.nextOffset(of: [0x50, 0x4b], from: offset + 2)
    }
    return records
  }
}
