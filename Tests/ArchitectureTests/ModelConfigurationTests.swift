import Architecture
import Foundation
import TestSupport
import Testing

private func micro() throws -> String {
  try String(contentsOfFile: TestFiles.package("Weights/sam2.1_micro.yaml"), encoding: .utf8)
}

@Test(arguments: Variant.allCases) func jsonReadsBackAsItWas(variant: Variant) throws {
  let configuration = variant.configuration
  #expect(try ModelConfiguration(yaml: configuration.json, origin: "json") == configuration)
}

@Test func readsTheOfficialLayout() throws {
  let configuration = try ModelConfiguration(yaml: micro(), origin: "micro")
  #expect(configuration.imageEncoder.scalp == 1)
  #expect(configuration.noObjEmbedSpatial)
  #expect(configuration.sigmoidScaleForMemEnc == 20)
  #expect(configuration.imageEncoder.neck.fpnTopDownLevels == [2, 3])
  #expect(configuration.memoryEncoder.fuser.layer.layerScaleInitValue == 1e-6)
  // Not in the YAML: the official builders add these.
  #expect(configuration.samMaskDecoderExtraArgs.dynamicMultimaskViaStability)
  #expect(configuration.samMaskDecoderExtraArgs.dynamicMultimaskStabilityThresh == 0.98)
}

@Test func refusesAKeyItDoesNotKnow() throws {
  let text = try micro().replacingOccurrences(of: "  num_maskmem:", with: "  num_maskmems: 3\n  num_maskmem:")
  let line =
    try #require(
      text.split(separator: "\n", omittingEmptySubsequences: false).firstIndex { $0.contains("num_maskmems") })
    + 1
  #expect(throws: ConfigurationError.unknownKey(origin: "y", key: "model.num_maskmems", line: line)) {
    try ModelConfiguration(yaml: text, origin: "y")
  }
}

@Test func refusesAValueOfTheWrongKind() throws {
  let text = try micro().replacingOccurrences(of: "num_maskmem: 7", with: "num_maskmem: seven")
  #expect(
    throws: ConfigurationError.wrongValue(
      origin: "y", key: "model.num_maskmem", expected: "a whole number", found: "`seven`")
  ) { try ModelConfiguration(yaml: text, origin: "y") }
}

@Test func namesAMissingPart() {
  #expect(throws: ConfigurationError.missingKey(origin: "y", key: "model.image_encoder", expected: "a mapping"))
  {
    try ModelConfiguration(yaml: "model:\n  image_size: 1024\n", origin: "y")
  }
}

@Test func refusesTextThatIsNoYAML() {
  #expect {
    try ModelConfiguration(yaml: "model: [", origin: "y")
  } throws: { error in
    if case .notYAML("y", _)? = error as? ConfigurationError { true } else { false }
  }
}

@Test func refusesPartsThatDoNotFit() throws {
  let text = try micro().replacingOccurrences(of: "scalp: 1", with: "scalp: 2")
  #expect {
    try ModelConfiguration(yaml: text, origin: "y")
  } throws: { error in
    if case .inconsistent("y", let reason)? = error as? ConfigurationError {
      reason.contains("backbone_stride is 16, but the 2 levels kept have a stride of 8")
    } else {
      false
    }
  }
}

@Test func blocksAreDerivedAsTheOfficialInitialiserDoes() {
  let blocks = Variant.sam21Tiny.configuration.imageEncoder.trunk.blocks
  // Read off the official model: windows, heads and channels of its twelve blocks.
  #expect(blocks.map(\.windowSize) == [8, 8, 4, 4, 14, 0, 14, 0, 14, 0, 14, 7])
  #expect(blocks.map(\.heads) == [1, 2, 2, 4, 4, 4, 4, 4, 4, 4, 8, 8])
  #expect(blocks.map(\.dimOut) == [96, 192, 192, 384, 384, 384, 384, 384, 384, 384, 768, 768])
  #expect(blocks.indices.filter { blocks[$0].poolsQueries } == [1, 3, 10])
}
