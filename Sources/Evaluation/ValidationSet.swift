import Files
import Foundation
import Masks
import Media

/// A folder of pictures and clips with true masks: `pictures/<name>.jpg` beside `<name>.png`, and
/// `clips/<name>/frames` beside `clips/<name>/masks`. Masks are indexed PNGs of object numbers.
public struct ValidationSet: Sendable {
  /// A picture and its masks.
  public struct PictureFile: Sendable {
    /// Its name without extension.
    public let name: String
    /// The picture's file.
    public let picture: String
    let masks: String
  }

  /// A clip: a folder of frames and a folder of masks.
  public struct Clip: Sendable {
    /// Its folder's name.
    public let name: String
    /// The folder of frames.
    public let frames: String
    /// A mask for every frame, in order.
    let masks: [String]
  }

  /// In the order of their names.
  public let pictures: [PictureFile]
  /// In the order of their names.
  public let clips: [Clip]

  /// Lists a folder.
  ///
  /// - Throws: `EvaluationError` where there is neither a picture nor a clip, or a picture lacks its masks;
  ///   `FileError` where a folder can't be read.
  public init(folder: String) throws {
    pictures = try Self.entries("\(folder)/pictures").filter { $0.hasSuffix(".jpg") }.map { file in
      let name = String(file.dropLast(4))
      let masks = "\(folder)/pictures/\(name).png"
      guard FileManager.default.fileExists(atPath: masks) else { throw EvaluationError.missingMasks(masks) }
      return PictureFile(name: name, picture: "\(folder)/pictures/\(file)", masks: masks)
    }
    clips = try Self.entries("\(folder)/clips").map { name in
      let clip = "\(folder)/clips/\(name)"
      let masks = try Self.entries("\(clip)/masks").filter { $0.hasSuffix(".png") }.map {
        "\(clip)/masks/\($0)"
      }
      guard !masks.isEmpty else { throw EvaluationError.missingMasks("\(clip)/masks") }
      return Clip(name: name, frames: "\(clip)/frames", masks: masks)
    }
    guard !pictures.isEmpty || !clips.isEmpty else { throw EvaluationError.emptySet(folder) }
  }

  /// A folder's visible entries in order; none where there is no such folder.
  private static func entries(_ folder: String) throws -> [String] {
    guard FileManager.default.fileExists(atPath: folder) else { return [] }
    return try Folder.entries(folder)
  }
}

extension LabelMap {
  /// Reads object numbers for a picture of that size.
  static func read(path: String, of width: Int, _ height: Int) throws -> LabelMap {
    let labels = try LabelMap.read(path: path)
    guard labels.width == width, labels.height == height else {
      throw EvaluationError.wrongSize(
        path: path, expectedWidth: width, expectedHeight: height, foundWidth: labels.width,
        foundHeight: labels.height)
    }
    return labels
  }
}

/// What can be wrong with a validation set.
public enum EvaluationError: Error, Equatable, CustomStringConvertible {
  /// A folder without pictures and clips.
  case emptySet(String)
  /// A picture or clip without masks.
  case missingMasks(String)
  /// A mask of another size than its picture.
  case wrongSize(path: String, expectedWidth: Int, expectedHeight: Int, foundWidth: Int, foundHeight: Int)
  /// A clip with another number of frames than of masks.
  case wrongCount(clip: String, frames: Int, masks: Int)

  /// One sentence naming the thing, what was expected and what was found.
  public var description: String {
    switch self {
    case .emptySet(let folder):
      "\(folder): expected pictures/NAME.jpg with NAME.png, or clips/NAME/frames and masks; found neither"
    case .missingMasks(let path): "\(path): expected an indexed PNG of object numbers, found none"
    case .wrongSize(let path, let width, let height, let foundWidth, let foundHeight):
      "\(path): expected masks of \(width) × \(height) pixels, found \(foundWidth) × \(foundHeight)"
    case .wrongCount(let clip, let frames, let masks):
      "\(clip): expected a mask for each of \(frames) frames, found \(masks)"
    }
  }
}
