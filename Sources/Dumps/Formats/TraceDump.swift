import Checkpoints
import Tensors
import Traces

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
