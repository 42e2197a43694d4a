import Files
import HDF5
import Taps
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

/// A trace, a sketch or both being written.
struct TapRecorder {
  let taps: Taps

  /// Opens the files; nil where nothing is to be recorded.
  init?(_ request: RecordingRequest, _ provenance: @autoclosure () throws -> Provenance) throws {
    guard request.isAsked else { return nil }
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
