import Checkpoints
import HDF5
import Synchronization
import Tensors
import Traces

/// Datasets of any HDF5 file, named by their paths; ranges are read by the library.
final class HDF5Dump: DumpContents {
  let arrays: [DumpedArray]
  private let path: String
  private let state: Mutex<State>

  private struct State: ~Copyable {
    let file: HDF5File
    /// The dataset read last, kept because ranges of one array follow each other.
    var open: OpenDataset?
  }

  private struct OpenDataset: ~Copyable {
    let name: String
    let dataset: HDF5Dataset
  }

  /// Groups linked in a circle would have no end otherwise.
  private static let deepest = 32
  private static let mostArrays = 1 << 16

  init(path: String) throws {
    self.path = path
    let file = try HDF5File.open(path)
    var arrays: [DumpedArray] = []
    try Self.collect(try file.root(), path: path, prefix: "", depth: 0, &arrays)
    guard !arrays.isEmpty else { throw DumpError.empty(path: path, expected: "an HDF5 file with datasets") }
    self.arrays = arrays
    state = Mutex(State(file: consume file))
  }

  private static func collect(
    _ group: borrowing HDF5Group, path: String, prefix: String, depth: Int, _ arrays: inout [DumpedArray]
  ) throws {
    for child in try group.children() {
      let name = prefix + child
      switch try group.kind(of: child) {
      case .dataset:
        guard arrays.count < mostArrays else {
          throw DumpError.hdf5Limit(path: path, object: "/", expected: "at most \(mostArrays) datasets")
        }
        let dataset = try group.dataset(child)
        arrays.append(DumpedArray(name: name, shape: dataset.shape, type: .numbers(try dataset.elementType())))
      case .group:
        guard depth < deepest else {
          throw DumpError.hdf5Limit(path: path, object: "/\(name)", expected: "groups at most \(deepest) deep")
        }
        try collect(try group.group(child), path: path, prefix: "\(name)/", depth: depth + 1, &arrays)
      case .other, nil: continue
      }
    }
  }

  func bytes(at index: Int) throws -> TensorBytes {
    let array = arrays[index]
    return try TensorBytes(count: array.shape.count * array.type.byteCount) { memory in
      try state.withLock { state in
        try Self.open(array.name, &state)
        try state.open?.dataset.read(into: memory)
      }
    }
  }

  func read(at index: Int, from offset: Int, into buffer: UnsafeMutableBufferPointer<Float>) throws -> Bool {
    guard case .numbers(let type) = arrays[index].type, type != .bool, StridedElements.isReadable(type)
    else { return false }
    try state.withLock { state in
      try Self.open(arrays[index].name, &state)
      try state.open?.dataset.read(from: offset, into: buffer)
    }
    return true
  }

  private static func open(_ name: String, _ state: inout State) throws {
    if let open = state.open.take(), open.name == name {
      state.open = consume open
    } else {
      state.open = OpenDataset(name: name, dataset: try state.file.root().dataset(name))
    }
  }
}

/// The taps of a trace, as any other dump.
struct TraceDump: DumpContents {
  let arrays: [DumpedArray]
  private let reader: TraceReader

  init(_ reader: TraceReader) {
    self.reader = reader
    arrays = reader.taps.map { DumpedArray(name: $0.name, shape: $0.shape, type: .numbers(.float32)) }
  }

  func bytes(at index: Int) throws -> TensorBytes {
    let tap = reader.taps[index]
    return try TensorBytes(count: tap.shape.count * MemoryLayout<Float>.size) { memory in
      try reader.read(tap, from: 0, into: memory.bindMemory(to: Float.self))
    }
  }

  func read(at index: Int, from offset: Int, into buffer: UnsafeMutableBufferPointer<Float>) throws -> Bool {
    try reader.read(reader.taps[index], from: offset, into: buffer)
    return true
  }
}
