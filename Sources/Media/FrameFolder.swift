// A folder of pictures of one kind as a video, in the order in which people count files.
// Source: sam2/utils/misc.py, load_video_frames_from_jpg_images.

import Files

/// The pictures of a folder in natural order, each decoded when it is asked for.
///
/// The official loader sorts by `int(stem)` and takes JPEGs alone, which stand before all other kinds here; where it works
/// this gives the same frames. What is left aside is said.
final class FrameFolder: FrameSource {
  let path: String
  let frameRate: Double? = nil
  let damage: [VideoDamage] = []
  let frameNames: [String]
  private let range: SampleRange
  private let leftAside: [String]
  private let pictures: PictureFrames

  var width: Int { pictures.width }
  var height: Int { pictures.height }
  var count: Int? { frameNames.count }

  var notes: [String] {
    leftAside + pictures.notes.map { "\(frameNames[$0.frame]): \($0.note)" }
  }

  /// Lists a folder and reads its first frame.
  ///
  /// - Throws: `MediaError.file`, `.noFrames`, `.sameNumber`, and what `Picture.read` throws.
  init(path: String, range: SampleRange = .pillow) throws(MediaError) {
    let found: FrameNames
    do { found = try FrameNames(Folder.entries(path).filter { !FilePath.isFolder("\(path)/\($0)") }) } catch {
      throw .file(error)
    }
    if let (one, other) = found.sameNumber { throw .sameNumber(path: path, names: [one, other]) }
    guard let first = found.frames.first else { throw .noFrames(path: path, found: found.leftAsideWords) }
    self.path = path
    frameNames = found.frames
    leftAside = found.leftAside
    self.range = try range.settled { () throws(MediaError) in
      var span: ClosedRange<Double>?
      for name in found.frames { span = try Picture.deepSpan(path: "\(path)/\(name)").joined(with: span) }
      return span
    }
    pictures = PictureFrames(try Picture.read(path: "\(path)/\(first)", range: self.range))
  }

  func frame(at index: Int) throws(MediaError) -> VideoFrame? {
    guard frameNames.indices.contains(index) else { return nil }
    let framePath = "\(path)/\(frameNames[index])"
    return try pictures.frame(at: index, named: framePath) { () throws(MediaError) -> Picture in
      try Picture.read(path: framePath, range: range)
    }
  }
}
