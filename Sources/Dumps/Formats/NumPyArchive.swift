import Checkpoints
import Files
import Tensors

/// An `.npz` archive: a zip of `.npy` files. Stored members are read in place, deflated ones are inflated one at a time,
/// and none is handed out before its checksum was verified.
final class NumPyArchive: DumpContents {
  let arrays: [DumpedArray]
  private let path: String
  private let archive: ZipArchive
  private let members: [(entry: ZipEntry, header: NumPyHeader)]

  /// Names are keys here and never paths; and masks, which are mostly zeros, deflate as far as the method goes.
  private static var limits: ReadingLimits {
    var limits = ReadingLimits()
    limits.inflationRatio = 1032
    return limits
  }

  init(_ file: MappedFile) throws {
    path = file.path
    do { archive = try ZipArchive(file, limits: Self.limits, plainNames: false) } catch {
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
