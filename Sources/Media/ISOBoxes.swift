// The boxes that MP4, AVIF and JPEG 2000 files are made of, and the numbers in them.
// Source: ISO/IEC 14496-12, 4.2; ITU-T T.800, I.4.

/// A box: what it is called, and where its content lies.
struct ISOBox {
  let kind: String
  let content: Range<Int>
}

/// The boxes of a part of a file one after another, as far as they can be read.
struct ISOBoxes: Sequence, IteratorProtocol {
  private let bytes: UnsafeRawBufferPointer
  private var place: Int
  private let end: Int

  init(in bytes: UnsafeRawBufferPointer, _ part: Range<Int>) {
    (self.bytes, place, end) = (bytes, part.lowerBound, part.upperBound)
  }

  mutating func next() -> ISOBox? {
    var reader = BigEndianReader(bytes: bytes, place: place, end: end)
    guard var length = reader.number(4), end - reader.place >= 4 else { return nil }
    let kind = String(decoding: bytes[reader.place..<reader.place + 4], as: UTF8.self)
    reader.place += 4
    if length == 1 {
      guard let longer = reader.number(8) else { return nil }
      length = longer
    }
    // The last may leave its length open, and in a file that was cut off it is longer than what there is.
    let stop = length == 0 ? end : Swift.min(end, place.addingReportingOverflow(length).partialValue)
    guard stop >= reader.place else { return nil }
    place = stop
    return ISOBox(kind: kind, content: reader.place..<stop)
  }
}

/// Reads numbers, the highest byte first, one after another.
struct BigEndianReader {
  let bytes: UnsafeRawBufferPointer
  var place: Int
  /// Where to stop.
  let end: Int

  init(bytes: UnsafeRawBufferPointer, place: Int, end: Int? = nil) {
    (self.bytes, self.place, self.end) = (bytes, place, end ?? bytes.count)
  }

  /// The next number of so many bytes; nil where there are fewer, or it is larger than any of ours.
  mutating func number(_ count: Int) -> Int? {
    guard place >= 0, count <= end - place else { return nil }
    let value = bytes[place..<place + count].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    place += count
    return Int(exactly: value)
  }
}
