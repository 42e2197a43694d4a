// What tools/fixtures/make_pictures.py recorded, and a folder to write to.

import Foundation
import Media
import Testing

/// Fixtures/pictures.json: files, and what Pillow's `convert("RGB")` makes of them.
struct PictureFixtures: Decodable {
  struct Entry: Decodable, CustomTestStringConvertible {
    let name: String
    let file: Data
    let width: Int
    let height: Int
    let sha256: String
    var testDescription: String { name }
  }
  let pictures: [Entry]

  static let recorded: [Entry] = {
    let fixtures: PictureFixtures? = fixture("pictures")
    return fixtures?.pictures ?? []
  }()

  static func named(_ name: String) throws -> Entry {
    try #require(recorded.first { $0.name == name })
  }
}

/// Fixtures/resizes.json: what torchvision's transforms make of a picture and of planes of numbers.
struct ResizeFixtures: Decodable {
  struct Picture: Decodable {
    let size: Int
    let resized: Data
    let normalised: Data
  }
  struct Planes: Decodable {
    let height: Int
    let width: Int
    let resized: Data
  }
  let width: Int
  let height: Int
  let pixels: Data
  let pictures: [Picture]
  let logits: Data
  let planes: [Planes]
}

/// Reads `Fixtures/<name>.json`, nil where it is missing or of another form.
func fixture<Content: Decodable>(_ name: String) -> Content? {
  let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")
  guard let data = try? Data(contentsOf: folder.appending(path: "\(name).json")) else { return nil }
  return try? JSONDecoder().decode(Content.self, from: data)
}

/// Float32 numbers as Python wrote them, little-endian.
func floats(_ data: Data) -> [Float] {
  stride(from: 0, to: data.count, by: 4).map { offset in
    Float(bitPattern: (0..<4).reduce(UInt32(0)) { $0 | UInt32(data[offset + $1]) << UInt32(8 * $1) })
  }
}

/// The largest absolute difference, infinite where the counts differ.
func largestDifference(_ one: [Float], _ other: [Float]) -> Float {
  one.count == other.count ? zip(one, other).map { abs($0 - $1) }.max() ?? 0 : .infinity
}

/// The largest absolute difference of pixels, 256 where the counts differ.
func largestDifference(_ one: [UInt8], _ other: Data) -> Int {
  one.count == other.count ? zip(one, other).map { abs(Int($0) - Int($1)) }.max() ?? 0 : 256
}

/// A folder of a test's own, removed with everything in it.
final class TemporaryFolder {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "media-tests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func path(_ name: String) -> String { url.appending(path: name).path(percentEncoded: false) }

  func write(_ data: Data, _ name: String) throws -> String {
    try data.write(to: url.appending(path: name))
    return path(name)
  }

  var names: [String] { (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? [] }
}
