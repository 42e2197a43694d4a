// An archive of NumPy arrays: names are its own, and every array has the bytes that its shape takes.
import Checkpoints
@testable import Dumps
import Files
import Tensors
import Verification

private let limits = {
  var limits = ReadingLimits()
  // So that no input takes long because it may.
  limits.inflationFree = 1 << 20
  return limits
}()

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let path = inputFile(start, count)
  let archive: NumPyArchive
  do { archive = try NumPyArchive(try MappedFile(path: path), limits: limits) } catch {
    require(error is DumpError, "a refusal says where and what: \(error)")
    return 0
  }
  require(Set(archive.arrays.map(\.name)).count == archive.arrays.count, "names are their arrays' own")
  for (index, array) in archive.arrays.enumerated() {
    guard array.shape.count * array.type.byteCount <= 1 << 25, let bytes = try? archive.bytes(at: index) else { continue }
    require(bytes.count == array.shape.count * array.type.byteCount, "'\(array.name)' has the bytes that its shape takes")
    require(bytes.withBytes { $0.reduce(0) { $0 &+ Int($1) } } >= 0, "'\(array.name)' can be read")
  }
  guard let dump = try? ForeignArrays(path: path, reference: nil, limits: limits) else { return 0 }
  for array in dump.arrays where array.shape.count <= 1 << 20 {
    var numbers = [Float](repeating: 0, count: array.shape.count)
    _ = try? numbers.withUnsafeMutableBufferPointer { try dump.read(array.id, from: 0, into: $0) }
  }
  return 0
}
