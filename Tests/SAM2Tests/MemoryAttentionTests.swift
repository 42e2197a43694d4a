import Kernels
import Tensors
import TestSupport
import Testing
import Traces
import Verification

@testable import SAM2

@Test(arguments: [("memory", 101), ("memory_plain", 54)])
func memoryAttentionMatchesPyTorch(fixture: String, taps: Int) throws {
  let comparison = try RecordedMemory(fixture).compare("memory_attention*")
  #expect(comparison.passes, "\(comparison.firstDivergence.map { "\($0)" } ?? "nothing compared")")
  #expect(comparison.arrays.count == taps)
  #expect(comparison.extra.isEmpty)
}

/// Tokens that fill a tile of 512 rows together, and tokens that don't.
@Test(arguments: [4, 11, 23])
func objectsShareAFrameToTheBit(side: Int) throws {
  let attention = try RecordedMemory("memory").attention
  let (tokens, pointers) = (side * side, 4)
  let length = 2 * tokens + pointers
  let curr = ramp([1, tokens, 16])
  let (currPos, memory) = (ramp([1, tokens, 16], from: 5), ramp([3, length, 8], from: 2))
  let memoryPos = ramp([3, length, 8], from: 9)
  let together = attention(
    .init(curr: curr, currPos: currPos, memory: memory, memoryPos: memoryPos, objPtrTokens: pointers), Run())
  let alone = (0..<3).map { object in
    attention(
      .init(
        curr: curr, currPos: currPos, memory: memory[object..<object + 1],
        memoryPos: memoryPos[object..<object + 1], objPtrTokens: pointers), Run())
  }
  #expect(together.shape == [3, tokens, 16])
  #expect(together.bits == Tensor.concatenated(alone, axis: 0).bits)
  #expect(alone[0].bits != alone[1].bits)
}

@Test func recordingAMemoryChangesNoBit() throws {
  let attention = try RecordedMemory("memory").attention
  let input = MemoryAttention.Input(
    curr: ramp([1, 16, 16]), currPos: ramp([1, 16, 16], from: 5), memory: ramp([2, 20, 8], from: 2),
    memoryPos: ramp([2, 20, 8], from: 9), objPtrTokens: 4)
  let plain = attention(input, Run())
  let recorded = try TestFiles.withTemporaryFolder { folder in
    let taps = Taps(writer: try TraceWriter(path: "\(folder)/t.h5", provenance: .forTests))
    let output = attention(input, Run(taps: taps))
    try taps.finish()
    // The features repeated as PyTorch takes them, and all calls of each object.
    let reader = try TraceReader(path: "\(folder)/t.h5")
    #expect(try reader.tap("memory_attention/0/input/curr/0").shape == [16, 2, 16])
    #expect(try reader.tap("memory_attention.layers.0.norm1/1/input/input").shape == [1, 16, 16])
    return output
  }
  #expect(plain.bits == recorded.bits)
}

/// Numbers from −1 to 1 in no order.
private func ramp(_ shape: Shape, from start: Int = 0) -> Tensor {
  Tensor(shape, (0..<shape.count).map { Float(($0 + start) * 7919 % 2003) / 1001 - 1 })
}
