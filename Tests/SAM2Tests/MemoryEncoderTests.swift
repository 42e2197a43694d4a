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
