// A folder of JPEG and PNG pictures as a video.
// Source: sam2/utils/misc.py, load_video_frames_from_jpg_images.

import Files
import Foundation
import Synchronization

/// The pictures of a folder in natural order, each decoded when it is asked for.
///
/// The official loader sorts by `int(stem)` and takes JPEG only; where it works this gives the same frames. Hidden
/// files and files of other extensions are left out.
final class FrameFolder: FrameSource {
  let path: String
  let width: Int
  let height: Int
  let frameRate: Double? = nil
  let damage: [VideoDamage] = []
  let frameNames: [String]
  /// The last few frames, for steps back and forth.
  private let recent: Mutex<[VideoFrame]>

  private static let recentLimit = 3
  private static let extensions: Set = ["jpg", "jpeg", "png"]

  var count: Int? { frameNames.count }

  /// Lists a folder and reads its first frame.
  ///
  /// - Throws: `MediaError.file`, `.noFrames`, and what `Picture.read` throws.
  init(path: String) throws(MediaError) {
    let entries: [String]
    do {
      entries = try FileManager.default.contentsOfDirectory(atPath: path)
    } catch {
      throw .file(.unreadable(path: path, reason: error.localizedDescription))
    }
    frameNames = Self.names(among: entries)
    guard let first = frameNames.first else { throw .noFrames(path: path) }
    self.path = path
    let picture = try Picture.read(path: path + "/" + first)
    (width, height) = (picture.width, picture.height)
    recent = Mutex(
      [VideoFrame(index: 0, timestamp: nil, width: width, height: height, content: .picture(picture))])
  }

  /// The names that are frames, in order; of equal stems (`1.jpg`, `1.png`) in the order of their extensions.
  static func names(among entries: [String]) -> [String] {
    entries.compactMap { name -> (order: NaturalOrder, name: String)? in
      guard !name.hasPrefix("."), let dot = name.lastIndex(of: "."),
        extensions.contains(name[name.index(after: dot)...].lowercased())
      else { return nil }
      return (NaturalOrder(String(name[..<dot])), name)
    }.sorted { one, other in
      one.order == other.order ? one.name < other.name : one.order < other.order
    }.map(\.name)
  }

  func frame(at index: Int) throws(MediaError) -> VideoFrame? {
    guard frameNames.indices.contains(index) else { return nil }
    if let known = recent.withLock({ frames in frames.first { $0.index == index } }) { return known }
    let framePath = path + "/" + frameNames[index]
    let picture = try Picture.read(path: framePath)
    guard picture.width == width, picture.height == height else {
      throw .frameSizeMismatch(
        path: framePath, expectedWidth: width, expectedHeight: height, foundWidth: picture.width,
        foundHeight: picture.height)
    }
    let frame = VideoFrame(
      index: index, timestamp: nil, width: width, height: height, content: .picture(picture))
    recent.withLock { $0 = $0.suffix(Self.recentLimit - 1) + [frame] }
    return frame
  }
}
