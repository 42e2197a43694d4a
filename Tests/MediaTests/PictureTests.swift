import Files
import Foundation
import Media
import Testing

@Suite struct PictureTests {
  @Test func fixturesAreThere() {
    #expect(PictureFixtures.recorded.count == 54)
  }

  @Test(arguments: PictureFixtures.recorded)
  func pixelsAreThoseOfPillow(_ entry: PictureFixtures.Entry) throws {
    let folder = try TemporaryFolder()
    let picture = try Picture.read(path: folder.write(entry.file, entry.name))
    #expect(picture.width == entry.width)
    #expect(picture.height == entry.height)
    #expect(picture.pixels.withUnsafeBytes { SHA256.hex(of: $0) } == entry.sha256)
  }

  @Test(arguments: [
    ("420.jpg", []),
    ("grey.jpg", ["greyscale repeated as RGB"]),
    ("cmyk.jpg", ["CMYK converted to RGB without its colour profile"]),
    ("orientation6.jpg", ["EXIF orientation 6 ignored, as Pillow's convert does"]),
    ("rgb8.png", []),
    ("rgb8-alpha.png", ["alpha dropped"]),
    ("rgb8-transparent.png", ["transparency dropped"]),
    ("rgb16.png", ["16-bit samples cut to their upper 8 bits, as Pillow does"]),
    (
      "grey16.png",
      [
        "16-bit greyscale clipped to 0...255, as Pillow's convert does: samples above are all white; "
          + "--range auto or --range BLACK,WHITE shows what is there"
      ]
    ),
    ("palette4.png", ["palette of 4 bits expanded to RGB"]),
  ])
  func notesSayWhatWasConverted(_ name: String, _ notes: [String]) throws {
    let folder = try TemporaryFolder()
    let picture = try Picture.read(path: folder.write(PictureFixtures.named(name).file, name))
    #expect(picture.notes == notes)
  }

  /// 8 bits have no range.
  @Test(arguments: ["420.jpg", "rgb8.png", "palette4.png"])
  func aRangeOfEightBitsIsSaidToDoNothing(_ name: String) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(PictureFixtures.named(name).file, name)
    let plain = try Picture.read(path: path)
    let asked = try Picture.read(path: path, range: .fixed(black: 0, white: 99))
    #expect(asked.pixels == plain.pixels)
    #expect(asked.notes == plain.notes + ["8 bits per sample, to which --range does nothing"])
  }

  @Test func kindIsToldByContentNotName() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(PictureFixtures.named("rgb8.png").file, "misnamed.jpg")
    #expect(try Picture.read(path: path).width == 13)
  }

  @Test func missingFileIsNamed() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("nothing.png")
    #expect(throws: MediaError.file(.unreadable(path: path, reason: "No such file or directory"))) {
      try Picture.read(path: path)
    }
  }

  @Test(arguments: [
    (Data(), "an empty file"),
    (Data("\0\0\0\u{18}ftypheic\0\0\0\0".utf8), "a HEIC picture; save it as PNG"),
    (Data("\0\0\0\u{18}ftypisom\0\0\0\0".utf8), "an ISO media file (HEIC, AVIF or MP4)"),
    (Data([1, 2, 3, 0xFE]), "a file that begins with the bytes 01 02 03 fe"),
  ])
  func otherKindsAreRefusedByWhatTheyAre(_ content: Data, _ found: String) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(content, "file.jpg")
    #expect(throws: MediaError.unsupportedKind(path: path, found: found)) { try Picture.read(path: path) }
  }

  /// Pillow refuses all of these too: "image file is truncated".
  @Test(arguments: [
    "420.jpg", "420-progressive.jpg", "cmyk.jpg", "rgb8.png", "grey16.png", "rgb8-interlaced.png",
  ])
  func truncatedFilesAreRefused(_ name: String) throws {
    let folder = try TemporaryFolder()
    let whole = try PictureFixtures.named(name).file
    // Without PNG's 12 bytes of IEND and the last 10 bytes of data, or JPEG's end marker and 20 bytes of data.
    for count in [whole.count - 22, whole.count * 3 / 4, whole.count / 2, 40, 12] {
      let path = try folder.write(whole.prefix(count), name)
      let error = #expect(throws: MediaError.self, "\(count) bytes") { try Picture.read(path: path) }
      guard case .corrupt(path, _) = error else {
        Issue.record("\(count) bytes: expected a damaged file, found \(String(describing: error))")
        continue
      }
    }
  }

  /// Pillow reads such a picture as if the bytes were not there.
  @Test func strayBytesBetweenJPEGSegmentsAreNoted() throws {
    let folder = try TemporaryFolder()
    let entry = try PictureFixtures.named("420.jpg")
    var data = entry.file
    let table = try #require(data.range(of: Data([0xFF, 0xDB])))
    data.insert(contentsOf: [0x12, 0x34], at: table.lowerBound)
    let path = try folder.write(data, "stray.jpg")
    let picture = try Picture.read(path: path)
    #expect(picture.pixels.withUnsafeBytes { SHA256.hex(of: $0) } == entry.sha256)
    let complaint = "Corrupt JPEG data: 2 extraneous bytes before marker 0xdb"
    #expect(picture.notes == ["damage inside the JPEG data ignored (\(complaint))"])
  }

  /// The decoder warns of stray bytes first and then gives up for want of the table.
  @Test func jpegWithoutQuantizationTableIsRefused() throws {
    let folder = try TemporaryFolder()
    var data = try PictureFixtures.named("grey.jpg").file
    let marker = try #require(data.range(of: Data([0xFF, 0xDB])))
    data.replaceSubrange(marker, with: [0, 0])
    let path = try folder.write(data, "tableless.jpg")
    #expect(
      throws: MediaError.corrupt(path: path, reason: "Quantization table 0x00 was not defined")
    ) { try Picture.read(path: path) }
  }

  @Test func damagedChecksumIsRefused() throws {
    let folder = try TemporaryFolder()
    var data = try PictureFixtures.named("rgb8.png").file
    data[data.count - 20] ^= 0x55
    let path = try folder.write(data, "damaged.png")
    #expect(throws: MediaError.self) { try Picture.read(path: path) }
  }

  /// No byte of a header may crash the reader, whatever it is changed to.
  @Test(arguments: ["orientation6.jpg", "420-progressive.jpg", "palette8-short.png"])
  func anyDamagedByteIsSurvived(_ name: String) throws {
    let folder = try TemporaryFolder()
    let whole = try PictureFixtures.named(name).file
    for index in whole.indices.dropLast().prefix(700) {
      // Changed sizes can be legal, and large ones are slow to decode.
      let isSize = [23, 37].contains(whole[index]) || [23, 37].contains(whole[index + 1])
      if name.hasSuffix("png") ? (16..<24).contains(index) : isSize { continue }
      for value in [0xFF, whole[index] ^ 0x10] {
        var data = whole
        data[index] = value
        if let picture = try? Picture.read(path: folder.write(data, name)) {
          #expect(picture.pixels.count == picture.width * picture.height * 3)
        }
      }
    }
  }

  @Test func enormousPicturesAreRefusedBeforeDecoding() throws {
    let folder = try TemporaryFolder()
    var jpeg = try PictureFixtures.named("420.jpg").file
    let frame = try #require(jpeg.range(of: Data([0xFF, 0xC0, 0x00, 0x11, 0x08])))
    jpeg.replaceSubrange(frame.upperBound..<frame.upperBound + 4, with: [0xFF, 0xFF, 0xFF, 0xFF])
    let path = try folder.write(jpeg, "huge.jpg")
    #expect(
      throws: MediaError.tooLarge(path: path, width: 65535, height: 65535, limit: 1 << 28)
    ) { try Picture.read(path: path) }
  }

  @Test func writtenPictureReadsBackUnchanged() throws {
    let folder = try TemporaryFolder()
    let picture = try Picture.read(path: folder.write(PictureFixtures.named("420.jpg").file, "a.jpg"))
    try picture.write(path: folder.path("b.png"))
    #expect(try Picture.read(path: folder.path("b.png")) == picture)
    #expect(folder.names.sorted() == ["a.jpg", "b.png"])
  }

  @Test func writingIntoMissingFolderNamesThePath() throws {
    let folder = try TemporaryFolder()
    let picture = Picture(width: 1, height: 1, pixels: [1, 2, 3])
    let path = folder.path("missing/out.png")
    #expect(throws: MediaError.file(.unwritable(path: path, reason: "No such file or directory"))) {
      try picture.write(path: path)
    }
  }
}
