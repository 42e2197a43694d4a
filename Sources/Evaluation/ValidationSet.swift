import Files
import Masks
import Media

/// Pictures and clips with true masks: a folder of this program's own form (`pictures/<name>.jpg` beside `<name>.png`,
/// `clips/<name>/frames` beside `clips/<name>/masks`), or a public data set as it is unpacked.
public struct ValidationSet: Sendable {
  /// A picture and its masks.
  public struct PictureFile: Sendable {
    /// Its name without extension.
    public let name: String
    /// The picture's file.
    public let picture: String
    let masks: String
  }

  /// A clip: its frames and where their true masks are.
  public struct Clip: Sendable {
    /// What it is called.
    public let name: String
    /// The folder of frames, or the video.
    public let frames: String
    /// Whether objects that are first seen on a later frame are asked for there, as SA-V and YouTube-VOS do it.
    public let takesLaterObjects: Bool
    let masks: TrueMasks.Storage

    /// The true masks of the clip, given its frames' names (none for a video file) and size.
    ///
    /// - Throws: `EvaluationError`, `MediaError`.
    public func truths(frameNames: [String], width: Int, height: Int) throws -> TrueMasks {
      try TrueMasks(masks, clip: name, frameNames: frameNames, width: width, height: height)
    }
  }

  /// In the order of their names.
  public let pictures: [PictureFile]
  /// In the order of their names.
  public let clips: [Clip]
  /// What was taken of the folder, in words.
  public let layout: String

  /// Lists a folder.
  ///
  /// - Parameter split: Which list of a public data set's clips to take, such as `val`; nil for the usual one.
  /// - Throws: `EvaluationError` where there is neither a picture nor a clip, or a picture lacks its masks;
  ///   `FileError` where a folder can't be read.
  public init(folder: String, split: String? = nil) throws {
    guard FilePath.isFolder(folder) else { throw EvaluationError.noFolder(folder) }
    if let found = try DataSetLayout(folder: folder, split: split) {
      (pictures, clips, layout) = ([], found.clips, found.name)
      guard !clips.isEmpty else { throw EvaluationError.emptySet(folder) }
      return
    }
    if let split { throw EvaluationError.noSplits(folder: folder, split: split) }
    pictures = try Self.entries("\(folder)/pictures").filter { $0.hasSuffix(".jpg") }.map { file in
      let name = String(file.dropLast(4))
      let masks = "\(folder)/pictures/\(name).png"
      guard FilePath.exists(masks) else { throw EvaluationError.missingMasks(masks) }
      return PictureFile(name: name, picture: "\(folder)/pictures/\(file)", masks: masks)
    }
    clips = try Self.entries("\(folder)/clips").map { name in
      let clip = "\(folder)/clips/\(name)"
      let masks = try Self.masks(in: "\(clip)/masks")
      guard !masks.isEmpty else { throw EvaluationError.missingMasks("\(clip)/masks") }
      return Clip(name: name, frames: "\(clip)/frames", takesLaterObjects: false, masks: .labels(masks))
    }
    layout = "pictures and clips"
    guard !pictures.isEmpty || !clips.isEmpty else { throw EvaluationError.emptySet(folder) }
  }

  /// A folder's visible entries in order; none where there is no such folder.
  static func entries(_ folder: String) throws -> [String] {
    guard FilePath.exists(folder) else { return [] }
    return try Folder.entries(folder)
  }

  /// The PNGs of a folder in the order in which people count files.
  static func masks(in folder: String) throws -> [String] {
    try entries(folder).filter { $0.lowercased().hasSuffix(".png") }
      .map { (order: NaturalOrder(FilePath.stem(of: $0)), path: "\(folder)/\($0)") }
      .sorted { $0.order < $1.order }.map(\.path)
  }
}

extension LabelRaster {
  /// Reads object numbers for a picture of that size.
  static func read(path: String, of width: Int, _ height: Int) throws -> LabelRaster {
    let labels = try LabelRaster.read(path: path)
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
  /// A folder that isn't there, or a file.
  case noFolder(String)
  /// A folder without pictures and clips.
  case emptySet(String)
  /// A folder of which nothing can be judged.
  case nothingJudged(folder: String, reason: String)
  /// A picture or clip without masks.
  case missingMasks(String)
  /// A mask of another size than its picture.
  case wrongSize(path: String, expectedWidth: Int, expectedHeight: Int, foundWidth: Int, foundHeight: Int)
  /// A mask that no frame of its clip belongs to.
  case missingFrame(clip: String, mask: String)
  /// Two masks of one frame.
  case sameFrame(clip: String, masks: [String])
  /// A list of clips that isn't there.
  case missingSplit(path: String)
  /// A list of clips asked for where there are no lists.
  case noSplits(folder: String, split: String)
  /// True masks as run lengths that can't be read.
  case malformed(path: String, reason: String)

  /// One sentence naming the thing, what was expected and what was found.
  public var description: String {
    switch self {
    case .noFolder(let folder):
      "\(folder): expected a folder, found \(FilePath.exists(folder) ? "a file" : "nothing of that name")"
    case .emptySet(let folder):
      "\(folder): expected pictures/NAME.jpg with NAME.png, clips/NAME/frames and masks, or DAVIS, YouTube-VOS, MOSE, "
        + "LVOS or SA-V as they are unpacked; found none of them"
    case .nothingJudged(let folder, let reason):
      "\(folder): expected an object to judge, found none: \(reason)"
    case .missingMasks(let path): "\(path): expected an indexed PNG of object numbers, found none"
    case .wrongSize(let path, let width, let height, let foundWidth, let foundHeight):
      "\(path): expected masks of \(width) × \(height) pixels, found \(foundWidth) × \(foundHeight)"
    case .missingFrame(let clip, let mask):
      "\(clip): expected a frame of the name or number of the mask \(mask), found none; rename or remove it"
    case .sameFrame(let clip, let masks):
      "\(clip): expected one mask for a frame, found \(masks.joined(separator: " and ")); remove one of them"
    case .missingSplit(let path):
      "\(path): expected a list of clips, found no such file; --split names another"
    case .noSplits(let folder, let split):
      "\(folder): expected a public data set with a list \(split), found none of them; leave out --split"
    case .malformed(let path, let reason): "\(path): expected true masks as SA-V has them: \(reason)"
    }
  }
}
