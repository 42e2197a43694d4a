import Files
import Foundation
import Masks
@testable import Media
import Testing

/// Fixtures/avif_jp2.json, of tools/fixtures/make_avif_jp2.py: AVIF and JPEG 2000 pictures, and what Pillow makes of each
/// page; none where Pillow refuses.
private let recorded: [FormatFixtures.Entry] = {
  let fixtures: FormatFixtures? = fixture("avif_jp2")
  return fixtures?.pictures ?? []
}()

@Suite struct AVIFAndJPEG2000Tests {
  private func agree(_ picture: Picture, _ page: FormatFixtures.Entry.Page) -> Bool {
    picture.width == page.width && picture.height == page.height
      && picture.pixels.withUnsafeBytes { SHA256.hex(of: $0) } == page.sha256
  }

  private func named(_ name: String, in folder: TemporaryFolder) throws -> String {
    try folder.write(#require(recorded.first { $0.name == name }).file, name)
  }

  @Test func fixturesAreThere() { #expect(recorded.count == 116) }

  @Test(arguments: recorded.filter { !$0.pages.isEmpty })
  func pixelsAreThoseOfPillow(entry: FormatFixtures.Entry) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(entry.file, entry.name)
    let picture = try Picture.read(path: path)
    #expect(agree(picture, entry.pages[0]))
    #expect(picture.notes.contains { $0.hasPrefix("page 1 of ") } == (entry.pages.count > 1))
    guard entry.name.hasSuffix("avif") else { return }
    let source = try openFrameSource(path: path)
    #expect(source.count == entry.pages.count)
    for (index, page) in entry.pages.enumerated().reversed() {
      #expect(agree(try #require(try source.frame(at: index)).stored(), page), "page \(index)")
    }
  }

  /// What Pillow has no conversion for.
  @Test(arguments: ["five.j2k", "eycc.jp2"]) func coloursThatAreUnknownAreRefused(name: String) throws {
    let folder = try TemporaryFolder()
    let path = try named(name, in: folder)
    #expect {
      try Picture.read(path: path)
    } throws: {
      if case MediaError.unsupportedKind(path, _) = $0 { true } else { false }
    }
  }

  @Test(arguments: [
    ("turned1.avif", "rotation or mirroring ignored, as Pillow's convert does"),
    ("mirrored0.avif", "rotation or mirroring ignored, as Pillow's convert does"),
    ("exif.avif", "rotation or mirroring ignored, as Pillow's convert does"),
    ("alpha-444-8.avif", "alpha dropped"),
    ("noise-444-10-full.avif", "10-bit samples reduced to 8 bits, as Pillow does"),
    ("noise-400-8-full.avif", "8-bit greyscale repeated as RGB"), ("alpha.jp2", "alpha dropped"),
    ("rgb12.j2k", "12-bit samples rounded to 8 bits, as Pillow does"),
    ("i16-little.jp2", "16-bit greyscale clipped to 0...255, as Pillow's convert does"),
    ("grey.j2k", "8-bit greyscale repeated as RGB"), ("palette3.jp2", "palette of 8 bits expanded to RGB"),
    ("cmyk.jp2", "CMYK converted to RGB without its colour profile"),
  ]) func whatReadingDoesIsSaid(name: String, note: String) throws {
    let folder = try TemporaryFolder()
    let notes = try Picture.read(path: named(name, in: folder)).notes
    #expect(notes.contains { $0.hasPrefix(note) }, "\(notes)")
  }

  /// What make_avif_jp2.py drew: x · 700 + y · 300 of 23 × 19 pixels, and samples of 12 bits, 16 · level + 5.
  @Test func aRangeShowsWhatIsThere() throws {
    let folder = try TemporaryFolder()
    let shown = try Picture.read(path: named("i16.jp2", in: folder), range: .automatic)
    for (x, y) in [(0, 0), (22, 18), (7, 11)] {
      let level = UInt8((Double(x * 700 + y * 300) / 20800 * 255).rounded())
      #expect(shown.pixels[3 * (23 * y + x)] == level)
    }
    let noise = try Picture.read(path: named("lossless.jp2", in: folder))
    let deep = try Picture.read(
      path: named("rgb12.j2k", in: folder), range: .fixed(black: 5, white: 16 * 255 + 5))
    #expect(deep.pixels == noise.pixels)
    // 10 bits, near what 8 bits say.
    let plain = try Picture.read(path: named("noise-444-10-full.avif", in: folder))
    let full = try Picture.read(
      path: named("noise-444-10-full.avif", in: folder), range: .fixed(black: 0, white: 1023))
    #expect(largestDifference(full.pixels, Data(plain.pixels)) <= 5)
    for name in ["lossless.avif", "rgb.jp2"] {
      let asked = try Picture.read(path: named(name, in: folder), range: .automatic)
      #expect(asked.notes == ["8 bits per sample, to which --range does nothing"])
    }
  }

  /// Of several boxes that name a colour space the first counts (ISO/IEC 15444-1, I.5.3.3), also one that holds a profile.
  /// These have the same samples; as red, green and blue and as brightness and differences they are two pictures.
  @Test(arguments: [("srgb.jp2", 18), ("sycc.jp2", 16), ("profile.jp2", 18)] as [(String, UInt8)])
  func theFirstColourSpaceCounts(name: String, second: UInt8) throws {
    let folder = try TemporaryFolder()
    let entry = try #require(recorded.first { $0.name == name })
    var data = entry.file
    let kind = try #require(data.range(of: Data("colr".utf8))).lowerBound
    let end = kind - 4 + Int(data[kind - 1])
    data.insert(contentsOf: [0, 0, 0, 15] + Array("colr".utf8) + [1, 0, 0, 0, 0, 0, second], at: end)
    // The box around them is longer by as much.
    let header = try #require(data.range(of: Data("jp2h".utf8))).lowerBound
    data[header - 1] += 15
    #expect(agree(try Picture.read(path: folder.write(data, name)), entry.pages[0]))
    let others = try ["srgb.jp2", "sycc.jp2"].map { name in
      try #require(recorded.first { $0.name == name }).pages[0].sha256
    }
    #expect(others[0] != others[1])
  }

  /// Samples of two bytes, with alpha between them: near what Pillow's eight bits say of the same file, which the recordings
  /// hold. The alpha, or a neighbour, is up to 255 levels away.
  @Test(arguments: [("alpha-444-10.avif", 1023.0), ("alpha-444-12.avif", 4095.0)])
  func deepColoursStandBesideTheirAlpha(name: String, white: Double) throws {
    let folder = try TemporaryFolder()
    let path = try named(name, in: folder)
    let plain = try Picture.read(path: path)
    let full = try Picture.read(path: path, range: .fixed(black: 0, white: white))
    #expect(largestDifference(full.pixels, Data(plain.pixels)) <= 5)
  }

  /// A coding style of reversible wavelets (ITU-T T.800, table A.20) behind a comment. A length counts its own
  /// two bytes: where it is less, what follows can't be told.
  @Test(
    arguments: [
      ([0xFF, 0x64, 0, 2], true), ([0xFF, 0x64, 0, 4, 0, 2], true), ([0xFF, 0x64, 0, 0, 0, 2], false),
      ([0xFF, 0x64, 0, 1, 0, 0, 2], false),
    ] as [([UInt8], Bool)])
  func aSegmentWithoutALengthEndsTheHeader(segment: [UInt8], isReversible: Bool) throws {
    let (side, none): ([UInt8], [UInt8]) = ([0, 0, 0, 8], [0, 0, 0, 0])
    var bytes: [UInt8] = [0xFF, 0x4F, 0xFF, 0x51, 0, 41, 0, 0]
    for number in [side, side, none, none, side, side, none, none] { bytes += number }
    bytes += [0, 1, 7, 1, 1]
    bytes += segment
    bytes += [0xFF, 0x52, 0, 12, 0, 0, 0, 1, 0, 1, 4, 4, 0, 1]
    let size = try #require(bytes.withUnsafeBytes { CodestreamSize($0, isCodestream: true) })
    #expect((size.width, size.height) == (8, 8))
    #expect(size.isReversible == isReversible)
  }

  /// Their alpha is GREY, which is 0 in the first column alone.
  @Test(arguments: ["alpha-444-8.avif", "alpha.jp2"]) func aMaskIsTheAlphaOfAPicture(name: String) throws {
    let folder = try TemporaryFolder()
    let found = try MaskFile.read(path: named(name, in: folder))
    #expect(found.mask.area == 22 * 19)
    #expect(found.notes == ["the alpha channel taken as the mask"])
  }

  /// The ramp of red alone is dark, below 128, in its first twelve columns; a lossless one is black in its first.
  @Test func aMaskIsWhatIsNotBlack() throws {
    let folder = try TemporaryFolder()
    #expect(try MaskFile.read(path: named("grey.jp2", in: folder)).mask.area == 22 * 19)
    #expect(throws: MediaError.self) { try MaskFile.read(path: named("pages.avif", in: folder)) }
    let noise = try MaskFile.read(path: named("noise-400-8-full.avif", in: folder))
    #expect(noise.notes.contains { $0.hasPrefix("compressed with losses") })
  }

  @Test func foldersOfThemAreFrames() throws {
    for (name, ending) in [("lossless.avif", "avif"), ("lossless.jp2", "jp2")] {
      let folder = try TemporaryFolder()
      for frame in 0..<3 {
        _ = try folder.write(#require(recorded.first { $0.name == name }).file, "\(frame).\(ending)")
      }
      let source = try openFrameSource(path: folder.path(""))
      #expect(source.frameNames == (0..<3).map { "\($0).\(ending)" })
      #expect(try source.frame(at: 2)?.width == 23)
    }
  }

  /// No byte may crash a reader, whatever it is changed to; a picture that comes of it is whole.
  @Test(arguments: [
    "noise-420-10-full.avif", "pages.avif", "rgb.jp2", "tiles.jp2", "palette3.jp2", "sycc-half.jp2",
    "grey12.j2k",
  ])
  func anyDamagedByteIsSurvived(name: String) throws {
    let folder = try TemporaryFolder()
    let whole = try #require(recorded.first { $0.name == name }).file
    for index in whole.indices where index < 400 {
      for value in [0xFF, whole[index] ^ 0x01, whole[index] ^ 0x80] {
        var data = whole
        data[index] = value
        let path = try folder.write(data, name)
        if let picture = try? Picture.read(path: path, range: .automatic) {
          #expect(picture.pixels.count == picture.width * picture.height * 3)
        }
        if let mask = try? MaskFile.read(path: path).mask { #expect(mask.area > 0) }
      }
    }
  }

  @Test func damageIsRefused() throws {
    let folder = try TemporaryFolder()
    for entry in recorded where entry.pages.count == 1 {
      let path = try folder.write(entry.file.prefix(entry.file.count / 2), entry.name)
      #expect(throws: MediaError.self, "\(entry.name)") { try Picture.read(path: path) }
    }
  }
}
