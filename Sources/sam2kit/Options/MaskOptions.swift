// What the automatic mask generator asks about and keeps, as arguments.

public import ArgumentParser
import Files
import Foundation
import Masks
import Media
import Pipelines
import Prompts
import SAM2

/// What is done unless told otherwise.
private let official = AutomaticMaskOptions()

/// The official generator's options, by its names.
struct GeneratorOptions: ParsableArguments {
  @Option(
    name: .long,
    help: "Points along either side of the grid, from 1 to 4096; \(official.pointsPerSide) by default.")
  var pointsPerSide: Int?
  @Option(name: .long, help: "Points that one call of the decoder is about, from 1 to 4096.")
  var pointsPerBatch = official.pointsPerBatch
  @Option(name: .long, help: "Keep masks whose predicted IoU exceeds this, from 0 to 1.")
  var predIouThresh = official.iouThreshold
  @Option(name: .long, help: "Keep masks whose stability score is at least this, from 0 to 1.")
  var stabilityScoreThresh = official.stabilityThreshold
  @Option(
    name: .long, help: "By how much logits are raised and lowered for the stability score, from 0 to 1000000.")
  var stabilityScoreOffset = official.stabilityOffset
  @Option(
    name: .long, parsing: .unconditional,
    help: "The logit that pixels of a mask exceed, from -1000000 to 1000000.")
  var maskThreshold = official.maskThreshold
  @Option(name: .long, help: "Drop the worse of two masks whose boxes' IoU exceeds this, from 0 to 1.")
  var boxNmsThresh = official.boxNMSThreshold
  @Option(name: .long, help: "Layers of crops beside the whole picture, from 0 to 8; layer n has 2ⁿ times 2ⁿ.")
  var cropNLayers = official.cropLayers
  @Option(name: .long, help: "Drop the mask of the larger crop where boxes' IoU exceeds this, from 0 to 1.")
  var cropNmsThresh = official.cropNMSThreshold
  @Option(name: .long, help: "How far crops overlap, as a part of the shorter side, from 0 to less than 1.")
  var cropOverlapRatio = official.cropOverlap
  @Option(name: .long, help: "By what points along a side are divided with every crop layer, from 1 to 4096.")
  var cropNPointsDownscaleFactor = official.cropPointsDownscale
  @Option(
    name: .long,
    help: ArgumentHelp(
      "Points instead of the grid: JSON, for each crop layer a list of [x, y] from 0 to 1.",
      valueName: "file"))
  var pointGrids: String?
  @Flag(name: .long, help: "Predict every mask once more, from its point and itself.")
  var useM2m = false
  @Flag(name: .long, help: "One mask for each point instead of three.")
  var singleMask = false
  @Option(
    name: .long,
    help: "Fill and remove regions of at most so many elements of the decoder's masks: min_mask_region_area.")
  var minMaskRegionArea = Ranged<RegionArea>(official.lowResRegionArea)

  func apply(to options: inout AutomaticMaskOptions) {
    (options.pointsPerSide, options.pointsPerBatch) = (pointsPerSide ?? official.pointsPerSide, pointsPerBatch)
    (options.iouThreshold, options.stabilityThreshold) = (predIouThresh, stabilityScoreThresh)
    (options.stabilityOffset, options.maskThreshold) = (stabilityScoreOffset, maskThreshold)
    (options.boxNMSThreshold, options.cropNMSThreshold) = (boxNmsThresh, cropNmsThresh)
    (options.cropLayers, options.cropOverlap) = (cropNLayers, cropOverlapRatio)
    options.cropPointsDownscale = cropNPointsDownscaleFactor
    (options.refines, options.multimask) = (useM2m, !singleMask)
    options.lowResRegionArea = minMaskRegionArea.value
  }

  /// The points that a file names; nil where none is named.
  func grids() throws -> [[UnitPoint]]? {
    guard let path = pointGrids else { return nil }
    let text = try Data(MappedFile.contents(of: path))
    try JSONForm.check(text, path: path)
    guard let grids = try? JSONDecoder().decode([[[Double]]].self, from: text),
      grids.joined().allSatisfy({ $0.count == 2 })
    else {
      throw FileProblem(
        path: path,
        problem:
          "expected a list of points for each crop layer, such as [[[0.5, 0.5], [0.1, 0.9]]], found something else"
      )
    }
    return grids.map { $0.map { UnitPoint(x: $0[0], y: $0[1]) } }
  }
}

/// What users ask for beyond the official generator.
struct MaskSelectionOptions: ParsableArguments {
  @Option(
    name: .long,
    help: "Fill holes and remove islands of fewer pixels in the end, and drop duplicates that this makes.")
  var minRegionArea = Ranged<RegionArea>(0)
  @Option(name: .long, help: "Drop masks of fewer pixels.")
  var minArea = Ranged<RegionArea>(0)
  @Option(name: .long, help: "Drop masks of more pixels.")
  var maxArea: Ranged<LargestArea>?
  @Option(
    name: .long, help: "Leave every pixel to one mask: the one of higher predicted iou, or of smaller size.")
  var disjoint: MaskPriority?
  @Option(
    name: .long, help: ArgumentHelp("Ask only about points on this mask of the picture.", valueName: "file"))
  var within: String?
  @Option(
    name: .long, parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "A point to ask about instead of the grid, in pixels; may be repeated.", valueName: "x,y"))
  var point: [PointArgument] = []
  @Flag(name: .long, help: "Look at crops alone, not at the whole picture.")
  var cropsOnly = false
  @Option(name: .long, help: "For huge pictures: look at tiles of at most so many pixels a side.")
  var tile: Ranged<TileSide>?
  @Option(name: .long, help: "How many pixels around a tile are seen with it; by default an eighth of it.")
  var halo: Ranged<HaloWidth>?

  func validate() throws {
    guard halo == nil || tile != nil else { throw ValidationError("--halo needs --tile PIXELS") }
    guard point.allSatisfy({ $0.object == 1 && $0.click.isObject }) else {
      throw ValidationError("--point takes x,y alone here: every point is on an object of its own")
    }
  }

  func apply(to options: inout AutomaticMaskOptions) {
    options.regionArea = minRegionArea.value
    (options.smallestArea, options.largestArea) = (minArea.value, maxArea?.value)
    (options.priority, options.skipsWholePicture) = (disjoint, cropsOnly)
    if !point.isEmpty { options.points = point.map(\.click) }
    if let side = tile?.value { options.tiling = Tiling(side: side, halo: halo?.value ?? side / 8) }
  }

  /// The mask that a file holds; nil where none is named.
  func region() throws -> BinaryMask? { try within.map { try BinaryMask.read(path: $0) } }
}

extension MaskPriority: ExpressibleByArgument {}
extension MaskFormat: ExpressibleByArgument {}
