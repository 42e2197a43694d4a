// What a movie file's tables claim, held against the file before memory is taken for it, and where they say pictures are.
// Source: ISO/IEC 14496-12, 8.6 and 8.7 (sample tables), 8.7.2 (data references), 8.8.8 (runs); Apple's QuickTime File Format
// Specification, "Compressed movie resources".

import Files

/// The tables of an MP4 or QuickTime file.
struct MovieTables {
  private let path: String
  private let fileBytes: Int
  /// How many samples tables of a kind speak of, all tracks together.
  private var claimed: [String: Int] = [:]
  /// Whether the boxes that are looked at were deflated.
  private var isInflated = false

  /// Refuses tables of more samples than the file can hold, and pictures that are in other files.
  ///
  /// - Throws: `MediaError.undecodableVideo`.
  static func check(_ bytes: UnsafeRawBufferPointer, path: String) throws(MediaError) {
    guard isMovie(bytes) else { return }
    var tables = MovieTables(path: path, fileBytes: bytes.count)
    try tables.check(bytes, 0..<bytes.count, depth: 0)
  }

  private init(path: String, fileBytes: Int) { (self.path, self.fileBytes) = (path, fileBytes) }

  /// Whether a file begins with one of the boxes that FFmpeg's demuxer of movies looks for.
  private static func isMovie(_ bytes: UnsafeRawBufferPointer) -> Bool {
    let kinds: Set = [
      "ftyp", "moov", "mdat", "free", "skip", "wide", "pnot", "udta", "uuid", "moof", "styp", "sidx", "junk",
      "pict", "prfl", "jP  ",
    ]
    return bytes.count >= 8 && kinds.contains(String(decoding: bytes[4..<8], as: UTF8.self))
  }

  /// Boxes that hold boxes, and how many bytes stand before these.
  private static let nested: [String: Int] = [
    "moov": 0, "trak": 0, "mdia": 0, "minf": 0, "stbl": 0, "dinf": 0, "moof": 0, "traf": 0, "cmov": 0,
    "dref": 8,
  ]

  private static let deepest = 12

  private mutating func check(
    _ bytes: UnsafeRawBufferPointer, _ part: Range<Int>, depth: Int
  ) throws(MediaError) {
    guard depth < Self.deepest else { throw refusal("its boxes are nested too deeply") }
    for box in ISOBoxes(in: bytes, part) {
      var reader = BigEndianReader(bytes: bytes, place: box.content.lowerBound, end: box.content.upperBound)
      switch box.kind {
      case let kind where Self.nested[kind] != nil:
        let start = min(box.content.lowerBound + (Self.nested[kind] ?? 0), box.content.upperBound)
        try check(bytes, start..<box.content.upperBound, depth: depth + 1)
      case "cmvd": try checkCompressed(bytes, box.content, depth: depth)
      case "url ", "alis":
        // The lowest flag says that the pictures are in this very file; so does a name without a letter.
        guard let flags = reader.number(4), flags & 1 == 0,
          bytes[reader.place..<box.content.upperBound].contains(where: { $0 != 0 })
        else { continue }
        throw refusal("its pictures are in another file, which is not looked for; give that one")
      case "stsz", "stts", "ctts", "trun":
        guard let count = Self.samples(box.kind, &reader) else { continue }
        let sum = (claimed[box.kind] ?? 0) + count
        claimed[box.kind] = sum
        guard sum <= max(Self.cheapSamples, fileBytes) else {
          throw refusal("its \(box.kind) tables speak of \(sum) samples, in a file of \(fileBytes) bytes")
        }
      default: break
      }
    }
  }

  /// So many are taken for granted, since they cost little.
  private static let cheapSamples = 1 << 19

  private func refusal(_ reason: String) -> MediaError { .undecodableVideo(path: path, reason: reason) }

  /// Tables that are deflated, once: what comes of them is held against the file likewise.
  private mutating func checkCompressed(
    _ bytes: UnsafeRawBufferPointer, _ content: Range<Int>, depth: Int
  ) throws(MediaError) {
    // Each time a byte may become a thousand.
    guard !isInflated else { throw refusal("its compressed header holds another") }
    isInflated = true
    defer { isInflated = false }
    var reader = BigEndianReader(bytes: bytes, place: content.lowerBound, end: content.upperBound)
    // A zlib stream has two bytes before what is deflated.
    guard let length = reader.number(4), length <= 1032 * content.count, content.count > 6 else {
      throw refusal("its compressed header is damaged")
    }
    let deflated = UnsafeRawBufferPointer(rebasing: bytes[content.lowerBound + 6..<content.upperBound])
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: max(length, 1), alignment: 8)
    defer { memory.deallocate() }
    guard let count = Inflation.inflate(deflated, into: memory) else {
      throw refusal("its compressed header is damaged")
    }
    try check(UnsafeRawBufferPointer(memory), 0..<count, depth: depth + 1)
  }

  /// How many samples a table speaks of without an entry for each; nil where each has one, of which the file's end is the end.
  private static func samples(_ kind: String, _ reader: inout BigEndianReader) -> Int? {
    guard reader.number(4) != nil else { return nil }
    if kind == "stsz" {
      guard let size = reader.number(4), size > 0 else { return nil }
      return reader.number(4)
    }
    guard let count = reader.number(4) else { return nil }
    if kind == "trun" { return count }
    // Runs of samples that last alike, each of which says how many they are.
    var sum = 0
    for _ in 0..<min(count, (reader.end - reader.place) / 8) {
      sum += reader.number(4) ?? 0
      reader.place += 4
    }
    return sum
  }
}
