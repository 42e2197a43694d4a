import Files
import Foundation
import Masks
@testable import Media
import Testing

/// Fixtures/formats.json, of tools/fixtures/make_formats.py: pictures in other formats than JPEG and PNG, and what Pillow
/// makes of each page.
struct FormatFixtures: Decodable {
  struct Entry: Decodable, CustomTestStringConvertible {
    struct Page: Decodable {
      let width: Int
      let height: Int
      let sha256: String
    }
    let name: String
    let file: Data
    let pages: [Page]
    var testDescription: String { name }
  }
  let pictures: [Entry]

  static let recorded: [Entry] = {
    let fixtures: FormatFixtures? = fixture("formats")
    return fixtures?.pictures ?? []
  }()
}

@Suite struct PictureFormatTests {
  private func agree(_ picture: Picture, _ page: FormatFixtures.Entry.Page) -> Bool {
    picture.width == page.width && picture.height == page.height
      && picture.pixels.withUnsafeBytes { SHA256.hex(of: $0) } == page.sha256
  }

  @Test(arguments: FormatFixtures.recorded)
  func pixelsAreThoseOfPillow(entry: FormatFixtures.Entry) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(entry.file, entry.name)
    let picture = try Picture.read(path: path)
    #expect(agree(picture, entry.pages[0]))
    #expect(picture.notes.contains { $0.hasPrefix("page 1 of ") } == (entry.pages.count > 1))
    guard entry.name.hasSuffix("tif") else { return }
    let source = try openFrameSource(path: path)
    #expect(source.count == entry.pages.count)
    for (index, page) in entry.pages.enumerated() {
      #expect(agree(try #require(try source.frame(at: index)).stored(), page), "page \(index)")
    }
  }

  @Test func fixturesAreThere() { #expect(FormatFixtures.recorded.count == 75) }

  private func named(_ name: String, in folder: TemporaryFolder) throws -> String {
    try folder.write(#require(FormatFixtures.recorded.first { $0.name == name }).file, name)
  }

  /// What make_formats.py drew: x · 700 + y · 300 of 23 × 19 pixels, or noise times 251.
  @Test func aRangeShowsWhatIsThere() throws {
    let folder = try TemporaryFolder()
    for name in ["i16.tif", "deep.pgm"] {
      let path = try named(name, in: folder)
      let shown = try Picture.read(path: path, range: .automatic)
      #expect(shown.notes.contains { $0.contains("from 0.0 to 20800.0") }, "\(shown.notes)")
      for (x, y) in [(0, 0), (22, 18), (7, 11)] {
        let level = (Double(x * 700 + y * 300) / 20800 * 255).rounded()
        #expect(
          Array(shown.pixels[3 * (23 * y + x)..<3 * (23 * y + x) + 3])
            == Array(repeating: UInt8(level), count: 3))
      }
      let fixed = try Picture.read(path: path, range: .fixed(black: 700, white: 1400))
      #expect(Array(fixed.pixels[..<12]) == [0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255])
    }
    // Colours of 0…64005 in steps of 251.
    let deep = try Picture.read(path: named("deep.ppm", in: folder), range: .fixed(black: 0, white: 255 * 251))
    let noise = try Picture.read(path: named("lossless.webp", in: folder))
    #expect(deep.pixels == noise.pixels)
  }

  /// Where there is nothing that a range could be of, it says so.
  @Test(arguments: ["rgb-raw.tif", "cmyk.tif", "lossless.webp", "rgb.bmp", "grey.pgm"])
  func aRangeOfEightBitsIsSaidToDoNothing(name: String) throws {
    let folder = try TemporaryFolder()
    let path = try named(name, in: folder)
    let plain = try Picture.read(path: path)
    for range in [SampleRange.automatic, .fixed(black: 10, white: 20)] {
      let asked = try Picture.read(path: path, range: range)
      #expect(asked.pixels == plain.pixels)
      #expect(asked.notes == plain.notes + ["8 bits per sample, to which --range does nothing"])
    }
  }

  /// The least and the largest sample are of all pages.
  @Test func aStacksRangeIsOfAllPages() throws {
    let folder = try TemporaryFolder()
    let path = try named("pages.tif", in: folder)
    var options = FrameOptions()
    options.range = .automatic
    let source = try openFrameSource(path: path, options)
    #expect(source.notes == ["page 1: 8 bits per sample, to which --range does nothing"])
    (options.from, options.every) = (1, 2)
    let some = try openFrameSource(path: path, options)
    let pages = try #require(FormatFixtures.recorded.first { $0.name == "pages.tif" }).pages
    #expect(some.count == 2)
    for (index, page) in [1, 3].enumerated() {
      #expect(agree(try #require(try some.frame(at: index)).stored(), pages[page]))
    }
  }

  /// No byte may crash a reader, whatever it is changed to; a picture that comes of it is whole.
  @Test(arguments: [
    "rgb-tiff_lzw.tif", "tiles-deflate.tif", "premultiplied.tif", "palette.tif", "cmyk.tif", "la.tif",
    "bits.tif",
    "alpha.webp", "alpha-lossless.webp", "palette.bmp", "alpha.bmp", "part-transparent.gif", "deep.pgm",
    "text.ppm",
  ])
  func anyDamagedByteIsSurvived(name: String) throws {
    let folder = try TemporaryFolder()
    let whole = try #require(FormatFixtures.recorded.first { $0.name == name }).file
    // A TIFF's directory stands at its end.
    for index in whole.indices where index < 300 || index > whole.count - 300 {
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
    // Of a file of pages the first is whole where it stands first.
    for entry in FormatFixtures.recorded where entry.pages.count == 1 {
      // So is that of an animation.
      let part = entry.name == "animation.gif" ? 8 : 2
      let path = try folder.write(entry.file.prefix(entry.file.count / part), entry.name)
      #expect(throws: MediaError.self, "\(entry.name)") { try Picture.read(path: path) }
    }
  }
}
