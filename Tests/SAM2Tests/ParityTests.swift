import TestSupport
import Testing
import Verification

// Every recording was made from the official sam2 1.1.0 by tools/record_reference.py.

@Test func everyModuleMatchesPyTorch() throws {
  let comparison = try RecordedModel.micro().compare(with: TestFiles.package("Reference/micro.h5"))
  #expect(comparison.passes, "\(comparison.firstDivergence.map { "\($0)" } ?? "nothing compared")")
  #expect(comparison.arrays.count == 990)
  #expect(comparison.extra.isEmpty)
}

/// Single masks whose place the best of three takes.
@Test func unstableMasksMatchPyTorch() throws {
  let comparison = try RecordedModel.micro().compare(
    with: TestFiles.package("Reference/micro_unstable.h5"), patterns: ["sam_mask_decoder"])
  #expect(comparison.passes, "\(comparison.firstDivergence.map { "\($0)" } ?? "nothing compared")")
  #expect(comparison.extra.isEmpty)
}

@Test func multimaskAndMaskPromptMatchPyTorch() throws {
  let comparison = try RecordedModel.micro().compare(
    with: TestFiles.package("Reference/micro_multimask.h5"),
    patterns: ["sam_prompt_encoder*", "sam_mask_decoder*"])
  #expect(comparison.passes, "\(comparison.firstDivergence.map { "\($0)" } ?? "nothing compared")")
  #expect(comparison.arrays.count == 256)
  #expect(comparison.extra.isEmpty)
}

@Test(arguments: [("plain.h5", 814), ("plain_multimask.h5", 391)])
func modelWithOtherSwitchesMatchesPyTorch(recording: String, taps: Int) throws {
  let comparison = try RecordedModel.plain().compare(with: TestFiles.fixture(recording))
  #expect(comparison.passes, "\(comparison.firstDivergence.map { "\($0)" } ?? "nothing compared")")
  #expect(comparison.arrays.count == taps)
  #expect(comparison.extra.isEmpty)
}
