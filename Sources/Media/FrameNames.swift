// Which of a folder's files are frames or pictures, by their extensions, and in which order.
// Source: sam2/utils/misc.py, load_video_frames_from_jpg_images (JPEGs alone).

import Files

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
    ("BMP", ["bmp", "dib"]), ("GIF", ["gif"]), ("AVIF", ["avif", "avifs"]),
    ("JPEG 2000", ["jp2", "j2k", "jpx", "j2c", "jpc", "jpf"]), ("PPM", ["ppm", "pgm", "pbm", "pnm"]),
  ]

  init(_ names: [String]) {
    let byKind = Dictionary(grouping: names) { name in
      Self.kinds.firstIndex { $0.endings.contains(Self.ending(name)) } ?? Self.kinds.count
    }
    let preferred = (0..<2).first { byKind[$0] != nil }
    let most = (2..<Self.kinds.count).filter { byKind[$0] != nil }
      .max { (byKind[$0]?.count ?? 0, $1) < (byKind[$1]?.count ?? 0, $0) }
    let chosen = preferred ?? most
    kind = chosen.map { Self.kinds[$0].name }
    let ordered = Self.inOrder(chosen.flatMap { byKind[$0] } ?? [])
    frames = ordered.map(\.name)
    sameNumber = zip(ordered, ordered.dropFirst()).first { $0.order.isSameNumber(as: $1.order) }
      .map { ($0.name, $1.name) }
    let others = Dictionary(grouping: byKind.filter { $0.key != chosen }.values.joined(), by: Self.ending)
    self.others = others.map { (ending: $0.key, count: $0.value.count) }.sorted { $0.ending < $1.ending }
  }

  /// What there is beside the frames, such as `3 .png, 1 .txt`; nil where there is nothing.
  var leftAsideWords: String? {
    let words = others.map { "\($0.count) \($0.ending.isEmpty ? "without extension" : ".\($0.ending)")" }
    return words.isEmpty ? nil : words.joined(separator: ", ")
  }

  /// A sentence on what there is beside the frames, if there is anything.
  var leftAside: [String] {
    guard let kind, let leftAsideWords else { return [] }
    return ["took the \(frames.count) \(kind) file(s) as frames, left aside: \(leftAsideWords)"]
  }

  /// The names of pictures that can be read, in natural order; of equal stems (`1.jpg`, `1.png`) in that of their extensions.
  static func pictures(among names: [String]) -> [String] {
    let endings = kinds.reduce(into: Set()) { $0.formUnion($1.endings) }
    return inOrder(names.filter { endings.contains(ending($0)) }).map(\.name)
  }

  private static func inOrder(_ names: [String]) -> [(order: NaturalOrder, name: String)] {
    let ordered = names.map { (order: NaturalOrder(FilePath.stem(of: $0)), name: $0) }
    return ordered.sorted { $0.order == $1.order ? $0.name < $1.name : $0.order < $1.order }
  }

  private static func ending(_ name: String) -> String { FilePath.ending(of: name) ?? "" }
}

extension Picture {
  /// The names of a folder's pictures that can be read, in the order in which people count files.
  ///
  /// - Throws: `MediaError.file`, `.noFrames` where there is none.
  public static func names(inFolder path: String) throws(MediaError) -> [String] {
    let names: [String]
    do { names = FrameNames.pictures(among: try Folder.entries(path)) } catch { throw .file(error) }
    guard !names.isEmpty else { throw .noFrames(path: path, found: nil) }
    return names
  }
}
