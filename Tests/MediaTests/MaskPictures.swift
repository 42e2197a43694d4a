import Foundation
import Testing

/// Fixtures/mask_pictures.json, of tools/fixtures/make_mask_pictures.py.
struct MaskPictures: Decodable {
  struct Entry: Decodable, CustomTestStringConvertible {
    let name: String
    let file: Data
    /// How many pixels are meant; nil where that can't be told.
    let area: Int?
    let sha256: String?
    /// Whether something had to be decided.
    let isSaid: Bool
    var testDescription: String { name }
  }
  let pictures: [Entry]

  static let recorded: [Entry] = {
    let fixtures: MaskPictures? = fixture("mask_pictures")
    return fixtures?.pictures ?? []
  }()
}
