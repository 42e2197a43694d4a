import Kernels
import Taps
import Tensors
import Testing
import TestSupport
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

@Test func recordingAMemoryChangesNoBit() throws {
  let attention = try RecordedMemory("memory").attention
  let input = MemoryAttention.Input(
    curr: ramp([2, 16, 16]), currPos: ramp([2, 16, 16], from: 5), memory: ramp([2, 20, 8], from: 2),
    memoryPos: ramp([2, 20, 8], from: 9), objPtrTokens: 4)
  let plain = attention(input, Run())
  let recorded = try TestFiles.withTemporaryFolder { folder in
    let taps = Taps(writer: try TraceWriter(path: "\(folder)/t.h5", provenance: .forTests))
    let output = attention(input, Run(taps: taps))
    try taps.finish()
    let reader = try TraceReader(path: "\(folder)/t.h5")
    #expect(try reader.tap("memory_attention/0/input/curr/0").shape == [16, 2, 16])
    return output
  }
  #expect(plain.bits == recorded.bits)
}

/// Numbers from −1 to 1 in no order.
private func ramp(_ shape: Shape, from start: Int = 0) -> Tensor {
  Tensor(shape, (0..<shape.count).map { Float(($0 + start) * 7919 % 2003) / 1001 - 1 })
}
