// One file of several pictures as a video: the pages of a TIFF, the pictures of an AVIF.

import Files
import Synchronization

/// The pages of a file, each decoded when it is asked for and prepared as a folder's pictures are.
final class PictureStack: FrameSource {
  let path: String
  let frameRate: Double? = nil
  let damage: [VideoDamage] = []
  let frameNames: [String] = []
  private let range: SampleRange
  private let pageCount: Int
  private let file: MappedFile
  private let pages: Mutex<Pages>
  private let pictures: PictureFrames

  var width: Int { pictures.width }
  var height: Int { pictures.height }
  var count: Int? { pageCount }

  var notes: [String] { pictures.notes.map { "page \($0.frame + 1): \($0.note)" } }

  /// Whether a file is one of pages.
  ///
  /// - Throws: `MediaError.file`.
  static func isStack(path: String) throws(MediaError) -> Bool {
    let file: MappedFile
    do { file = try MappedFile(path: path) } catch { throw .file(error) }
    return withExtendedLifetime(file) { [.tiff, .avif].contains(PictureKind(of: file.bytes)) }
  }

  /// Opens a file and reads its first page.
  ///
  /// - Throws: `MediaError.file`, and what `Picture.read` throws.
  init(path: String, range: SampleRange) throws(MediaError) {
    do { file = try MappedFile(path: path) } catch { throw .file(error) }
    self.path = path
    let pages = try Pages(file.bytes, path: path)
    pageCount = pages.count
    var span: ClosedRange<Double>?
    if range == .automatic {
      for page in 0..<pages.count { span = try pages.deepSpan(page).joined(with: span) }
    }
    self.range = try range.settled { () throws(MediaError) in span }
    pictures = PictureFrames(try pages.picture(0, range: self.range))
    self.pages = Mutex(pages)
  }

  func frame(at index: Int) throws(MediaError) -> VideoFrame? {
    guard (0..<pageCount).contains(index) else { return nil }
    return try pictures.frame(at: index, named: "\(path), page \(index + 1)") {
      () throws(MediaError) -> Picture in
      try pages.withLock { pages throws(MediaError) in try pages.picture(index, range: range) }
    }
  }
}

/// An open file of pages. Use one from one thread at a time; the bytes must outlive it.
private enum Pages: ~Copyable {
  case tiff(TIFFFile)
  case avif(AVIFFile)

  init(_ bytes: UnsafeRawBufferPointer, path: String) throws(MediaError) {
    self =
      PictureKind(of: bytes) == .avif
      ? .avif(try AVIFFile(bytes, path: path)) : .tiff(try TIFFFile(bytes, path: path))
  }

  var count: Int {
    switch self {
    case .tiff(let file): file.pageCount
    case .avif(let file): file.pageCount
    }
  }

  func picture(_ page: Int, range: SampleRange) throws(MediaError) -> Picture {
    switch self {
    case .tiff(let file): try file.picture(page, range: range)
    case .avif(let file): try file.picture(page, range: range)
    }
  }

  func deepSpan(_ page: Int) throws(MediaError) -> ClosedRange<Double>? {
    switch self {
    case .tiff(let file): try file.deepSpan(page)
    case .avif(let file): try file.deepSpan(page)
    }
  }
}
