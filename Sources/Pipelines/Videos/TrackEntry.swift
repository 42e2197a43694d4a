// One frame's masks, as the lines of a run's journal and of its report say them.

import Foundation
import Masks

/// One frame's masks, a line of `tracks.json`.
struct TrackEntry: Codable {
  /// One object's mask. Its fields stand beside the mask's own in JSON.
  struct Object {
    let object: Int
    let mask: COCOMask
    /// The estimated IoU of the mask.
    let score: Float
    /// The logit of the object's presence.
    let objectScore: Float
  }

  /// How lines are written, and read.
  static let encoder: JSONEncoder = {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return encoder
  }()

  static let decoder: JSONDecoder = {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return decoder
  }()

  let frame: Int
  /// Seconds since the first frame, where the video says.
  let time: Double?
  /// The indexed PNG's name.
  let mask: String
  var objects: [Object]

  /// This entry with those objects of an earlier one that are still tracked and that this doesn't speak of.
  func filled(from earlier: TrackEntry, of objects: [Int]) -> TrackEntry {
    var filled = self
    let known = Set(self.objects.map(\.object))
    filled.objects += earlier.objects.filter { !known.contains($0.object) && objects.contains($0.object) }
    filled.objects.sort { $0.object < $1.object }
    return filled
  }

  /// Every object's mask.
  func masks() -> [(object: Int, mask: BinaryMask)] {
    objects.map { ($0.object, BinaryMask($0.mask.segmentation)) }
  }
}

extension TrackEntry.Object: Codable {
  private enum CodingKeys: String, CodingKey { case object, score, objectScore }

  init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    object = try fields.decode(Int.self, forKey: .object)
    score = try fields.decode(Float.self, forKey: .score)
    objectScore = try fields.decode(Float.self, forKey: .objectScore)
    mask = try COCOMask(from: decoder)
  }

  func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: CodingKeys.self)
    try fields.encode(object, forKey: .object)
    try fields.encode(score, forKey: .score)
    try fields.encode(objectScore, forKey: .objectScore)
    try mask.encode(to: encoder)
  }
}
