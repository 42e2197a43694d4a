// A map of names, and arrays that it leads to taps: every array is some tap's, all of it is read, and nothing else.
import Checkpoints
@testable import Dumps
import Foundation
import Taps
import Tensors
import Verification

/// Arrays that count their elements.
private struct Counted: DumpContents {
  let arrays = [
    DumpedArray(name: "conv.0", shape: Shape([1, 4, 3, 2]), type: .numbers(.float32)),
    DumpedArray(name: "conv.1", shape: Shape([1, 2, 3, 4]), type: .numbers(.float32), isFortranOrder: true),
    DumpedArray(name: "steps/q", shape: Shape([2, 3]), type: .numbers(.int8)),
    DumpedArray(name: "bits", shape: Shape([6]), type: .opaque(byteCount: 2)),
  ]

  func bytes(at index: Int) throws -> TensorBytes {
    let array = arrays[index]
    let size = array.type.byteCount
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: array.shape.count * size, alignment: 64)
    for place in 0..<array.shape.count {
      switch size {
      case 4: memory.storeBytes(of: Float(place).bitPattern, toByteOffset: 4 * place, as: UInt32.self)
      case 2: memory.storeBytes(of: UInt16(Float(place).bitPattern >> 16), toByteOffset: 2 * place, as: UInt16.self)
      default: memory[place] = UInt8(place)
      }
    }
    return TensorBytes(UnsafeRawBufferPointer(memory), owner: Memory(memory))
  }
}

/// Lets bytes go with their last reader, so that reading later shows.
private final class Memory: Sendable {
  private nonisolated(unsafe) let bytes: UnsafeMutableRawBufferPointer
  init(_ bytes: UnsafeMutableRawBufferPointer) { self.bytes = bytes }
  deinit { bytes.deallocate() }
}

private let reference = [
  SourceArray("trunk/0/output", Shape([1, 2, 4, 3])), SourceArray("trunk/1/output", Shape([1, 4, 2, 3])),
  SourceArray("attn.q/0/output", Shape([3, 2])), SourceArray("bits/0/output", Shape([6])),
  SourceArray("conv.0", Shape([1, 4, 3, 2])), SourceArray("conv.1", Shape([1, 2, 3, 4])),
]

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  guard let map = try? NameMap(Data(input(start, count)), path: "input") else { return 0 }
  for rule in map.rules {
    for array in Counted().arrays {
      guard let captures = rule.glob.captures(in: array.name) else { continue }
      require(captures.count == rule.glob.captureCount, "a wildcard stands for one text")
      require(captures.reduce(0) { $0 + $1.count } <= array.name.count, "wildcards share no character")
      _ = rule.to?.name(for: array.name, captures: captures)
    }
  }
  guard
    let dump = try? ForeignArrays(Counted(), path: "dump", map: map, layout: nil, reference: reference)
  else { return 0 }
  // A wildcard may stand for nothing, and no tap is called that.
  require(dump.arrays.allSatisfy { !$0.id.name.isEmpty }, "a tap has a name")
  require(Set(dump.arrays.map(\.id)).count == dump.arrays.count, "arrays have names of their own")
  let scaled = map.rules.contains { $0.scales != nil }
  for array in dump.arrays where reference.contains(where: { $0.id == array.id }) {
    var numbers = [Float](repeating: -1, count: array.shape.count)
    do {
      try numbers.withUnsafeMutableBufferPointer { try dump.read(array.id, from: 0, into: $0) }
      let tail = try [Float](unsafeUninitializedCapacity: numbers.count / 2) { buffer, filled in
        let half = numbers.count / 2
        try dump.read(
          array.id, from: numbers.count - half, into: UnsafeMutableBufferPointer(rebasing: buffer[..<half]))
        filled = half
      }
      require(numbers.suffix(tail.count).map(\.bitPattern) == tail.map(\.bitPattern), "a part is as in the whole")
    } catch {
      require(false, "what is listed is read: \(error)")
    }
    let isCounted = array.shape.count > 6 && !scaled
    require(!isCounted || numbers.sorted() == (0..<numbers.count).map(Float.init), "every element of \(array.id) stands once")
  }
  return 0
}
