import Checkpoints
import Files
import Foundation
import Traces

/// Opens a dump by what it holds and not by what it is called.
enum DumpFormat {
  /// The arrays of a folder of `.npy`, an `.npz`, a single `.npy`, a trace, any HDF5, safetensors, a `.pt` or GGUF.
  static func open(path: String) throws -> any DumpContents {
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue {
      return try NumPyFolder(folder: path)
    }
    let file = try MappedFile(path: path)
    let beginning = Array(file.bytes.prefix(8))
    if NumPyHeader.begins(beginning) { return try NumPyFolder(file: path) }
    if beginning.starts(with: Array("PK".utf8)), !isTorch(file) { return try NumPyArchive(file) }
    if beginning == hdf5 {
      switch try RecordedRun.openIfRecorded(path: path) {
      case .trace(let reader): return TraceDump(reader)
      case .sketch: throw DumpError.sketch(path: path)
      case nil: return try HDF5Dump(path: path)
      }
    }
    return try CheckpointDump(path: path)
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
