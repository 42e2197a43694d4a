import Files
import Masks
import Media

/// The masks of a tracked video as polygons: one file of every format for all frames.
struct TrackOutlines {
  let formats: [OutlineFormat]
  /// How far corners that are left out may lie off what remains, in pixels.
  let tolerance: Double

  /// Writes what a journal holds into a folder, masks numbered from 1 by frame and object.
  ///
  /// - Throws: `FileError`.
  func write(_ journal: TrackJournal, to folder: OutputFolder, _ source: any FrameSource) throws {
    for format in formats {
      var writer = try OutlineWriter(
        folder, as: format, width: source.width, height: source.height, tolerance: tolerance)
      var images: [OutlineWriter.Image] = []
      var id = 0
      for frame in journal.frames {
        guard let entry = try journal.entry(of: frame) else { continue }
        images.append(.init(id: frame, file_name: entry.mask, width: source.width, height: source.height))
        for object in entry.objects where object.mask.segmentation.area > 0 {
          id += 1
          try writer.append(object.mask.segmentation, id: id, place: (frame, object.object))
        }
      }
      try writer.finish(images: images)
    }
  }
}
