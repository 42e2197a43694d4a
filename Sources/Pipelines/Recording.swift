import Files
import HDF5
import Taps
import Tensors
import Traces

/// What to record of a run, into which files.
public struct RecordingRequest: Sendable {
  /// The HDF5 file for every module's arguments and results; nil for none.
  public var trace: String?
  /// The HDF5 file for a sketch of the same; nil for none.
  public var sketch: String?
  /// Only modules whose path matches one of these globs are recorded; all where there are none.
  public var taps: [String] = []
  /// Of a video, only calls for these frames are recorded; all where there are none.
  public var frames: Set<Int> = []
  /// Of a video, only calls made for these objects are recorded, and those made for none; all where there are none.
  public var objects: Set<Int> = []
  /// Whether the trace is compressed: smaller, slower.
  public var compresses = false

  /// A recording into whatever files are named.
  public init(trace: String? = nil, sketch: String? = nil) {
    self.trace = trace
    self.sketch = sketch
  }

  /// Whether anything is to be recorded.
  public var isAsked: Bool { trace != nil || sketch != nil }

  /// Which calls are.
  var filter: TapFilter { TapFilter(taps, frames: frames, objects: objects) }
}

/// A recording was asked for of what there isn't.
public enum RecordingError: Error, Equatable, CustomStringConvertible {
  /// No module has a path that fits a pattern.
  case noModule(String)
  /// The video has no such frame.
  case noFrame(Int, count: Int)
  /// The prompts have no such object.
  case noObject(Int, known: [Int])

  /// One sentence, with the option that asks for it.
  public var description: String {
    switch self {
    case .noModule(let pattern): "--tap \(pattern): no module has such a path"
    case .noFrame(let frame, let count):
      "--tap-frame \(frame): expected a frame from 0 to \(count - 1), as the video has"
    case .noObject(let object, let known):
      "--tap-object \(object): expected one of the prompts' objects, \(known.map(String.init).joined(separator: ", "))"
    }
  }
}

/// A trace, a sketch or both being written.
struct TapRecorder {
  let taps: Taps

  /// Opens the files; nil where nothing is to be recorded.
  ///
  /// - Parameter modules: Those that may be called.
  /// - Throws: `RecordingError.noModule`, what opening the files throws.
  init?(
    _ request: RecordingRequest, of modules: [ModulePath], _ provenance: @autoclosure () throws -> Provenance
  ) throws {
    guard request.isAsked else { return nil }
    for pattern in request.filter.patterns where !modules.contains(where: { pattern.matches($0.name) }) {
      throw RecordingError.noModule(pattern.text)
    }
    let provenance = try provenance()
    var writers: [any TapWriter] = []
    if let trace = request.trace {
      let storage: HDF5Storage = request.compresses ? .compressed : .contiguous
      writers.append(try TraceWriter(path: trace, provenance: provenance, storage: storage))
    }
    if let sketch = request.sketch { writers.append(try SketchWriter(path: sketch, provenance: provenance)) }
    taps = Taps(writers: writers, filter: request.filter)
  }

  /// Puts whole files in their places.
  func finish(_ watch: PipelineWatcher) throws {
    try taps.finish()
    for pattern in taps.unmatchedPatterns { watch(.note("--tap \(pattern): no module has such a path")) }
  }
}
