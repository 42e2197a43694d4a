import Masks

/// The masks of a tracked video as polygons: one file for all frames.
struct TrackOutlines: Codable {
  let format: OutlineFormat
  /// How far corners that are left out may lie off what remains, in pixels.
  let tolerance: Double

  /// Writes frames' masks into a file, numbered from 1 by frame and object; the file appears whole or not at all.
  ///
  /// - Parameters:
  ///   - width: Pixels per row of the video.
  ///   - height: Rows of the video.
  ///   - entry: The frame in that place, of `count`; nil for none.
  /// - Throws: `FileError`, what `entry` throws.
  func write(
    to path: String, width: Int, height: Int, count: Int, _ entry: (Int) throws -> TrackEntry?
  ) throws {
    var writer = try OutlineWriter(path: path, as: format, width: width, height: height, tolerance: tolerance)
    var images: [OutlineWriter.Image] = []
    var id = 0
    for index in 0..<count {
      guard let entry = try entry(index) else { continue }
      images.append(.init(id: entry.frame, file_name: entry.mask, width: width, height: height))
      for object in entry.objects where object.mask.segmentation.area > 0 {
        id += 1
        try writer.append(object.mask.segmentation, id: id, place: (entry.frame, object.object))
      }
    }
    try writer.finish(images: images)
  }
}
