import Checkpoints
import Files
import Foundation
import Tensors
import Traces

/// One array of a dump, as its file describes it.
struct DumpedArray: Equatable, Sendable {
  /// Its name: a path within a folder or file, without `.npy`.
  let name: String
  /// The extent of every axis.
  let shape: Shape
  /// What its elements are.
  let type: StoredType
  var isBigEndian = false
  /// Whether the first axis is the one whose neighbours lie side by side.
  var isFortranOrder = false

  /// How far apart neighbours along each axis lie, in elements.
  var strides: [Int] { isFortranOrder ? Shape(shape.extents.reversed()).strides.reversed() : shape.strides }
}

/// What a format's reader supplies.
protocol DumpContents: Sendable {
  /// Every array, in the order of the file; of a folder, by name.
  var arrays: [DumpedArray] { get }
  /// The verified bytes of one array, in its own order: a part of a mapped file, or a copy of that one array.
  func bytes(at index: Int) throws -> TensorBytes
  /// Reads elements row-major as Float32 straight from the file, where the format can do that itself; false otherwise.
  func read(at index: Int, from offset: Int, into buffer: UnsafeMutableBufferPointer<Float>) throws -> Bool
}

extension DumpContents {
  func read(at index: Int, from offset: Int, into buffer: UnsafeMutableBufferPointer<Float>) throws -> Bool {
    false
  }
}

/// What a dump says of an array's elements.
enum StoredType: Equatable, Sendable, CustomStringConvertible {
  /// Numbers of a known type.
  case numbers(ElementType)
  /// So many bytes each, of which the dump doesn't say what they mean.
  case opaque(byteCount: Int)

  /// Bytes per element.
  var byteCount: Int {
    switch self {
    case .numbers(let type): type.byteCount
    case .opaque(let count): count
    }
  }

  /// For people to read.
  var description: String {
    switch self {
    case .numbers(let type): type.rawValue
    case .opaque(let count): "\(count) opaque bytes"
    }
  }

  /// What the elements are read as, given what a map declares of them; nil where that is none of what they can be.
  ///
  /// NumPy has no bfloat16, so bits of floats come as integers or opaque bytes of the same width; they are floats once
  /// the map says so.
  func read(as declared: ElementType?) -> ElementType? {
    switch (self, declared) {
    case (.numbers(let type), nil): type
    case (.opaque, nil): nil
    case (.numbers(let type), .some(let declared)) where type == declared: type
    case (.numbers(let type), .some(let declared)):
      type.isInteger && declared.isFloat && type.byteCount == declared.byteCount ? declared : nil
    case (.opaque(let count), .some(let declared)): declared.byteCount == count ? declared : nil
    }
  }
}

extension ElementType {
  fileprivate var isInteger: Bool {
    switch self {
    case .uint8, .uint16, .uint32, .uint64, .int8, .int16, .int32, .int64: true
    default: false
    }
  }

  fileprivate var isFloat: Bool {
    switch self {
    case .float16, .bfloat16, .float32, .float64: true
    default: false
    }
  }
}

/// Opens a dump by what it holds and not by what it is called.
enum DumpFormat {
  /// The arrays of a folder of `.npy`, an `.npz`, a single `.npy`, a trace, any HDF5, safetensors, a `.pt` or GGUF.
  static func open(path: String, limits: ReadingLimits) throws -> any DumpContents {
    if FilePath.isFolder(path) { return try NumPyFolder(folder: path) }
    let file = try MappedFile(path: path)
    let beginning = Array(file.bytes.prefix(8))
    if NumPyHeader.begins(beginning) { return try NumPyFolder(file: path) }
    if beginning.starts(with: Array("PK".utf8)), !isTorch(file) {
      return try NumPyArchive(file, limits: limits)
    }
    if beginning == hdf5 {
      switch try Recording.openIfRecorded(path: path) {
      case .trace(let reader): return TraceDump(reader)
      case .sketch: throw DumpError.sketch(path: path)
      case nil: return try HDF5Dump(path: path, limits: limits)
      }
    }
    return try CheckpointDump(path: path, limits: limits)
  }

  /// Whether a file begins as HDF5 does.
  static func isHDF5(path: String) throws -> Bool {
    let file = try MappedFile(path: path)
    return withExtendedLifetime(file) { Array(file.bytes.prefix(8)) == hdf5 }
  }

  private static let hdf5: [UInt8] = [0x89] + Array("HDF\r\n".utf8) + [0x1a, 0x0a]

  /// Whether a zip archive is what `torch.save` writes; one that is broken is left to the reader of `.npz` to refuse.
  private static func isTorch(_ file: MappedFile) -> Bool {
    guard let archive = try? ZipArchive(file, limits: ReadingLimits(), plainNames: false) else { return false }
    return archive.entries.contains { $0.name.hasSuffix("/data.pkl") }
  }
}

/// Tensors of any file that weights come in too: safetensors, what `torch.save` wrote of a dictionary, GGUF.
struct CheckpointDump: DumpContents {
  let arrays: [DumpedArray]
  private let checkpoint: Checkpoint

  init(path: String, limits: ReadingLimits) throws(CheckpointError) {
    let checkpoint = try Checkpoint.open(path: path, limits: limits)
    self.checkpoint = checkpoint
    arrays = checkpoint.entries.map {
      DumpedArray(name: $0.name, shape: $0.shape, type: .numbers($0.elementType))
    }
  }

  func bytes(at index: Int) throws -> TensorBytes { try checkpoint.bytes(of: arrays[index].name) }
}
