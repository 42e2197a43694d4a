import Checkpoints
import Files
import HDF5
import Tensors
import Traces

/// Datasets of any HDF5 file, named by their paths; ranges are read by the library.
final class HDF5Dump: DumpContents {
  let arrays: [DumpedArray]
  private let path: String
  private let root: HDF5Group

  private static let deepest = 32
  private static let mostArrays = 1 << 16
  /// Bytes that an array may take in memory whatever the file's size.
  private static let inflationFree = 128 << 20
  /// Bytes of one array that is read whole.
  private let mostBytes: Int

  init(path: String, limits: ReadingLimits) throws {
    self.path = path
    let file = try HDF5File.open(path)
    root = file.root()
    let (ratio, overflow) = file.byteCount.multipliedReportingOverflow(by: limits.inflationRatio)
    mostBytes = max(limits.inflationFree, Self.inflationFree, overflow ? .max : ratio)
    arrays = try Self.arrays(below: root, path: path)
    guard !arrays.isEmpty else { throw DumpError.empty(path: path, expected: "an HDF5 file with datasets") }
    // Each as often as it has names, which is how often it is gone through.
    let most = max(Self.inflationFree * 8, overflow ? .max : ratio)
    let total = arrays.reduce(0.0) { $0 + Double($1.shape.count * $1.type.byteCount) }
    guard total <= Double(most) else {
      throw DumpError.hdf5Limit(
        path: path, object: "/",
        expected:
          "at most \(most) bytes of arrays, each as often as it has names (--limit inflation-ratio=NUMBER "
          + "allows more)")
    }
  }

  /// Every dataset below the root under all of its names.
  private static func arrays(below root: HDF5Group, path: String) throws -> [DumpedArray] {
    do {
      let members = try root.members(within: HDF5TreeBounds(depth: deepest, names: mostArrays)) {
        group, name, kind -> (shape: Shape, type: ElementType)? in
        guard kind == .dataset else { return nil }
        let dataset = try group.dataset(name)
        return (dataset.shape, try dataset.elementType())
      }
      return members.map { DumpedArray(name: $0.path, shape: $0.value.shape, type: .numbers($0.value.type)) }
    } catch let error as HDF5TreeError {
      let (object, expected) =
        switch error {
        case .depth(let object, let limit): (object, "groups at most \(limit) deep")
        case .circle(let object): (object, "no group within itself")
        case .groups(let object, let limit): (object, "at most \(limit) groups")
        case .names(let object, let limit): (object, "at most \(limit) names of datasets")
        case .nameBytes(let object, let limit): (object, "at most \(limit) bytes of names")
        }
      throw DumpError.hdf5Limit(path: path, object: object, expected: expected)
    }
  }

  func bytes(at index: Int) throws -> TensorBytes {
    let array = arrays[index]
    let byteCount = array.shape.count * array.type.byteCount
    guard byteCount <= mostBytes else {
      throw DumpError.hdf5Limit(
        path: path, object: "/\(array.name)",
        expected: "at most \(mostBytes) bytes to lay out anew (--limit inflation-ratio=NUMBER allows more)")
    }
    return try TensorBytes(count: byteCount) { memory in
      try root.dataset(array.name).read(into: memory)
    }
  }

  func read(at index: Int, from offset: Int, into buffer: UnsafeMutableBufferPointer<Float>) throws -> Bool {
    guard case .numbers(let type) = arrays[index].type, type != .bool, StridedElements.isReadable(type)
    else { return false }
    try root.dataset(arrays[index].name).read(from: offset, into: buffer)
    return true
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
