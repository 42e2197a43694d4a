// The parts of a picture that are looked at: crops as sam2.utils.amg has them, tiles by hand; and when two finds are equal.
import Masks
import Prompts
import Tensors
import Testing

@testable import SAM2

@Suite struct CropGridTests {
  private func boxes(_ crops: [Crop]) -> [[Int]] { crops.map(\.box.coco) }

  /// sam2.utils.amg.generate_crop_boxes((70, 100), 2, 512 / 1500), and build_all_layer_point_grids(4, 2, 2).
  @Test func cropsAreThoseOfTheOfficialGenerator() throws {
    var options = AutomaticMaskOptions()
    (options.cropLayers, options.pointsPerSide, options.cropPointsDownscale) = (2, 4, 2)
    let crops = try CropGrid(options, width: 100, height: 70).crops
    let expected = [
      [0, 0, 100, 70], [0, 0, 62, 47], [0, 24, 62, 46], [39, 0, 61, 47], [39, 24, 61, 46], [0, 0, 34, 26],
      [0, 15, 34, 26], [0, 30, 34, 26], [0, 45, 34, 25], [23, 0, 34, 26], [23, 15, 34, 26], [23, 30, 34, 26],
      [23, 45, 34, 25], [46, 0, 34, 26], [46, 15, 34, 26], [46, 30, 34, 26], [46, 45, 34, 25], [69, 0, 31, 26],
      [69, 15, 31, 26], [69, 30, 31, 26], [69, 45, 31, 25],
    ]
    #expect(boxes(crops) == expected)
    #expect(crops.map(\.points.count) == [16] + [Int](repeating: 4, count: 4) + [Int](repeating: 1, count: 16))
    // (0.875, 0.125) of the whole, (0.75, 0.25) of a crop of 61 × 46, the middle of one of 31 × 25.
    #expect(crops[0].points[3] == Click(x: 87.5, y: 8.75))
    #expect(crops[4].points[1] == Click(x: 45.75, y: 11.5))
    #expect(crops[20].points == [Click(x: 15.5, y: 12.5)])
    options.skipsWholePicture = true
    #expect(try boxes(CropGrid(options, width: 100, height: 70).crops) == Array(expected.dropFirst()))
  }

  /// Of one pixel's width, or height, a second crop beside the first has nothing.
  @Test(arguments: [(1, 100), (100, 1)]) func cropsOfNothingAreRefused(width: Int, height: Int) {
    var options = AutomaticMaskOptions()
    options.cropLayers = 1
    #expect(throws: SAM2Error.cropsTooDeep(layer: 1, width: width, height: height)) {
      try CropGrid(options, width: width, height: height)
    }
  }

  /// 100 × 70 in tiles of at most 40: three columns from 0, 33 and 66, two rows from 0 and 35; ten pixels around each, as
  /// far as the picture goes.
  @Test func tilesCoverThePictureAndSeeTheirSurroundings() throws {
    var options = AutomaticMaskOptions()
    (options.tiling, options.pointsPerSide) = (Tiling(side: 40, halo: 10), 1)
    let crops = try CropGrid(options, width: 100, height: 70).crops
    #expect(
      boxes(crops) == [
        [0, 0, 43, 45], [23, 0, 53, 45], [56, 0, 44, 45], [0, 25, 43, 45], [23, 25, 53, 45], [56, 25, 44, 45],
      ])
    // The middles of the tiles, in pixels of what is seen.
    #expect(
      crops.map(\.points) == [
        [Click(x: 16.5, y: 17.5)], [Click(x: 26.5, y: 17.5)], [Click(x: 27, y: 17.5)],
        [Click(x: 16.5, y: 27.5)], [Click(x: 26.5, y: 27.5)], [Click(x: 27, y: 27.5)],
      ])
    options.tiling = Tiling(side: 100, halo: 10)
    #expect(try boxes(CropGrid(options, width: 100, height: 70).crops) == [[0, 0, 100, 70]])
  }

  /// Points of one's own go to every part that they lie in, its edges included.
  @Test func pointsOfOnesOwnGoWhereTheyLie() throws {
    var options = AutomaticMaskOptions()
    options.tiling = Tiling(side: 50, halo: 5)
    options.points = [Click(x: 0, y: 0), Click(x: 50, y: 20), Click(x: 100, y: 70), Click(x: 56, y: 30)]
    // Two columns seen from 0 to 55 and from 45 to 100, two rows from 0 to 40 and from 30 to 70.
    let crops = try CropGrid(options, width: 100, height: 70).crops
    #expect(boxes(crops) == [[0, 0, 55, 40], [45, 0, 55, 40], [0, 30, 55, 40], [45, 30, 55, 40]])
    #expect(
      crops.map(\.points) == [
        [Click(x: 0, y: 0), Click(x: 50, y: 20)], [Click(x: 5, y: 20), Click(x: 11, y: 30)], [],
        [Click(x: 55, y: 40), Click(x: 11, y: 0)],
      ])
    options.points = [Click(x: 100.5, y: 3)]
    #expect(throws: SAM2Error.pointOutside(x: 100.5, y: 3, width: 100, height: 70)) {
      try CropGrid(options, width: 100, height: 70)
    }
  }

  /// Only points on a region are asked about: the left half of 8 × 4.
  @Test func onlyPointsOnARegionStay() throws {
    var options = AutomaticMaskOptions()
    options.pointsPerSide = 4
    options.region = BinaryMask(width: 8, height: 4, pixels: (0..<32).map { $0 % 8 < 4 ? 1 : 0 })
    let points = try CropGrid(options, width: 8, height: 4).crops[0].points
    #expect(
      points.map(\.x) == [1, 3, 1, 3, 1, 3, 1, 3]
        && points.map(\.y) == [0.5, 0.5, 1.5, 1.5, 2.5, 2.5, 3.5, 3.5])
    #expect(throws: SAM2Error.self) { try CropGrid(options, width: 4, height: 8) }
  }
}

@Suite struct AutomaticMaskOptionsTests {
  private func refusal(_ change: (inout AutomaticMaskOptions) -> Void) -> SAM2Error? {
    var options = AutomaticMaskOptions()
    change(&options)
    do throws(SAM2Error) { try options.check() } catch { return error }
    return nil
  }

  /// The first and the last number of what is written in the error are fine, those beyond aren't.
  @Test func numbersEndWhereTheErrorSays() {
    let counts: [(String, WritableKeyPath<AutomaticMaskOptions, Int> & Sendable)] = [
      ("points per side", \.pointsPerSide), ("points per batch", \.pointsPerBatch),
      ("crop points downscale", \.cropPointsDownscale),
    ]
    for (name, path) in counts {
      for value in [1, 4096] { #expect(refusal { $0[keyPath: path] = value } == nil, "\(name) \(value)") }
      for value in [0, 4097] {
        #expect(
          refusal { $0[keyPath: path] = value }
            == .outOfRange(name: name, expected: "1 to 4096", found: "\(value)"))
      }
    }
  }

  @Test func tilesHaveNoCrops() {
    #expect(refusal { $0.tiling = Tiling(side: 1024, halo: 10) } == nil)
    #expect(
      refusal { ($0.tiling, $0.cropLayers) = (Tiling(side: 1024, halo: 10), 1) }
        == .outOfRange(name: "crop layers", expected: "0 beside tiles", found: "1"))
  }
}

@Suite struct AutomaticMaskEqualityTests {
  private func mask(
    _ pixels: [UInt8] = [1, 0], area: Int = 1, x: Int = 0, iou: Float = 0.5, point: (Float, Float) = (1, 2),
    stability: Float = 0.75, crop: Int = 9
  ) -> AutomaticMask {
    AutomaticMask(
      segmentation: RunLengthEncoding(BinaryMask(width: 2, height: 1, pixels: pixels)), area: area,
      bounds: PixelBox(x: x, y: 0, width: 1, height: 1), predictedIoU: iou, point: point,
      stabilityScore: stability, cropBox: PixelBox(x: 0, y: 0, width: crop, height: 9))
  }

  @Test func findsAreEqualInAllTheyAre() {
    #expect(mask() == mask())
    for other in [
      mask([0, 1]), mask(area: 2), mask(x: 1), mask(iou: 0.25), mask(point: (1, 3)), mask(point: (0, 2)),
      mask(stability: 1), mask(crop: 8),
    ] { #expect(mask() != other, "\(other)") }
  }

  /// `bbox` of the official record ends at the last pixel.
  @Test func theOfficialBoxEndsAtTheLastPixel() {
    #expect(mask().officialBox == [0, 0, 0, 0])
    #expect(mask().bounds.coco == [0, 0, 1, 1])
  }
}
