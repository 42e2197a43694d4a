import Architecture
import Foundation
import Kernels
import Masks
import Media
import OpenBLASBackend
import Prompts
import SAM2
import Tensors
import TestSupport
import Testing

/// What the official generator found, by tools/fixtures/make_automatic_masks.py.
struct RecordedMasks: Decodable, CustomTestStringConvertible {
  struct Options: Decodable {
    let points_per_side: Int?
    let points_per_batch: Int?
    let pred_iou_thresh: Float?
    let stability_score_thresh: Float?
    let stability_score_offset: Float?
    let mask_threshold: Float?
    let box_nms_thresh: Float?
    let crop_n_layers: Int?
    let crop_nms_thresh: Float?
    let crop_overlap_ratio: Double?
    let crop_n_points_downscale_factor: Int?
    let point_grids: [[[Double]]]?
    let use_m2m: Bool?
    let multimask_output: Bool?
    let min_mask_region_area: Int?
    let region_area: Int?

    var options: AutomaticMaskOptions {
      var options = AutomaticMaskOptions()
      if let points_per_side { options.pointsPerSide = points_per_side }
      if let points_per_batch { options.pointsPerBatch = points_per_batch }
      if let pred_iou_thresh { options.iouThreshold = pred_iou_thresh }
      if let stability_score_thresh { options.stabilityThreshold = stability_score_thresh }
      if let stability_score_offset { options.stabilityOffset = stability_score_offset }
      if let mask_threshold { options.maskThreshold = mask_threshold }
      if let box_nms_thresh { options.boxNMSThreshold = box_nms_thresh }
      if let crop_n_layers { options.cropLayers = crop_n_layers }
      if let crop_nms_thresh { options.cropNMSThreshold = crop_nms_thresh }
      if let crop_overlap_ratio { options.cropOverlap = crop_overlap_ratio }
      if let crop_n_points_downscale_factor { options.cropPointsDownscale = crop_n_points_downscale_factor }
      if let point_grids { options.pointGrids = point_grids.map { $0.map { UnitPoint(x: $0[0], y: $0[1]) } } }
      if let use_m2m { options.refines = use_m2m }
      if let multimask_output { options.multimask = multimask_output }
      if let min_mask_region_area { options.lowResRegionArea = min_mask_region_area }
      if let region_area { options.regionArea = region_area }
      return options
    }
  }

  struct Mask: Decodable {
    enum Segmentation: Decodable {
      case runs(RunLengthEncoding)
      /// Eight pixels to the byte, row-major.
      case pixels(Data)

      init(from decoder: any Decoder) throws {
        if let packed = try? decoder.singleValueContainer().decode(Data.self) {
          self = .pixels(packed)
        } else {
          self = .runs(try RunLengthEncoding(from: decoder))
        }
      }

      func mask(width: Int, height: Int) -> BinaryMask {
        switch self {
        case .runs(let runs): BinaryMask(runs)
        case .pixels(let packed):
          BinaryMask(
            width: width, height: height,
            pixels: (0..<width * height).map { packed[$0 / 8] >> UInt8(7 - $0 % 8) & 1 })
        }
      }
    }

    let segmentation: Segmentation
    let area: Int
    let bbox: [Double]
    let predicted_iou: Float
    let point_coords: [[Float]]
    let stability_score: Float?
    let crop_box: [Int]
  }

  let name: String
  let picture: String
  let options: Options
  let masks: [Mask]
  var testDescription: String { name }

  static let all: [RecordedMasks] = {
    struct File: Decodable { let cases: [RecordedMasks] }
    let data = try? Data(contentsOf: URL(filePath: TestFiles.fixture("automatic_masks.json")))
    return data.flatMap { try? JSONDecoder().decode(File.self, from: $0) }?.cases ?? []
  }()
}

@Suite struct AutomaticMasksTests {
  private static let model = Result { try RecordedModel.trained() }

  private func generate(
    _ path: String, _ options: AutomaticMaskOptions
  ) throws -> (Picture, [AutomaticMask]) {
    let picture = try Picture.read(path: TestFiles.package(path))
    let model = try Self.model.get()
    let masks = try AutomaticMaskGenerator(model, options).generate(
      width: picture.width, height: picture.height
    ) { picture.cropped(to: $0).imageTensor(size: model.configuration.imageSize) }
    return (picture, masks)
  }

  @Test func recordingsAreThere() { #expect(RecordedMasks.all.count == 16) }

  /// As many masks, in the same order, with the same pixels but for a few at the rim.
  @Test(arguments: RecordedMasks.all) func masksAreTheOfficialGenerators(_ recorded: RecordedMasks) throws {
    let (picture, found) = try generate(recorded.picture, recorded.options.options)
    try #require(found.count == recorded.masks.count)
    for (mask, expected) in zip(found, recorded.masks) {
      let pixels = expected.segmentation.mask(width: picture.width, height: picture.height)
      #expect(mask.mask.iou(with: pixels) > 0.999)
      #expect(abs(mask.area - expected.area) <= max(2, expected.area / 1000))
      #expect(zip(mask.officialBox, expected.bbox).allSatisfy { abs(Double($0) - $1) <= 1 })
      #expect(abs(mask.predictedIoU - expected.predicted_iou) < 1e-4)
      #expect(abs(mask.stabilityScore - (expected.stability_score ?? 0)) < 1e-3)
      #expect([[mask.point.x, mask.point.y]] == expected.point_coords)
      #expect(
        [mask.cropBox.x, mask.cropBox.y, mask.cropBox.width, mask.cropBox.height] == expected.crop_box)
    }
  }

  /// `iou_preds > pred_iou_thresh` and `stability_score >= stability_score_thresh`, where a threshold is above 0
  /// (_process_batch of sam2/automatic_mask_generator.py): equal to it, one goes and the other stays.
  @Test func thresholdsAreHeldToTheLastBit() throws {
    var options = AutomaticMaskOptions()
    // No mask gives way to another, so that each is judged by itself.
    (options.pointsPerSide, options.boxNMSThreshold) = (3, 1)
    (options.iouThreshold, options.stabilityThreshold) = (0, 0)
    func found(_ iou: Float = 0, _ stability: Float = 0) throws -> [(iou: Float, stability: Float)] {
      (options.iouThreshold, options.stabilityThreshold) = (iou, stability)
      return try generate("Reference/micro.png", options).1.map { ($0.predictedIoU, $0.stabilityScore) }
    }
    let all = try found()
    #expect(all.count == 27)
    let ious = all.map(\.iou).filter { $0 > 0 && $0 < 1 }.sorted()
    let stabilities = all.map(\.stability).filter { $0 > 0 && $0 < 1 }.sorted()
    try #require(ious.count > 3 && stabilities.count > 3)
    let (iou, stability) = (ious[ious.count / 2], stabilities[stabilities.count / 2])
    let equal = all.count { $0.iou == iou }
    let above = all.count { $0.iou > iou }
    #expect(try found(iou.nextDown).count == above + equal)
    #expect(try found(iou).count == above)
    #expect(try found(iou.nextUp).count == above - all.count { $0.iou == iou.nextUp })
    #expect(try found(iou).allSatisfy { $0.iou > iou })
    let stableEqual = all.count { $0.stability == stability }
    let stableAbove = all.count { $0.stability > stability }
    #expect(try found(0, stability.nextDown).count >= stableAbove + stableEqual)
    #expect(try found(0, stability).count == stableAbove + stableEqual)
    #expect(try found(0, stability.nextUp).count == stableAbove)
  }
}
