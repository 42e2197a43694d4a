// The sketch of a run, which a child process reads: its tables fit each other, and a sketch is one of its array.
import Files
import HDF5
import Taps
import Tensors
@testable import Traces

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let path = inputFile(start, count)
  do {
    let reader = try SketchReader(path: path)
    for tap in reader.taps {
      let sketch = try reader.sketch(of: tap.id)
      require(sketch.nan + sketch.infinite <= sketch.count, "what isn't finite is among the elements")
      require(sketch.samples.count == reader.kind.samples, "all have as many samples")
      require(sketch.projections.count == Sketcher.projectionCount, "all have as many sums")
      let positions = sketch.positions(seed: reader.kind.seed)
      require(positions.count == sketch.sampleCount, "as many samples as elements, or all")
      require(positions.allSatisfy { 0 <= $0 && $0 < sketch.count }, "samples are of the array")
    }
  } catch {
    require(error is HDF5Error || error is TraceError || error is FileError, "a refusal says where and what: \(error)")
  }
  return 0
}
