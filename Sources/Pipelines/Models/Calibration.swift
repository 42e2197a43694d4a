// Pictures and clips that show what a model's layers are given.
import Files
import Foundation
import Kernels
import Media
import Prompts
import Quantization
import SAM2
import Taps
import Tensors

/// What to calibrate with.
public struct CalibrationRequest: Sendable {
  /// A folder of pictures and of folders, each with the frames of a clip; or one with `pictures/` and `clips/NAME/frames`, such
  /// as a validation set.
  public var folder: String
  /// What random clicks depend on.
  public var seed: UInt64 = 0
  /// How many frames of a clip are tracked.
  public var frames = 8

  /// A folder, with everything else as usual.
  public init(folder: String) { self.folder = folder }
}

/// What keeps a calibration from finding anything.
public enum CalibrationError: Error, Equatable, CustomStringConvertible {
  /// A folder without pictures and clips.
  case nothing(folder: String)
  /// None of its pictures and clips could be read.
  case unreadable(folder: String, count: Int, first: String)

  /// Throws unless something of a folder could be read.
  ///
  /// - Parameter failures: What was said of each that couldn't.
  static func require(_ failures: [String], below count: Int, in folder: String) throws(CalibrationError) {
    guard failures.count < count else {
      throw .unreadable(folder: folder, count: count, first: failures.first ?? "nothing")
    }
  }

  /// One sentence: the folder, what was expected, what was found.
  public var description: String {
    switch self {
    case .nothing(let folder): "\(folder): expected pictures, or folders of frames; found none"
    case .unreadable(let folder, let count, _):
      "\(folder): expected a picture or clip that can be read, found none among \(count)"
    }
  }
}

/// The pictures and clips of a folder, by their paths.
struct CalibrationFolder {
  private(set) var pictures: [String] = []
  private(set) var clips: [String] = []

  init(path: String) throws {
    let path = path.hasSuffix("/") ? String(path.dropLast()) : path
    pictures = try Self.pictures(in: path)
    for name in try Folder.entries(path) where FilePath.isFolder("\(path)/\(name)") {
      let folder = "\(path)/\(name)"
      switch name {
      case "pictures": pictures += try Self.pictures(in: folder)
      case "clips":
        for clip in try Folder.entries(folder) where FilePath.isFolder("\(folder)/\(clip)") {
          try add(clip: "\(folder)/\(clip)")
        }
      default: try add(clip: folder)
      }
    }
    guard !pictures.isEmpty || !clips.isEmpty else { throw CalibrationError.nothing(folder: path) }
  }

  /// Paths of pictures, then of clips, and what shows a model what is there, with random clicks.
  func shows(_ request: CalibrationRequest) -> [(String, (Model, Run) throws -> Void)] {
    pictures.map { path in
      (path, { (model: Model, run: Run) in try model.showPicture(path, request, run) })
    }
      + clips.map { path in
        (path, { (model: Model, run: Run) in try model.showClip(path, request, run) })
      }
  }

  private mutating func add(clip folder: String) throws {
    let frames = FilePath.isFolder("\(folder)/frames") ? "\(folder)/frames" : folder
    if try !Self.pictures(in: frames).isEmpty { clips.append(frames) }
  }

  /// Of every kind that can be read. A PNG beside another picture of its name holds its masks.
  private static func pictures(in folder: String) throws -> [String] {
    let names = try pictureNames(in: folder)
    let photographs = Set(names.filter { FilePath.ending(of: $0) != "png" }.map { FilePath.stem(of: $0) })
    return names.filter { FilePath.ending(of: $0) != "png" || !photographs.contains(FilePath.stem(of: $0)) }
      .map { "\(folder)/\($0)" }
  }

  private static func pictureNames(in folder: String) throws(MediaError) -> [String] {
    do throws(MediaError) {
      return try Picture.names(inFolder: folder).sorted()
    } catch {
      guard case .noFrames = error else { throw error }
      return []
    }
  }
}

extension Model {
  /// Runs on pictures and clips with random clicks, so that a watcher sees what layers are given.
  ///
  /// - Parameters:
  ///   - watch: Is told which comes next, and which could not be read.
  ///   - isCancelled: Asked between pictures and clips, beside the task's own cancellation.
  /// - Throws: `CalibrationError`, `FileError`, `SAM2Error`, `CancellationError`.
  func show(
    to watcher: any InputWatcher, with request: CalibrationRequest, watch: PipelineWatcher = { _ in },
    isCancelled: () -> Bool = { false }
  ) throws {
    let folder = try CalibrationFolder(path: request.folder)
    let run = Run(
      taps: Taps(writers: [watcher], filter: TapFilter(watcher.layers.map(\.name))))
    let shows = folder.shows(request)
    var failures: [String] = []
    for (path, show) in shows {
      if isCancelled() || Task.isCancelled { throw CancellationError() }
      watch(.step("calibrating with \(path)"))
      do { try show(self, run) } catch let error as MediaError {
        failures.append("\(error)")
        watch(.note("left out: \(error)"))
      }
    }
    try CalibrationError.require(failures, below: shows.count, in: request.folder)
  }

  /// A click, a box around it, and three clicks.
  fileprivate func showPicture(_ path: String, _ request: CalibrationRequest, _ run: Run) throws {
    let picture = try PictureInput(path: path)
    let clicks = RandomClicks(request, path, width: picture.width, height: picture.height)
    let embedded = try EmbeddedPicture(picture, model: self, run)
    _ = try embedded.predict(Prompt(points: [clicks[0]]), multimask: true)
    _ = try embedded.predict(Prompt(box: clicks.box))
    _ = try embedded.predict(Prompt(points: [clicks[0], clicks[1], clicks[2]]))
  }

  /// A click on the first frame, followed.
  fileprivate func showClip(_ path: String, _ request: CalibrationRequest, _ run: Run) throws {
    let input = try VideoInput(path: path)
    let (width, height) = (input.source.width, input.source.height)
    let clicks = RandomClicks(request, path, width: width, height: height)
    var session = try VideoPredictor(base).session(input, width: width, height: height, history: .window)
    _ = try session.prompt(object: 1, frame: 0, points: [clicks[0]], run)
    try session.propagate(from: 0, frames: request.frames, run) { _ in }
  }
}

/// Places in a picture that depend on a seed and the file's name alone.
struct RandomClicks {
  private let hash: CounterHash
  private let width: Int
  private let height: Int

  init(_ request: CalibrationRequest, _ path: String, width: Int, height: Int) {
    hash = CounterHash(seed: request.seed, name: (path as NSString).lastPathComponent)
    (self.width, self.height) = (width, height)
  }

  /// Anywhere but at the very edge.
  subscript(index: Int) -> Click {
    func share(_ number: UInt64) -> Double { 0.05 + 0.9 * Double(number >> 11) / Double(1 << 53) }
    return Click(x: Double(width) * share(hash[2 * index]), y: Double(height) * share(hash[2 * index + 1]))
  }

  /// A quarter of the picture around the first.
  var box: Box {
    let (click, w, h) = (self[0], Double(width), Double(height))
    return Box(
      x0: max(0, click.x - w / 4), y0: max(0, click.y - h / 4), x1: min(w, click.x + w / 4),
      y1: min(h, click.y + h / 4))
  }
}
