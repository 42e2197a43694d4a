// A recording of a run, which a child process reads: all taps are its own, and every element can be read. What the
// child did not survive is an error.
import Files
import HDF5
import Taps
import Tensors
@testable import Traces

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let path = inputFile(start, count)
  do {
    let reader = try TraceReader(path: path)
    for tap in reader.taps where tap.shape.count <= 1 << 20 {
      guard let tensor = try? reader.tensor(tap) else { continue }
      require(tensor.shape == tap.shape, "\(tap.name) has its shape")
      let mapped = try reader.mapped(tap)
      require(mapped == nil || mapped?.elements.map(\.bitPattern) == tensor.elements.map(\.bitPattern), "both readings are one")
    }
    for tap in Set(reader.taps.map(\.id)) { require(try reader.tap(tap).id == tap, "\(tap) is found by its name") }
    _ = try? TraceSummary(.trace(reader))
  } catch {
    require(error is HDF5Error || error is TraceError || error is FileError, "a refusal says where and what: \(error)")
  }
  return 0
}
