// Files of hardly any bytes that speak of many pixels or samples.
import Foundation
import Masks
@testable import Media
import Testing

@Suite struct ClaimTests {
  private static func big(_ number: Int, _ bytes: Int = 4) -> [UInt8] {
    (0..<bytes).map { UInt8(truncatingIfNeeded: number >> (8 * (bytes - 1 - $0))) }
  }

  private static func little(_ number: Int, _ bytes: Int = 4) -> [UInt8] { big(number, bytes).reversed() }

  private static func bytes(_ parts: [UInt8]...) -> [UInt8] { parts.flatMap(\.self) }

  private static func text(_ text: String) -> [UInt8] { Array(text.utf8) }

  private static func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }

  private static func png(_ side: Int, bits: UInt8, colours: UInt8) -> [UInt8] {
    func chunk(_ kind: String, _ content: [UInt8]) -> [UInt8] {
      let body = text(kind) + content
      var sum: UInt32 = 0xFFFF_FFFF
      for byte in body {
        sum ^= UInt32(byte)
        for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0xEDB8_8320 : sum >> 1 }
      }
      return bytes(big(content.count), body, big(Int(~sum)))
    }
    return bytes(
      [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A],
      chunk("IHDR", bytes(big(side), big(side), [bits, colours, 0, 0, 0])),
      chunk("IDAT", [0x78, 0x9C, 0x63, 0, 0, 0, 1, 0, 1]), chunk("IEND", []))
  }

  private static func jpeg(_ side: Int, marker: UInt8) -> [UInt8] {
    bytes(
      [0xFF, 0xD8, 0xFF, 0xDB, 0, 67, 0], [UInt8](repeating: 1, count: 64), [0xFF, marker, 0, 11, 8],
      big(side, 2), big(side, 2), [1, 1, 0x11, 0, 0xFF, 0xC4, 0, 20, 0, 1], zeros(16),
      [0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0, 0, 0, 0xFF, 0xD9])
  }

  private static func webp(_ side: Int) -> [UInt8] {
    bytes(
      text("RIFF"), little(24), text("WEBPVP8L"), little(12), [0x2F], little((side - 1) | (side - 1) << 14),
      zeros(7))
  }

  private static func tiff(_ side: Int) -> [UInt8] {
    let fields = [
      [256, 4, side], [257, 4, side], [258, 3, 8], [259, 3, 8], [262, 3, 1], [273, 4, 8], [278, 4, side],
      [279, 4, 100],
    ]
    let entries = fields.flatMap { bytes(little($0[0], 2), little($0[1], 2), little(1), little($0[2])) }
    return bytes(text("II*\0"), little(8), little(fields.count, 2), entries, little(0))
  }

  private static func bmp(_ side: Int) -> [UInt8] {
    bytes(
      text("BM"), little(60), little(0), little(58), little(40), little(side), little(side), little(1, 2),
      little(8, 2), little(1), zeros(26))
  }

  private static func gif(_ side: Int) -> [UInt8] {
    let size = little(side, 2)
    return bytes(
      text("GIF89a"), size, size, [0x80, 0, 0, 0, 0, 0, 255, 255, 255, 0x2C], little(0), size, size,
      [0, 2, 1, 0x44, 0, 0x3B])
  }

  private static func codestream(_ side: Int) -> [UInt8] {
    bytes(
      [0xFF, 0x4F, 0xFF, 0x51, 0, 41, 0, 0], big(side), big(side), big(0), big(0), big(side), big(side), big(0),
      big(0), [0, 1, 7, 1, 1, 0xFF, 0x52, 0, 12])
  }

  /// Of each kind a file that claims so many pixels a side.
  private static func claims(_ side: Int) -> [(name: String, bytes: [UInt8])] {
    [
      ("grey.png", png(side, bits: 8, colours: 0)), ("bits.png", png(side, bits: 1, colours: 0)),
      ("deep.png", png(side, bits: 16, colours: 6)), ("palette.png", png(side, bits: 8, colours: 3)),
      ("baseline.jpg", jpeg(side, marker: 0xC0)), ("progressive.jpg", jpeg(side, marker: 0xC2)),
      ("arithmetic.jpg", jpeg(side, marker: 0xC9)), ("lossless.webp", webp(side)), ("grey.tif", tiff(side)),
      ("binary.ppm", text("P6 \(side) \(side) 255\n")), ("text.pbm", text("P1\n#\n\(side)\n\(side)\n")),
      ("runs.bmp", bmp(side)), ("blank.gif", gif(side)), ("blank.j2k", codestream(side)),
    ]
  }

  @Test(arguments: [16384, 12000]) func picturesThatHaveNoBytesForTheirPixelsAreRefused(side: Int) throws {
    let folder = try TemporaryFolder()
    for (name, bytes) in Self.claims(side) {
      let path = try folder.write(Data(bytes), name)
      let refusal = MediaError.emptyClaim(path: path, width: side, height: side, bytes: bytes.count)
      for range in [SampleRange.pillow, .automatic] {
        #expect(throws: refusal, "\(name)") { try Picture.read(path: path, range: range) }
      }
      #expect(throws: refusal, "\(name)") { try MaskFile.read(path: path) }
      // A folder's frames are of one kind.
      let frames = try TemporaryFolder()
      let frame = try frames.write(Data(bytes), name)
      #expect(throws: MediaError.emptyClaim(path: frame, width: side, height: side, bytes: bytes.count)) {
        try openFrameSource(path: frames.url.path)
      }
    }
    let path = folder.path("grey.png")
    #expect(throws: MediaError.self) { try LabelRaster.read(path: path) }
    #expect(
      "\(MediaError.emptyClaim(path: "x.png", width: 5, height: 6, bytes: 7))"
        == "x.png: expected a file as large as 5 × 6 pixels take at least, found 7 bytes; if it is whole, make the "
        + "picture smaller")
  }

  /// A black picture: five codes of one symbol each, which take no bits. `count` bytes in all.
  private static func blankWebP(_ width: Int, _ height: Int, count: Int) -> [UInt8] {
    bytes(
      text("RIFF"), little(count - 8), text("WEBPVP8L"), little(count - 20), [0x2F],
      little((width - 1) | (height - 1) << 14), [0x88, 0x88, 0x08], zeros(count - 28))
  }

  /// 2²⁷ bytes are taken for granted, 12 for a pixel: 11,184,810 pixels, which are 3315 × 3374. Beyond, a byte stands for
  /// 8,192 pixels: 3345 × 3345 are 11,189,025, and take 1,366 bytes.
  @Test func aWebPIsTakenAtItsWordUpToItsBound() throws {
    func decode(_ bytes: [UInt8]) throws -> WebPDecoder.Decoded {
      try bytes.withUnsafeBytes { try WebPDecoder.decode($0, path: "blank.webp") }
    }
    for (width, height, count) in [(3315, 3374, 32), (3344, 3344, 32), (3345, 3345, 1366)] {
      let decoded = try decode(Self.blankWebP(width, height, count: count))
      #expect((decoded.width, decoded.height) == (width, height))
      #expect(decoded.rgba.count == 4 * width * height)
    }
    for (width, height, count) in [(2761, 4051, 32), (3345, 3345, 32), (3345, 3345, 1364)] {
      #expect(
        throws: MediaError.emptyClaim(path: "blank.webp", width: width, height: height, bytes: count)
      ) {
        try decode(Self.blankWebP(width, height, count: count))
      }
    }
  }

  /// What is blank has few bytes, and is read.
  @Test func blankPicturesAreRead() throws {
    let folder = try TemporaryFolder()
    let side = 3000
    try Picture(width: side, height: side, pixels: [UInt8](repeating: 0, count: 3 * side * side))
      .write(path: folder.path("blank.png"))
    #expect(try Picture.read(path: folder.path("blank.png")).pixels.count == 3 * side * side)
  }

  /// A clip whose table of durations speaks of other numbers than it has samples.
  private func clip(_ table: String, _ place: Int, _ number: Int) throws -> Data {
    var data = try Data(contentsOf: URL(filePath: videoFixture("plain.mp4")))
    let start = try #require(data.range(of: Data(table.utf8))).upperBound + place
    data.replaceSubrange(start..<start + 4, with: Self.big(number))
    return data
  }

  @Test(arguments: [("stsz", 4, 1), ("stts", 8, 50_000_000)])
  func tablesOfMoreSamplesThanBytesAreRefused(table: String, place: Int, number: Int) throws {
    let folder = try TemporaryFolder()
    var data = try clip(table, place, number)
    if table == "stsz" {
      let start = try #require(data.range(of: Data("stsz".utf8))).upperBound + 8
      data.replaceSubrange(start..<start + 4, with: Self.big(50_000_000))
    }
    let path = try folder.write(data, "claims.mp4")
    let reason = "its \(table) tables speak of 50000000 samples, in a file of \(data.count) bytes"
    #expect(throws: MediaError.undecodableVideo(path: path, reason: reason)) { try openFrameSource(path: path) }
  }

  /// Runs of fragments need no bytes for a sample; each speaks of few enough.
  @Test func manyRunsAreCountedTogether() throws {
    let folder = try TemporaryFolder()
    let runs = (0..<200).flatMap { _ in Self.big(16) + Array("trun".utf8) + Self.big(0) + Self.big(500_000) }
    let fragment =
      Self.big(16 + runs.count) + Array("moof".utf8) + Self.big(8 + runs.count) + Array("traf".utf8) + runs
    let whole = try Data(contentsOf: URL(filePath: videoFixture("plain.mp4")))
    let path = try folder.write(whole + Data(fragment), "runs.mp4")
    #expect {
      try openFrameSource(path: path)
    } throws: {
      if case MediaError.undecodableVideo(path, let reason) = $0 {
        reason.hasPrefix("its trun tables speak of 1000000 samples")
      } else {
        false
      }
    }
    #expect(try openFrameSource(path: folder.write(whole, "whole.mp4")).count == 8)
  }

  /// The corner pixel of a picture of four thousand million a side, in tiles of one pixel: 2^64 of them, less some.
  @Test func tilesThatCantBeCountedAreRefused() throws {
    let far = 0xFFFF_FFFF
    let bytes = Self.bytes(
      [0xFF, 0x4F, 0xFF, 0x51, 0, 41, 0, 0], Self.big(far), Self.big(far), Self.big(far - 1), Self.big(far - 1),
      Self.big(1), Self.big(1), Self.big(0), Self.big(0), [0, 1, 7, 1, 1, 0xFF, 0x52, 0, 12])
    let folder = try TemporaryFolder()
    let path = try folder.write(Data(bytes), "tiles.j2k")
    #expect(
      throws: MediaError.corrupt(path: path, reason: "the JPEG 2000 file has no header that can be read")
    ) { try Picture.read(path: path) }
  }

  private static func box(_ kind: String, _ content: [UInt8]) -> [UInt8] {
    bytes(big(8 + content.count), text(kind), content)
  }

  /// A header of a movie that is deflated, by storing it.
  private static func compressed(_ header: [UInt8]) -> [UInt8] {
    let count = little(header.count, 2)
    let stream = bytes([0x78, 0x01, 0x01], count, count.map { ~$0 }, header, zeros(4))
    return box("moov", box("cmov", box("cmvd", bytes(big(header.count), stream))))
  }

  /// Deflated again and again, a thousandth of a thousandth would do for gigabytes.
  @Test func headersAreInflatedOnce() throws {
    let header = Self.box("moov", Self.box("trak", []))
    func refusal(_ bytes: [UInt8]) -> MediaError? {
      bytes.withUnsafeBytes { (bytes) -> MediaError? in
        do throws(MediaError) { try MovieTables.check(bytes, path: "x.mov") } catch { return error }
        return nil
      }
    }
    #expect(refusal(Self.compressed(header)) == nil)
    #expect(refusal(Self.compressed(header) + Self.compressed(header)) == nil)
    #expect(
      refusal(Self.compressed(Self.compressed(header)))
        == .undecodableVideo(path: "x.mov", reason: "its compressed header holds another"))
  }
}
