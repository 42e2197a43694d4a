import Kernels
import Tensors
import Testing
import Verification

@testable import SAM2

@Test(arguments: [("memory", 60), ("memory_plain", 40)])
func memoryEncoderMatchesPyTorch(fixture: String, taps: Int) throws {
  let comparison = try RecordedMemory(fixture).compare("memory_encoder*")
  #expect(comparison.passes, "\(comparison.firstDivergence.map { "\($0)" } ?? "nothing compared")")
  #expect(comparison.arrays.count == taps)
  #expect(comparison.extra.isEmpty)
}

@Test func objectsShareAFramesFeaturesToTheBit() throws {
  let recorded = try RecordedMemory("memory_plain")
  let input = try recorded.encoderInput()
  let frame = input.pixFeat[0..<1]
  let together = recorded.encoder(.init(pixFeat: frame, masks: input.masks), Run())
  let alone = (0..<2).map { object in
    recorded.encoder(.init(pixFeat: frame, masks: input.masks[object..<object + 1]), Run())
  }
  #expect(
    together.visionFeatures.bits == Tensor.concatenated(alone.map(\.visionFeatures), axis: 0).bits)
  #expect(together.visionPosEnc[0].shape == [2, 16, 5, 5])
}
