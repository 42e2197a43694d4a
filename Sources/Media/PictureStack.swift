// One file of several pictures as a video: the pages of a TIFF.

import Files
import Synchronization

/// The pages of a TIFF, each decoded when it is asked for and prepared as a folder's pictures are.
final class PictureStack: FrameSource {
  let path: String
  let width: Int
  let height: Int
  let frameRate: Double? = nil
  let damage: [VideoDamage] = []
  let frameNames: [String] = []
  private let range: SampleRange
  private let pageCount: Int
  private let file: MappedFile
  private let tiff: Mutex<TIFFFile>
  private let recent: Mutex<[VideoFrame]>
  private let readingNotes: Mutex<FrameNotes>

  private static let recentLimit = 3

  var count: Int? { pageCount }

  var notes: [String] { readingNotes.withLock(\.sentences).map { "page \($0.frame + 1): \($0.note)" } }

  /// Whether a file is a TIFF.
  ///
  /// - Throws: `MediaError.file`.
  static func isStack(path: String) throws(MediaError) -> Bool {
    let file: MappedFile
    do { file = try MappedFile(path: path) } catch { throw .file(error) }
    return withExtendedLifetime(file) { PictureKind(of: file.bytes) == .tiff }
  }

  /// Opens a TIFF and reads its first page.
  ///
  /// - Throws: `MediaError.file`, and what `Picture.read` throws.
  init(path: String, range: SampleRange) throws(MediaError) {
    do { file = try MappedFile(path: path) } catch { throw .file(error) }
    self.path = path
    let tiff = try TIFFFile(file.bytes, path: path)
    pageCount = tiff.pageCount
    var span: ClosedRange<Double>?
    if range == .automatic {
      for page in 0..<tiff.pageCount { span = try tiff.deepSpan(page).joined(with: span) }
    }
    self.range = try range.settled { () throws(MediaError) in span }
    let picture = try tiff.picture(0, range: self.range)
    (width, height) = (picture.width, picture.height)
    self.tiff = Mutex(tiff)
    recent = Mutex(
      [VideoFrame(index: 0, timestamp: nil, width: width, height: height, content: .picture(picture))])
    readingNotes = Mutex(FrameNotes(picture.notes, of: 0))
  }

  func frame(at index: Int) throws(MediaError) -> VideoFrame? {
    guard (0..<pageCount).contains(index) else { return nil }
    if let known = recent.withLock({ frames in frames.first { $0.index == index } }) { return known }
    let picture = try tiff.withLock { tiff throws(MediaError) in try tiff.picture(index, range: range) }
    guard picture.width == width, picture.height == height else {
      throw .frameSizeMismatch(
        path: "\(path), page \(index + 1)", expectedWidth: width, expectedHeight: height,
        foundWidth: picture.width, foundHeight: picture.height)
    }
    readingNotes.withLock { $0.add(picture.notes, of: index) }
    let frame = VideoFrame(
      index: index, timestamp: nil, width: width, height: height, content: .picture(picture))
    recent.withLock { $0 = $0.suffix(Self.recentLimit - 1) + [frame] }
    return frame
  }
}
