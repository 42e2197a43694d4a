// A folder of JPEG and PNG pictures as a video, in the order in which people count files.
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
    frameNames = try Self.names(in: path)
    self.path = path
    let picture = try Picture.read(path: path + "/" + frameNames[0])
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

  /// The names of a folder's pictures, in order.
  ///
  /// - Throws: `MediaError.file`, `.noFrames`.
  static func names(in path: String) throws(MediaError) -> [String] {
    let entries: [String]
    do { entries = try Folder.entries(path) } catch { throw .file(error) }
    let names = Self.names(among: entries)
    guard !names.isEmpty else { throw .noFrames(path: path) }
    return names
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

extension Picture {
  /// The names of a folder's JPEG and PNG pictures, in the order in which people count files.
  ///
  /// - Throws: `MediaError.file`, `.noFrames` where there is none.
  public static func names(inFolder path: String) throws(MediaError) -> [String] {
    try FrameFolder.names(in: path)
  }
}

/// A name cut into runs of digits and runs of anything else.
struct NaturalOrder: Comparable {
  private let parts: [Part]
  private let name: String

  private enum Part: Equatable {
    /// Digits without leading zeros, which may be longer than any integer.
    case number([UInt8])
    case text([UInt8])
  }

  /// The place of a name, given without its extension.
  init(_ name: String) {
    self.name = name
    var parts: [Part] = []
    var bytes = Array(name.utf8)[...]
    while let first = bytes.first {
      let isNumber = Self.isDigit(first)
      let run = bytes.prefix { Self.isDigit($0) == isNumber }
      bytes = bytes.dropFirst(run.count)
      parts.append(isNumber ? .number(Array(run.drop { $0 == UInt8(ascii: "0") })) : .text(Array(run)))
    }
    self.parts = parts
  }

  /// Numbers come before text, a name before its continuations, and names of equal numbers (`7`, `007`) in the order
  /// of their bytes.
  static func < (one: NaturalOrder, other: NaturalOrder) -> Bool {
    for (left, right) in zip(one.parts, other.parts) where left != right {
      switch (left, right) {
      case (.number(let left), .number(let right)):
        return left.count == right.count ? left.lexicographicallyPrecedes(right) : left.count < right.count
      case (.text(let left), .text(let right)): return left.lexicographicallyPrecedes(right)
      case (.number, .text): return true
      case (.text, .number): return false
      }
    }
    if one.parts.count != other.parts.count { return one.parts.count < other.parts.count }
    return one.name.utf8.lexicographicallyPrecedes(other.name.utf8)
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}
