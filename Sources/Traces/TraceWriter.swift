public import HDF5
import Synchronization
public import Taps
public import Tensors

/// A trace being written: every tensor goes to disk at once, and the file appears when it is finished.
///
/// After a failure nothing more is written, and `finish` throws it.
public final class TraceWriter: TapWriter {
  /// Where the trace will stand.
  public let path: String
  private let storage: HDF5Storage
  private let state: Mutex<State>

  private struct State: ~Copyable {
    var file: HDF5NewFile?
    var recent = RecentTensors()
    var failure: (any Error)?
  }

  /// Starts a trace, which replaces whatever stands at `path` only when it is finished.
  ///
  /// - Throws: `FileError.unwritable`, `HDF5Error`.
  public init(path: String, provenance: Provenance, storage: HDF5Storage = .contiguous) throws {
    self.path = path
    self.storage = storage
    let file = try HDF5NewFile(path)
    let root = try file.root()
    try provenance.write(to: root)
    _ = try root.createGroup(TraceSchema.taps)
    _ = try root.createGroup(TraceSchema.prediction)
    state = Mutex(State(file: consume file))
  }

  /// Writes what went into and came out of one call of a module.
  ///
  /// - Parameters:
  ///   - call: The how-many-eth call of this module in the run it was, from 0.
  ///   - sequence: A number that grows in the order in which calls return.
  ///   - place: What of a video the call was for.
  ///   - inputs: Parameters by their names in PyTorch's signature.
  /// - Throws: `TraceError.badName`, `TraceError.finished`, `HDF5Error`.
  public func write(
    _ module: ModulePath, call: Int, sequence: Int, at place: TapPlace,
    inputs: [(String, any TapValue)], output: any TapValue
  ) throws {
    try append { root, recent in
      guard TraceSchema.isLinkName(module.name) else {
        throw TraceError.badName(file: path, name: module.name)
      }
      let group = try root.createGroup("\(TraceSchema.taps)/\(module.name)/\(call)")
      try group.setAttribute(TraceSchema.sequence, .integer(Int64(sequence)))
      if let frame = place.frame { try group.setAttribute(TraceSchema.frame, .integer(Int64(frame))) }
      if let object = place.object { try group.setAttribute(TraceSchema.object, .integer(Int64(object))) }
      for (parameter, value) in inputs {
        try value.visitTensors(named: "\(TraceSchema.input)/\(parameter)") { name, tensor in
          try write(tensor, name, in: group, &recent)
        }
      }
      try output.visitTensors(named: TraceSchema.output) { name, tensor in
        try write(tensor, name, in: group, &recent)
      }
    }
  }

  /// Writes one of the run's predictions; of a video, `place` says which.
  ///
  /// - Throws: `TraceError.finished`, `HDF5Error`.
  public func write(_ prediction: PredictedValue, _ tensor: Tensor, at place: PredictionPlace?) throws {
    try append { root, recent in
      let name = (place.map { "\($0)/" } ?? "") + prediction.rawValue
      try write(tensor, name, in: try root.createGroup(TraceSchema.prediction), &recent)
    }
  }

  /// Puts the finished trace in its place.
  ///
  /// - Throws: What stopped the writing, `TraceError.finished`, `HDF5Error` and `FileError` from the disk.
  public func finish() throws {
    try state.withLock { state in
      guard let file = state.file.take() else { throw state.failure ?? TraceError.finished(file: path) }
      state.recent = RecentTensors()
      try file.commit()
    }
  }

  private func append(_ body: (borrowing HDF5NewGroup, inout RecentTensors) throws -> Void) throws {
    try state.withLock { state in
      if let failure = state.failure { throw failure }
      guard let root = try state.file?.root() else { throw TraceError.finished(file: path) }
      do {
        try body(root, &state.recent)
      } catch {
        state.failure = error
        state.file = nil
        throw error
      }
    }
  }

  private func write(
    _ tensor: Tensor, _ name: String, in group: borrowing HDF5NewGroup, _ recent: inout RecentTensors
  ) throws {
    for step in name.split(separator: "/", omittingEmptySubsequences: false) {
      guard TraceSchema.isLinkName(String(step)) else { throw TraceError.badName(file: path, name: name) }
    }
    if let existing = recent.path(of: tensor) {
      try group.link(name, to: existing)
    } else {
      try group.write(name, tensor, storage: storage)
      recent.remember(tensor, at: "\(group.path)/\(name)")
    }
  }
}

/// Tensors written a moment ago. One module's output is the next one's input: the same memory is written once and
/// linked the second time.
///
/// The tensors are held, so that their memory can't be given to others while it is looked up; how many is bounded.
struct RecentTensors {
  private static let mostBytes = 256 << 20
  private static let mostTensors = 64

  private var entries: [(tensor: Tensor, path: String)] = []
  private var bytes = 0

  /// Where a tensor of the same memory and shape stands in the file.
  func path(of tensor: Tensor) -> String? {
    guard tensor.count > 0 else { return nil }
    let address = tensor.withElements(\.baseAddress)
    return entries.last { $0.tensor.shape == tensor.shape && $0.tensor.withElements(\.baseAddress) == address }?
      .path
  }

  /// Remembers where a tensor stands, at the cost of those written longest ago.
  mutating func remember(_ tensor: Tensor, at path: String) {
    entries.append((tensor, path))
    bytes += Self.bytes(of: tensor)
    while bytes > Self.mostBytes || entries.count > Self.mostTensors {
      bytes -= Self.bytes(of: entries.removeFirst().tensor)
    }
  }

  private static func bytes(of tensor: Tensor) -> Int { tensor.count * MemoryLayout<Float>.stride }
}
