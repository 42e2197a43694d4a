import Checkpoints
import Files
import Foundation
import Synchronization
import Tensors

/// A folder of `.npy` files, folders within it included, or a single such file. A file is mapped when it is read.
final class NumPyFolder: DumpContents {
  let arrays: [DumpedArray]
  private let paths: [String]
  private let headers: [NumPyHeader]

  /// All files of the folder.
  init(folder: String) throws {
    let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
    let files = names.filter { $0.hasSuffix(Self.suffix) }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    guard !files.isEmpty else { throw DumpError.empty(path: folder, expected: "a folder with .npy files") }
    paths = files.map { "\(folder)/\($0)" }
    headers = try paths.map(Self.header)
    arrays = zip(files, headers).map { DumpedArray(name: String($0.dropLast(Self.suffix.count)), $1) }
  }

  /// One file, which bears its own name.
  init(file: String) throws {
    let name = file.split(separator: "/").last.map(String.init) ?? file
    paths = [file]
    headers = [try Self.header(file)]
    arrays = headers.map {
      DumpedArray(name: name.hasSuffix(Self.suffix) ? String(name.dropLast(Self.suffix.count)) : name, $0)
    }
  }

  /// What NumPy's files are called.
  static let suffix = ".npy"

  private static func header(_ path: String) throws -> NumPyHeader {
    let file = try MappedFile(path: path)
    defer { withExtendedLifetime(file) {} }
    do {
      return try NumPyHeader(Array(file.bytes.prefix(NumPyHeader.longest)), fileCount: file.bytes.count)
    } catch {
      throw DumpError.numpy(path: path, error)
    }
  }

  func bytes(at index: Int) throws -> TensorBytes {
    let file = try MappedFile(path: paths[index])
    let header = headers[index]
    // The file may have changed since it was listed.
    let end = header.dataOffset + header.byteCount
    guard file.bytes.count == end else {
      throw DumpError.numpy(
        path: paths[index],
        .dataCount(
          shape: header.shape.extents, type: "\(header.type)", expected: header.byteCount,
          found: file.bytes.count - header.dataOffset))
    }
    return TensorBytes(UnsafeRawBufferPointer(rebasing: file.bytes[header.dataOffset..<end]), owner: file)
  }
}

extension DumpedArray {
  /// What a `.npy` header says of an array.
  init(name: String, _ header: NumPyHeader) {
    self.init(
      name: name, shape: header.shape, type: header.type, isBigEndian: header.isBigEndian,
      isFortranOrder: header.isFortranOrder)
  }
}
