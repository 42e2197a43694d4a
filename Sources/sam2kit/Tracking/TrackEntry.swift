import Media
import SAM2

/// One frame's masks, a line of `tracks.json`.
struct TrackEntry: Codable {
  /// One object's mask.
  struct Object: Codable {
    /// COCO's compressed run-length encoding.
    struct Encoding: Codable {
      let size: [Int]
      let counts: String
    }
    let object: Int
    let segmentation: Encoding
    let bbox: [Int]
    let area: Int
    /// The estimated IoU of the mask.
    let score: Float
    /// The logit of the object's presence.
    let objectScore: Float
  }

  let frame: Int
  /// Seconds since the first frame, where the video says.
  let time: Double?
  /// The indexed PNG's name.
  let mask: String
  var objects: [Object]

  init(_ masks: FrameMasks, time: Double?, mask: String) {
    frame = masks.frame
    self.time = time
    self.mask = mask
    objects = zip(masks.objects, masks.logits()).compactMap { object, logits in
      guard let presence = object.objectScore, let score = object.predictedIoU else { return nil }
      return Object(object.id, BinaryMask(logits: logits), score: score, objectScore: presence)
    }
  }

  /// This entry with those objects of an earlier one that are still tracked and that this doesn't speak of.
  func filled(from earlier: TrackEntry, of objects: [Int]) -> TrackEntry {
    var filled = self
    let known = Set(self.objects.map(\.object))
    filled.objects += earlier.objects.filter { !known.contains($0.object) && objects.contains($0.object) }
    filled.objects.sort { $0.object < $1.object }
    return filled
  }

  /// Every object's mask.
  func masks() throws -> [(object: Int, mask: BinaryMask)] {
    try objects.map { ($0.object, try $0.mask()) }
  }
}

extension TrackEntry.Object {
  init(_ id: Int, _ mask: BinaryMask, score: Float, objectScore: Float) {
    let bounds = mask.bounds
    object = id
    segmentation = Encoding(size: [mask.height, mask.width], counts: RunLengthEncoding(mask).compressed)
    bbox = [bounds.x, bounds.y, bounds.width, bounds.height]
    area = mask.area
    self.score = score
    self.objectScore = objectScore
  }

  fileprivate func mask() throws -> BinaryMask {
    guard segmentation.size.count == 2 else {
      throw MediaError.malformedRunLengths(reason: "expected [height, width], found \(segmentation.size)")
    }
    return BinaryMask(
      try RunLengthEncoding(
        width: segmentation.size[1], height: segmentation.size[0], compressed: segmentation.counts))
  }
}
