// A folder of pictures of one kind as a video, in the order in which people count files.
// Source: sam2/utils/misc.py, load_video_frames_from_jpg_images.

import Files
import Synchronization

/// The pictures of a folder in natural order, each decoded when it is asked for.
///
/// The official loader sorts by `int(stem)` and takes JPEGs alone, which stand before all other kinds here; where it works
/// this gives the same frames. What is left aside is said.
final class FrameFolder: FrameSource {
  let path: String
  let width: Int
  let height: Int
  let frameRate: Double? = nil
  let damage: [VideoDamage] = []
  let frameNames: [String]
  private let range: SampleRange
  private let leftAside: [String]
  /// The last few frames, for steps back and forth.
  private let recent: Mutex<[VideoFrame]>
  private let readingNotes: Mutex<FrameNotes>

  private static let recentLimit = 3

  var count: Int? { frameNames.count }

  var notes: [String] {
    leftAside + readingNotes.withLock(\.sentences).map { "\(frameNames[$0.frame]): \($0.note)" }
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
    let picture = try Picture.read(path: "\(path)/\(first)", range: self.range)
    (width, height) = (picture.width, picture.height)
    recent = Mutex(
      [VideoFrame(index: 0, timestamp: nil, width: width, height: height, content: .picture(picture))])
    readingNotes = Mutex(FrameNotes(picture.notes, of: 0))
  }

  func frame(at index: Int) throws(MediaError) -> VideoFrame? {
    guard frameNames.indices.contains(index) else { return nil }
    if let known = recent.withLock({ frames in frames.first { $0.index == index } }) { return known }
    let framePath = "\(path)/\(frameNames[index])"
    let picture = try Picture.read(path: framePath, range: range)
    guard picture.width == width, picture.height == height else {
      throw .frameSizeMismatch(
        path: framePath, expectedWidth: width, expectedHeight: height, foundWidth: picture.width,
        foundHeight: picture.height)
    }
    readingNotes.withLock { $0.add(picture.notes, of: index) }
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
    let names: [String]
    do { names = FrameNames.pictures(among: try Folder.entries(path)) } catch { throw .file(error) }
    guard !names.isEmpty else { throw .noFrames(path: path, found: nil) }
    return names
  }
}

/// What reading decided about frames, each kind with the first frame that it happened to.
struct FrameNotes {
  private var first: [String: Int] = [:]

  init(_ notes: [String], of frame: Int) { add(notes, of: frame) }

  mutating func add(_ notes: [String], of frame: Int) {
    for note in notes { first[note] = min(first[note] ?? frame, frame) }
  }

  /// In the order of the frames.
  var sentences: [(frame: Int, note: String)] {
    first.map { (frame: $0.value, note: $0.key) }.sorted { ($0.frame, $0.note) < ($1.frame, $1.note) }
  }
}

/// Which of a folder's files are frames: those of one kind of picture.
struct FrameNames {
  /// In natural order.
  let frames: [String]
  /// Two frames that are one number.
  let sameNumber: (String, String)?
  /// The other files by their extension, and how many there are of each.
  private let others: [(ending: String, count: Int)]
  private let kind: String?

  /// Kinds by their extensions: JPEGs as the official loader has it, then PNGs, then whatever there is most of.
  private static let kinds: [(name: String, endings: Set<String>)] = [
    ("JPEG", ["jpg", "jpeg", "jpe", "jfif"]), ("PNG", ["png"]), ("WebP", ["webp"]), ("TIFF", ["tif", "tiff"]),
    ("BMP", ["bmp", "dib"]), ("GIF", ["gif"]), ("AVIF", ["avif"]),
    ("JPEG 2000", ["jp2", "j2k", "jpx", "j2c", "jpc", "jpf"]), ("PPM", ["ppm", "pgm", "pbm", "pnm"]),
  ]

  init(_ names: [String]) {
    let byKind = Dictionary(grouping: names) { name in
      Self.kinds.firstIndex { $0.endings.contains(Self.ending(name)) } ?? Self.kinds.count
    }
    let preferred = (0..<2).first { byKind[$0] != nil }
    let most = (2..<Self.kinds.count).max { (byKind[$0]?.count ?? 0, $1) < (byKind[$1]?.count ?? 0, $0) }
    let chosen = preferred ?? most.flatMap { byKind[$0] == nil ? nil : $0 }
    kind = chosen.map { Self.kinds[$0].name }
    let ordered = Self.inOrder(chosen.flatMap { byKind[$0] } ?? [])
    frames = ordered.map(\.name)
    sameNumber = zip(ordered, ordered.dropFirst()).first { $0.order.isSameNumber(as: $1.order) }
      .map { ($0.name, $1.name) }
    let others = Dictionary(grouping: byKind.filter { $0.key != chosen }.values.joined(), by: Self.ending)
    self.others = others.map { (ending: $0.key, count: $0.value.count) }.sorted { $0.ending < $1.ending }
  }

  /// What there is beside the frames, such as `3 .png and 1 .txt`; nil where there is nothing.
  var leftAsideWords: String? {
    let words = others.map { "\($0.count) \($0.ending.isEmpty ? "without extension" : ".\($0.ending)")" }
    return words.isEmpty ? nil : words.joined(separator: ", ")
  }

  /// A sentence on what there is beside the frames, if there is anything.
  var leftAside: [String] {
    guard let kind, let leftAsideWords else { return [] }
    return ["took the \(frames.count) \(kind) file(s) as frames, left aside: \(leftAsideWords)"]
  }

  /// The names of JPEG and PNG pictures, in natural order; of equal stems (`1.jpg`, `1.png`) in that of their extensions.
  static func pictures(among names: [String]) -> [String] {
    let endings = kinds[0].endings.union(kinds[1].endings)
    return inOrder(names.filter { endings.contains(ending($0)) }).map(\.name)
  }

  private static func inOrder(_ names: [String]) -> [(order: NaturalOrder, name: String)] {
    let ordered = names.map { (order: NaturalOrder(stem($0)), name: $0) }
    return ordered.sorted { $0.order == $1.order ? $0.name < $1.name : $0.order < $1.order }
  }

  private static func dot(_ name: String) -> String.Index {
    name.lastIndex(of: ".").flatMap { $0 == name.startIndex ? nil : $0 } ?? name.endIndex
  }

  /// A name without its extension.
  static func stem(_ name: String) -> String { String(name[..<dot(name)]) }

  private static func ending(_ name: String) -> String { name[dot(name)...].dropFirst().lowercased() }
}
