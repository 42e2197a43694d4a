public import Files

/// What can go wrong with pictures and videos, with the file and what was found.
public enum MediaError: Error, Equatable, CustomStringConvertible {
  /// The file could not be read or written at all.
  case file(FileError)
  /// The file says that it is a picture, but its content is damaged or cut off.
  case corrupt(path: String, reason: String)
  /// The file is something other than a picture that can be read here.
  case unsupportedKind(path: String, found: String)
  /// The picture has more pixels than `limit`.
  case tooLarge(path: String, width: Int, height: Int, limit: Int)
  /// The picture claims many pixels, for which its file has hardly any bytes.
  case emptyClaim(path: String, width: Int, height: Int, bytes: Int)
  /// The pixels could not be encoded as a file.
  case couldNotEncode(path: String, reason: String)
  /// A folder that was to be a video holds no picture; `found` says what it has.
  case noFrames(path: String, found: String? = nil)
  /// Frames that a video doesn't have.
  case noSuchFrames(path: String, asked: String, count: Int?)
  /// One of several videos that a file doesn't have; a folder has none.
  case noSuchStream(path: String, asked: Int, count: Int)
  /// A video to be written whose name asks for no container that is written here.
  case unknownContainer(path: String)
  /// Two of a folder's frames have one number.
  case sameNumber(path: String, names: [String])
  /// A picture that was to be one object's mask isn't.
  case unclearMask(path: String, found: String)
  /// A frame is of another size than the video's first.
  case frameSizeMismatch(
    path: String, expectedWidth: Int, expectedHeight: Int, foundWidth: Int, foundHeight: Int)
  /// A media file without pictures: `found` says what it has.
  case noVideoStream(path: String, found: String)
  /// A file that is no video, or not one frame of which can be decoded.
  case undecodableVideo(path: String, reason: String)
  /// No frames can be written: no encoder, a size or a time that no video has, or the encoder's own complaint.
  case couldNotEncodeVideo(path: String, reason: String)

  /// One sentence naming the file, what was expected and what was found.
  public var description: String {
    switch self {
    case .file(let error): error.description
    case .corrupt(let path, let reason): "\(path): the picture is damaged: \(reason)"
    case .unsupportedKind(let path, let found):
      "\(path): expected a JPEG, PNG, WebP, TIFF, AVIF, JPEG 2000, BMP, GIF or PPM picture, found \(found)"
    case .tooLarge(let path, let width, let height, let limit):
      "\(path): expected at most \(limit) pixels, found \(width) × \(height)"
    case .emptyClaim(let path, let width, let height, let bytes):
      "\(path): expected a file as large as \(width) × \(height) pixels take at least, found \(bytes) bytes; if it is "
        + "whole, make the picture smaller"
    case .couldNotEncode(let path, let reason): "\(path): the picture can't be encoded: \(reason)"
    case .noFrames(let path, let found):
      "\(path): expected a folder of JPEG, PNG or other pictures, found \(found ?? "none in it")"
    case .noSuchFrames(let path, let asked, let count):
      "\(path): expected frames of the video\(count.map { ", which has \($0), counted from 0" } ?? ""), found \(asked)"
    case .noSuchStream(let path, _, 0):
      "\(path): expected a file with several videos for --stream, found pictures; leave out --stream"
    case .noSuchStream(let path, let asked, let count):
      "\(path): expected one of its \(count) video streams, counted from 0, found \(asked)"
        + (count > 1 ? "" : "; leave out --stream")
    case .unknownContainer(let path):
      "\(path): expected the name of a video to write, which ends in \(VideoContainer.endings), found another; rename it"
    case .sameNumber(let path, let names):
      "\(path): expected one frame of each number, found \(names.joined(separator: " and ")); "
        + "rename or remove one of them"
    case .unclearMask(let path, let found): "\(path): expected the mask of one object, found \(found)"
    case .frameSizeMismatch(let path, let expectedWidth, let expectedHeight, let foundWidth, let foundHeight):
      "\(path): expected \(expectedWidth) × \(expectedHeight) pixels as the first frame has, "
        + "found \(foundWidth) × \(foundHeight)"
    case .noVideoStream(let path, let found): "\(path): expected a video, found \(found)"
    case .undecodableVideo(let path, let reason): "\(path): the video can't be decoded: \(reason)"
    case .couldNotEncodeVideo(let path, let reason): "\(path): the video can't be encoded: \(reason)"
    }
  }
}
