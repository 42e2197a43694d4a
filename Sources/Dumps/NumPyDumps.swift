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

/// An `.npz` archive: a zip of `.npy` files. Stored members are read in place, deflated ones are inflated one at a time,
/// and none is handed out before its checksum was verified.
final class NumPyArchive: DumpContents {
  let arrays: [DumpedArray]
  private let path: String
  private let archive: ZipArchive
  private let members: [(entry: ZipEntry, header: NumPyHeader)]

  /// Bytes that a member may inflate to whatever its ratio: masks, which are mostly zeros, deflate as far as the method
  /// goes.
  private static let inflationFree = 128 << 20

  init(_ file: MappedFile, limits: ReadingLimits) throws {
    path = file.path
    var limits = limits
    limits.inflationFree = max(limits.inflationFree, Self.inflationFree)
    // Names are keys here and never paths.
    do { archive = try ZipArchive(file, limits: limits, plainNames: false) } catch {
      throw DumpError.zip(path: file.path, error)
    }
    var arrays: [DumpedArray] = []
    var members: [(ZipEntry, NumPyHeader)] = []
    var names: Set<String> = []
    for entry in archive.entries {
      let name =
        entry.name.hasSuffix(NumPyFolder.suffix)
        ? String(entry.name.dropLast(NumPyFolder.suffix.count)) : entry.name
      guard names.insert(name).inserted else { throw DumpError.duplicate(path: path, name: name) }
      let beginning: [UInt8]
      do { beginning = try archive.prefix(of: entry, upTo: NumPyHeader.longest) } catch {
        throw DumpError.zip(path: path, error)
      }
      let header: NumPyHeader
      do { header = try NumPyHeader(beginning, fileCount: entry.size) } catch {
        throw DumpError.numpy(path: "\(path): \(entry.name)", error)
      }
      members.append((entry, header))
      arrays.append(DumpedArray(name: name, header))
    }
    guard !arrays.isEmpty else { throw DumpError.empty(path: path, expected: "an .npz archive with arrays") }
    self.arrays = arrays
    self.members = members
  }

  func bytes(at index: Int) throws -> TensorBytes {
    let (entry, header) = members[index]
    do {
      return try archive.bytes(of: entry).part(at: header.dataOffset, count: header.byteCount)
    } catch {
      throw DumpError.zip(path: path, error)
    }
  }
}
