// One file of several pictures as a video: the pages of a TIFF.

import Files
import Synchronization

/// The pages of a TIFF, each decoded when it is asked for and prepared as a folder's pictures are.
final class PictureStack: FrameSource {
  let path: String
  let frameRate: Double? = nil
  let damage: [VideoDamage] = []
  let frameNames: [String] = []
  private let range: SampleRange
  private let pageCount: Int
  private let file: MappedFile
  private let tiff: Mutex<TIFFFile>
  private let pictures: PictureFrames

  var width: Int { pictures.width }
  var height: Int { pictures.height }
  var count: Int? { pageCount }

  var notes: [String] { pictures.notes.map { "page \($0.frame + 1): \($0.note)" } }

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
    pictures = PictureFrames(try tiff.picture(0, range: self.range))
    self.tiff = Mutex(tiff)
  }

  func frame(at index: Int) throws(MediaError) -> VideoFrame? {
    guard (0..<pageCount).contains(index) else { return nil }
    return try pictures.frame(at: index, named: "\(path), page \(index + 1)") {
      () throws(MediaError) -> Picture in
      try tiff.withLock { tiff throws(MediaError) in try tiff.picture(index, range: range) }
    }
  }
}
