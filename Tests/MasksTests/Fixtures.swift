// What other programs make of masks.

import Foundation
import Masks
import Testing
import TestSupport

/// Masks and what pycocotools makes of them, by tools/fixtures/make_pictures.py.
struct RunLengthFixtures: Decodable {
  struct Entry: Decodable, CustomTestStringConvertible {
    let name: String
    let width: Int
    let height: Int
    let counts: String
    let area: Int
    let bounds: [Int]
    /// Eight pixels to the byte, row-major; nil for masks too large to keep.
    let pixels: Data?
    var testDescription: String { name }

    var mask: BinaryMask? {
      pixels.map { packed in
        let bits = (0..<width * height).map { packed[$0 / 8] >> UInt8(7 - $0 % 8) & 1 }
        return BinaryMask(width: width, height: height, pixels: bits)
      }
    }
  }
  let masks: [Entry]

  static let recorded: [Entry] = {
    let data = try? Data(contentsOf: URL(filePath: TestFiles.fixture("run_lengths.json")))
    return data.flatMap { try? JSONDecoder().decode(RunLengthFixtures.self, from: $0) }?.masks ?? []
  }()
}

/// Masks and what pycocotools, OpenCV and SciPy say of them, by tools/fixtures/make_masks.py.
struct RecordedMask: Decodable {
  struct Cleaned: Decodable {
    let area: Int
    private let filled: [String]
    private let kept: [String]

    /// Without holes of at most `area` pixels.
    var withoutHoles: BinaryMask { BinaryMask(filled) }
    /// Without islands of at most `area` pixels.
    var withoutIslands: BinaryMask { BinaryMask(kept) }
  }

  let name: String
  private let mask: [String]
  private let other: [String]
  /// COCO's run lengths, as text and as a list.
  let compressed: String
  let counts: [Int]
  /// Of the mask and the other.
  let iou: Double
  /// To the nearest pixel of the mask.
  let squaredDistances: [Int]?
  let cleaned: [Cleaned]

  var binary: BinaryMask { BinaryMask(mask) }
  var otherBinary: BinaryMask { BinaryMask(other) }

  static func all() throws -> [RecordedMask] {
    struct File: Decodable { let masks: [RecordedMask] }
    let data = try Data(contentsOf: URL(filePath: TestFiles.fixture("masks.json")))
    return try JSONDecoder().decode(File.self, from: data).masks
  }
}

extension BinaryMask {
  /// The mask drawn as rows of `#` for foreground and anything else for background.
  init(_ rows: [String]) {
    self.init(
      width: rows.first?.utf8.count ?? 0, height: rows.count,
      pixels: rows.flatMap { $0.utf8.map { $0 == UInt8(ascii: "#") ? 1 : 0 } })
  }
}
