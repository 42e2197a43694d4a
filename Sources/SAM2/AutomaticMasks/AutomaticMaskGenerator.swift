import Architecture
import Kernels
public import Masks
import Prompts
public import Tensors

/// Finds masks for everything in a picture: asks about a grid of points, and keeps what is good and no duplicate.
///
/// Source: sam2/automatic_mask_generator.py, SAM2AutomaticMaskGenerator. What may differ is the order of work: masks
/// whose predicted IoU is too low are never brought to the picture's size, and the others one at a time.
public struct AutomaticMaskGenerator: Sendable {
  /// What it asks for and keeps.
  public let options: AutomaticMaskOptions
  private let predictor: ImagePredictor

  /// How near to the edge of a crop a mask is taken to be cut by it, in pixels.
  /// Source: sam2/utils/amg.py, is_box_near_crop_edge.
  private static let edgeReach = 20

  /// A generator over `model`.
  ///
  /// - Throws: `SAM2Error.outOfRange`.
  public init(_ model: SAM2Base, _ options: AutomaticMaskOptions = AutomaticMaskOptions()) throws(SAM2Error) {
    try options.check()
    predictor = ImagePredictor(model)
    self.options = options
  }

  /// Throws what `generate` would for a picture of that size, before any work is done.
  ///
  /// - Throws: `SAM2Error`.
  public func check(width: Int, height: Int) throws(SAM2Error) {
    _ = try CropGrid(options, width: width, height: height)
  }

  /// The masks of a picture, in the order that the official generator has them.
  ///
  /// - Parameters:
  ///   - width: the picture's width in pixels.
  ///   - height: its height in pixels.
  ///   - progress: is told how far it is, after every batch of points; what it throws ends the work.
  ///   - image: gives a part of the picture as `[3, S, S]`, resized to the model's `imageSize` and normalised.
  /// - Throws: `SAM2Error`, and what the closures throw.
  public func generate(
    width: Int, height: Int, _ run: Run = Run(), progress: (AutomaticMaskProgress) throws -> Void = { _ in },
    image: (PixelBox) throws -> Tensor
  ) throws -> [AutomaticMask] {
    try generate(width: width, height: height, run, progress) { box in
      try predictor.embed(image(box), width: box.width, height: box.height, run)
    }
  }

  /// The masks of a picture that was embedded as a whole; there can be no crops.
  ///
  /// - Parameter progress: is told how far it is, after every batch of points; what it throws ends the work.
  /// - Throws: `SAM2Error`, and what the closure throws.
  public func generate(
    in embedding: ImageEmbedding, _ run: Run = Run(),
    progress: (AutomaticMaskProgress) throws -> Void = { _ in }
  ) throws -> [AutomaticMask] {
    guard options.cropLayers == 0, options.tiling == nil else {
      throw SAM2Error.outOfRange(
        name: "crops of an embedded picture", expected: "none, since only the whole was embedded",
        found: options.tiling == nil ? "\(options.cropLayers) layers" : "tiles")
    }
    return try generate(width: embedding.width, height: embedding.height, run, progress) { _ in embedding }
  }

  private func generate(
    width: Int, height: Int, _ run: Run, _ progress: (AutomaticMaskProgress) throws -> Void,
    embed: (PixelBox) throws -> ImageEmbedding
  ) throws -> [AutomaticMask] {
    let crops = try CropGrid(options, width: width, height: height).crops
    let total = crops.reduce(0) { $0 + $1.points.count }
    var done = 0
    var found: [AutomaticMask] = []
    for crop in crops where !crop.points.isEmpty {
      let embedding = try embed(crop.box)
      let scan = CropScan(
        options, crop: crop.box, frame: (width, height),
        side: 4 * predictor.model.configuration.imageEmbeddingSize)
      var masks: [AutomaticMask] = []
      for start in stride(from: 0, to: crop.points.count, by: options.pointsPerBatch) {
        let clicks = Array(crop.points[start..<min(start + options.pointsPerBatch, crop.points.count)])
        masks += try ask(about: clicks, in: embedding, run, scan)
        done += clicks.count
        try progress(AutomaticMaskProgress(done: done, total: total, masks: found.count + masks.count))
      }
      let kept = PixelBox.suppressing(
        masks.map(\.bounds), scores: masks.map(\.predictedIoU), above: options.boxNMSThreshold)
      found += kept.map { masks[$0] }
    }
    if crops.count > 1 { found = withoutDuplicates(found) }
    if options.regionArea > 0 { found = found.withoutSmallRegions(options) }
    if !options.cleanUp.isEmpty { found = found.cleaned(by: options.cleanUp) }
    found.removeAll { $0.area < options.smallestArea || $0.area > options.largestArea ?? .max }
    return options.priority.map { found.disjoint(by: $0) } ?? found
  }

  /// One mask of those that different crops have in common: of the smallest crop, of tiles the best.
  private func withoutDuplicates(_ masks: [AutomaticMask]) -> [AutomaticMask] {
    let scores = masks.map { mask in
      options.tiling == nil ? 1 / Float(mask.cropBox.width * mask.cropBox.height) : mask.predictedIoU
    }
    return PixelBox.suppressing(masks.map(\.bounds), scores: scores, above: options.cropNMSThreshold)
      .map { masks[$0] }
  }

  /// The masks at some points that are good enough, and not cut by the crop's edge.
  private func ask(
    about clicks: [Click], in embedding: ImageEmbedding, _ run: Run, _ scan: CropScan
  ) throws -> [AutomaticMask] {
    let first = try predictor.predict(
      clicks.map { Prompt(points: [$0]) }, in: embedding, multimask: options.multimask, run)
    let count = first.maskCount
    guard options.refines else {
      return try scan.masks(first, of: (0..<clicks.count * count).map { clicks[$0 / count] })
    }
    var masks: [AutomaticMask] = []
    let candidates = (0..<clicks.count * count).map { place in
      Prompt(
        points: [clicks[place / count]],
        maskLogits: first.promptLogits(object: place / count, mask: place % count))
    }
    for start in stride(from: 0, to: candidates.count, by: options.pointsPerBatch) {
      let batch = Array(candidates[start..<min(start + options.pointsPerBatch, candidates.count)])
      let refined = try predictor.predict(batch, in: embedding, multimask: false, run)
      masks += try scan.masks(refined, of: batch.map { $0.points[0] })
    }
    return masks
  }

  /// What looks through the masks of one crop.
  private struct CropScan {
    let options: AutomaticMaskOptions
    let crop: PixelBox
    let frame: (width: Int, height: Int)
    let rows: ResizedRows
    let thresholds: MaskScan.Thresholds

    /// - Parameter side: of the decoder's masks.
    init(_ options: AutomaticMaskOptions, crop: PixelBox, frame: (width: Int, height: Int), side: Int) {
      self.options = options
      self.crop = crop
      self.frame = frame
      rows = ResizedRows(from: (side, side), to: (crop.height, crop.width), by: .bilinear)
      thresholds = MaskScan.Thresholds(mask: options.maskThreshold, offset: options.stabilityOffset)
    }

    /// The masks of a prediction that are kept, in its order.
    ///
    /// - Parameter clicks: what each was found at, in pixels of the crop.
    /// - Throws: `SAM2Error.notNumbers`.
    func masks(_ prediction: Prediction, of clicks: [Click]) throws(SAM2Error) -> [AutomaticMask] {
      let ious = prediction.iou.elements
      guard !ious.contains(where: \.isNaN) else { throw .notNumbers("IoU") }
      let chosen = ious.indices.filter { options.iouThreshold <= 0 || ious[$0] > options.iouThreshold }
      var scanned = [AutomaticMask?](repeating: nil, count: chosen.count)
      scanned.withUnsafeMutableBufferPointer { scanned in
        parallelFor(chosen.count, grain: 1, scratch: rows.source.width + crop.width) { range, scratch in
          for place in range {
            let index = chosen[place]
            let (object, mask) = index.quotientAndRemainder(dividingBy: prediction.maskCount)
            let low = prediction.logits[object][mask].withoutSmallRegions(area: options.lowResRegionArea)
            scanned[place] = kept(scan(low, scratch), iou: ious[index], clicks[index])
          }
        }
      }
      return scanned.compactMap { $0 }
    }

    /// Brings a mask to the crop's size, a row at a time and only where it may be.
    private func scan(_ low: Tensor, _ scratch: UnsafeMutablePointer<Float>) -> ScannedMask {
      low.withElements { logits in
        let (height, width) = rows.source
        // Sums of what is not above the lowest threshold may be by a rounding.
        let floor = thresholds.lowest - 1e-5 * (1 + abs(thresholds.lowest))
        var (top, bottom, left, right) = (height, -1, width, -1)
        for y in 0..<height {
          let row = UnsafeBufferPointer(rebasing: logits[y * width..<(y + 1) * width])
          guard let first = row.firstIndex(where: { !($0 <= floor) }),
            let last = row.lastIndex(where: { !($0 <= floor) })
          else { continue }
          (top, bottom, left, right) = (min(top, y), y, min(left, first), max(right, last))
        }
        let lines = bottom < 0 ? 0..<0 : rows.rowsTouched(by: top..<bottom + 1)
        let columns = bottom < 0 ? 0..<0 : rows.columnsTouched(by: left..<right + 1)
        var scan = MaskScan(
          width: frame.width, height: frame.height,
          columns: crop.x + columns.lowerBound..<crop.x + columns.upperBound, from: crop.y + lines.lowerBound,
          thresholds)
        let target = scratch + width
        for y in lines where !columns.isEmpty {
          rows.compute(row: y, columns, of: logits.start, scratch: scratch, into: target)
          scan.add(UnsafeBufferPointer(start: target, count: columns.count))
        }
        return scan.finish()
      }
    }

    /// The record of a mask; nil where it isn't kept.
    private func kept(_ mask: ScannedMask, iou: Float, _ click: Click) -> AutomaticMask? {
      if options.stabilityThreshold > 0 {
        guard let stability = mask.stabilityScore, stability >= options.stabilityThreshold else { return nil }
      }
      let bounds = mask.area > 0 ? mask.bounds : PixelBox(x: crop.x, y: crop.y, width: 0, height: 0)
      guard !isCut(bounds) else { return nil }
      return AutomaticMask(
        segmentation: mask.runs, area: mask.area, bounds: bounds, predictedIoU: iou,
        point: (Float(click.x) + Float(crop.x), Float(click.y) + Float(crop.y)),
        stabilityScore: mask.stabilityScore ?? 0, cropBox: crop)
    }

    /// Whether a box is near an edge of the crop that is no edge of the picture.
    private func isCut(_ bounds: PixelBox) -> Bool {
      let box = bounds.corners
      func isNear(_ place: Int, _ cropEdge: Int, _ pictureEdge: Int) -> Bool {
        abs(place - cropEdge) <= AutomaticMaskGenerator.edgeReach
          && abs(place - pictureEdge) > AutomaticMaskGenerator.edgeReach
      }
      return isNear(box.x0, crop.x, 0) || isNear(box.y0, crop.y, 0)
        || isNear(box.x1, crop.x + crop.width, frame.width)
        || isNear(box.y1, crop.y + crop.height, frame.height)
    }
  }
}

extension [AutomaticMask] {
  /// Holes and islands of fewer pixels filled and removed, then duplicates dropped, of which those that changed go first.
  /// Source: sam2/automatic_mask_generator.py, postprocess_small_regions.
  fileprivate func withoutSmallRegions(_ options: AutomaticMaskOptions) -> [AutomaticMask] {
    var cleaned = self
    var scores = [Float](repeating: 1, count: count)
    for index in indices {
      let before = self[index].mask
      let after = before.fillingHoles(area: options.regionArea - 1)
        .removingIslands(area: options.regionArea - 1)
      guard after != before else { continue }
      scores[index] = 0
      cleaned[index] = cleaned[index].covering(RunLengthEncoding(after))
    }
    return PixelBox.suppressing(
      cleaned.map(\.bounds), scores: scores,
      above: Swift.max(options.boxNMSThreshold, options.cropNMSThreshold)
    ).map { cleaned[$0] }
  }

  /// Masks as a clean-up leaves them; those of which it leaves nothing are dropped.
  fileprivate func cleaned(by cleanUp: CleanUp) -> [AutomaticMask] {
    compactMap { mask in
      let cleaned = mask.covering(RunLengthEncoding(cleanUp(mask.mask)))
      return cleaned.area > 0 ? cleaned : nil
    }
  }

  /// Every pixel left to one mask; those that lose all of theirs are dropped.
  fileprivate func disjoint(by priority: MaskPriority) -> [AutomaticMask] {
    let order = indices.sorted { one, other in
      switch priority {
      case .iou where self[one].predictedIoU != self[other].predictedIoU:
        return self[one].predictedIoU > self[other].predictedIoU
      case .size where self[one].area != self[other].area: return self[one].area < self[other].area
      default: return one < other
      }
    }
    let parts = RunLengthEncoding.disjoint(order.map { self[$0].segmentation })
    let places = Dictionary(uniqueKeysWithValues: zip(order, parts))
    return indices.compactMap { index in
      guard let runs = places[index], runs.area > 0 else { return nil }
      return self[index].covering(runs)
    }
  }
}
