// A NumPy array: header and elements fill the file, every way to read it agrees, and Float32 is written and read back the same.
import Checkpoints
@testable import Dumps
import Foundation
import Tensors
import Verification

private let written = "/dev/shm/sam2kit-fuzz-\(getpid()).npy"

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let bytes = Array(input(start, count))
  guard let header = try? NumPyHeader(bytes, fileCount: count) else { return 0 }
  require(header.dataOffset + header.byteCount == count, "header and elements fill the file")
  require(header.shape.count * header.type.byteCount == header.byteCount, "elements have their bytes")
  let path = inputFile(start, count)
  do {
    let folder = try NumPyFolder(file: path)
    let elements = try folder.bytes(at: 0).withBytes { Array($0) }
    require(elements == Array(bytes[header.dataOffset...]), "the elements are those of the file")
    let dump = try ForeignArrays(path: path, reference: nil)
    var numbers = [Float](repeating: 0, count: header.shape.count)
    try numbers.withUnsafeMutableBufferPointer { try dump.read(dump.arrays[0].id, from: 0, into: $0) }
    guard let tensor = try? NumPyFile.tensor(path: path) else { return 0 }
    require(tensor.elements.map(\.bitPattern) == numbers.map(\.bitPattern), "both readings are one")
    defer { unlink(written) }
    try NumPyFile.write(tensor, to: written)
    let again = try NumPyFile.tensor(path: written)
    require(again.shape == tensor.shape, "writing and reading keeps the shape")
    require(again.elements.map(\.bitPattern) == tensor.elements.map(\.bitPattern), "writing and reading keeps the numbers")
  } catch let error as DumpError {
    // Opaque bytes are numbers where a map says so only.
    guard case .elementType = error else { fatalError("invariant: what has a header is read: \(error)") }
  } catch {
    require(false, "what has a header is read: \(error)")
  }
  return 0
}
