import Foundation
import Masks
import Media

/// `prediction.json`: what was found, in the terms of the COCO annotations.
struct SegmentationReport: Encodable {
  struct Image: Encodable {
    let file: String
    let width: Int
    let height: Int
    let notes: [String]
  }

  struct Mask: Encodable {
    let file: String
    let object: Int
    let alternative: Int
    let segmentation: RunLengthEncoding
    let bbox: [Int]
    let area: Int
    let predictedIou: Float
    let stabilityScore: Float
    let objectScore: Float
  }

  let image: Image
  let model: String
  let masks: [Mask]

  init(_ segmentation: Segmentation, image: String, model: String) {
    self.image = Image(
      file: image, width: segmentation.picture.width, height: segmentation.picture.height,
      notes: segmentation.picture.notes)
    self.model = model
    masks = segmentation.masks.enumerated().map { index, found in
      let mask = COCOMask(found.mask)
      return Mask(
        file: Self.maskName(index), object: found.object, alternative: found.alternative,
        segmentation: mask.segmentation, bbox: mask.bbox, area: mask.area,
        predictedIou: found.predictedIoU, stabilityScore: found.stabilityScore, objectScore: found.objectScore)
    }
  }

  static func maskName(_ index: Int) -> String { "mask_\(index).png" }

  /// JSON with the field's usual snake case.
  var json: Data {
    get throws {
      let encoder = JSONEncoder()
      encoder.keyEncodingStrategy = .convertToSnakeCase
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      return try encoder.encode(self)
    }
  }
}
