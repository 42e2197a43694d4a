// What the automatic mask generator is asked for. Source: sam2/automatic_mask_generator.py, SAM2AutomaticMaskGenerator.

public import Masks
public import Prompts

/// A place in a picture, of whatever size it is.
public struct UnitPoint: Sendable, Hashable {
  /// From 0, the left edge, to 1, the right one.
  public let x: Double
  /// From 0, the top edge, to 1, the bottom one.
  public let y: Double

  /// The place at (x, y), each from 0 to 1.
  public init(x: Double, y: Double) {
    self.x = x
    self.y = y
  }
}

/// What to ask a model about a whole picture, and which of its answers to keep. As it is made, it is what the official
/// generator does unless told otherwise.
public struct AutomaticMaskOptions: Sendable, Equatable {
  /// How many points stand along either side of the grid: the model is asked about each.
  public var pointsPerSide = 32
  /// How many points one call of the decoder is about: half of the official 64, which takes more memory and gives the
  /// same masks in the same time.
  public var pointsPerBatch = 32
  /// Points instead of the grid, a list for each crop layer from 0.
  public var pointGrids: [[UnitPoint]]?
  /// Points instead of the grid, in pixels of the picture; each crop gets those in it.
  public var points: [Click]?
  /// Only points on this mask of the picture's size are asked about.
  public var region: BinaryMask?

  /// Whether each point gets three masks rather than one.
  public var multimask = true
  /// Whether each mask is predicted once more, from its point and itself.
  public var refines = false

  /// Masks are kept if their predicted IoU exceeds this; 0 keeps all.
  public var iouThreshold: Float = 0.8
  /// Masks are kept if their stability score is at least this; 0 keeps all.
  public var stabilityThreshold: Float = 0.95
  /// By how much logits are raised and lowered for the stability score.
  public var stabilityOffset: Float = 1
  /// The logit that pixels of a mask exceed.
  public var maskThreshold: Float = 0
  /// Of two masks found in one crop the worse one goes if their boxes' IoU exceeds this.
  public var boxNMSThreshold: Float = 0.7

  /// How many layers of crops are looked at beside the whole picture: layer n has 2ⁿ times 2ⁿ.
  public var cropLayers = 0
  /// Whether the whole picture is left out where there are crops.
  public var skipsWholePicture = false
  /// Of masks found in different crops the one of the larger crop goes if their boxes' IoU exceeds this.
  public var cropNMSThreshold: Float = 0.7
  /// How far crops of the first layer overlap, as a part of the picture's shorter side; halved with every layer.
  public var cropOverlap = 512.0 / 1500
  /// By what the points along a side are divided with every layer.
  public var cropPointsDownscale = 1
  /// Tiles instead of the whole picture and its crops.
  public var tiling: Tiling?

  /// Regions of at most so many elements of the decoder's masks are filled or removed before a mask is brought to the
  /// picture's size: what the official `min_mask_region_area` does where its extension is there.
  public var lowResRegionArea = 0
  /// Holes and islands of fewer pixels of the picture are filled and removed in the end, and duplicates that this makes
  /// dropped: what `min_mask_region_area` did in SAM 1.
  public var regionArea = 0
  /// What is done to masks in the end; those of which nothing is left are dropped.
  public var cleanUp = CleanUp()
  /// Masks of fewer pixels are dropped.
  public var smallestArea = 0
  /// Masks of more pixels are dropped; nil for none.
  public var largestArea: Int?
  /// Whether and how masks give way so that every pixel belongs to one at most.
  public var priority: MaskPriority?

  /// What the official generator does unless told otherwise.
  public init() {}

  /// Throws if a number is outside its range.
  ///
  /// - Throws: `SAM2Error.outOfRange`.
  public func check() throws(SAM2Error) {
    func require<Found>(
      _ isFine: Bool, _ name: String, _ expected: String, _ found: Found
    ) throws(SAM2Error) {
      guard isFine else { throw .outOfRange(name: name, expected: expected, found: "\(found)") }
    }
    let unit: ClosedRange<Float> = 0...1
    try require((1...4096).contains(pointsPerSide), "points per side", "1 to 4096", pointsPerSide)
    try require((1...4096).contains(pointsPerBatch), "points per batch", "1 to 4096", pointsPerBatch)
    try require(unit.contains(iouThreshold), "IoU threshold", "0 to 1", iouThreshold)
    try require(unit.contains(stabilityThreshold), "stability threshold", "0 to 1", stabilityThreshold)
    try require((0...1e6).contains(stabilityOffset), "stability offset", "0 to 1000000", stabilityOffset)
    try require(
      (-1e6...1e6).contains(maskThreshold), "mask threshold", "a finite number from -1000000 to 1000000",
      maskThreshold)
    try require(unit.contains(boxNMSThreshold), "box NMS threshold", "0 to 1", boxNMSThreshold)
    try require(unit.contains(cropNMSThreshold), "crop NMS threshold", "0 to 1", cropNMSThreshold)
    try require((0...8).contains(cropLayers), "crop layers", "0 to 8", cropLayers)
    try require((0..<1).contains(cropOverlap), "crop overlap", "0 to less than 1", cropOverlap)
    try require(
      (1...4096).contains(cropPointsDownscale), "crop points downscale", "1 to 4096", cropPointsDownscale)
    let areas = 0...Int(Int32.max)
    let words = "0 to \(areas.upperBound)"
    try require(areas.contains(lowResRegionArea), "low-res region area", words, lowResRegionArea)
    try require(areas.contains(regionArea), "region area", words, regionArea)
    try require(areas.contains(smallestArea), "smallest area", words, smallestArea)
    if let largestArea {
      let least = max(1, smallestArea)
      try require(
        largestArea >= least && areas.contains(largestArea), "largest area",
        "at least \(least), at most \(areas.upperBound)", largestArea)
    }
    if let tiling {
      let sides = Tiling.sides
      try require(
        sides.contains(tiling.side), "tile side", "\(sides.lowerBound) to \(sides.upperBound)", tiling.side)
      try require(
        (0...tiling.side).contains(tiling.halo), "tile halo", "0 to the tile's \(tiling.side)", tiling.halo)
      try require(cropLayers == 0, "crop layers", "0 beside tiles", cropLayers)
    }
    try require(!skipsWholePicture || cropLayers > 0, "crop layers", "at least 1 for crops alone", cropLayers)
    if let pointGrids {
      let expected =
        cropLayers == 0 ? "one, since no crops are asked for" : "one for each of \(cropLayers + 1) layers"
      try require(pointGrids.count == cropLayers + 1, "point grids", expected, pointGrids.count)
      for (layer, grid) in pointGrids.enumerated() {
        try require(!grid.isEmpty, "the point grid of layer \(layer)", "a point", "none")
      }
      for point in pointGrids.joined() {
        try require(
          (0...1).contains(point.x) && (0...1).contains(point.y), "a grid's point", "0 to 1", (point.x, point.y)
        )
      }
    }
  }
}

/// A picture cut into tiles, each looked at with some of what surrounds it.
public struct Tiling: Sendable, Hashable {
  /// How long a tile's sides may be, in pixels: the model sees each by itself.
  public static let sides = 32...1 << 20

  /// The length of a tile's sides at most, in pixels.
  public var side: Int
  /// How much of its surroundings is seen on each side, in pixels. A mask that reaches its end is dropped.
  public var halo: Int

  /// Tiles of `side` × `side` pixels, seen with `halo` pixels around.
  public init(side: Int, halo: Int) {
    self.side = side
    self.halo = halo
  }
}

/// Which of two masks keeps the pixels that both have.
public enum MaskPriority: String, Sendable, Hashable, CaseIterable {
  /// The one with the higher predicted IoU.
  case iou
  /// The smaller one, so that parts stand before wholes.
  case size
}
