import Architecture
import Configurations
import Foundation
import Testing
import TestSupport

private func micro() throws -> String {
  try String(contentsOfFile: TestFiles.package("Weights/sam2.1_micro.yaml"), encoding: .utf8)
}

/// JSON is YAML too.
@Test(arguments: Variant.allCases) func yamlReadsJSONBackAsItWas(variant: Variant) throws {
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

/// The recordings' configuration is the embedded model's at another size, and nothing else.
@Test func recordingsDifferInSizeAlone() throws {
  let attention = "memory_attention.layer"
  let settings = [
    "image_size=128", "\(attention).self_attention.feat_sizes=[8, 8]",
    "\(attention).cross_attention.feat_sizes=[8, 8]",
  ].compactMap(ConfigurationSetting.init)
  let recorded = try String(contentsOfFile: TestFiles.package("Reference/micro.yaml"), encoding: .utf8)
  #expect(
    try ModelConfiguration(yaml: recorded, origin: "recorded")
      == ModelConfiguration(yaml: micro(), origin: "micro").changed(by: settings, origin: "settings"))
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

/// YAML 1.1 has numbers to the base of 60, which no configuration needs: PyYAML reads them.
@Test func numbersToTheBaseOf60AreReadAsPyYAMLDoes() throws {
  let text = try micro().replacingOccurrences(of: "image_size: 256", with: "image_size: 4:16")
  #expect(try text != micro())
  #expect(try ModelConfiguration(yaml: text, origin: "y") == ModelConfiguration(yaml: micro(), origin: "micro"))
}

@Test(arguments: [
  "1:0:0:0:0:0:0:0:0:0:0:0:0", "-9:0:0:0:0:0:0:0:0:0:0:0", "153722867280912931:0", "2:-0:-0:1:012:01010",
])
func refusesNumbersToTheBaseOf60ThatNothingHolds(number: String) throws {
  let text = try micro().replacingOccurrences(of: "num_maskmem: 7", with: "num_maskmem: \(number)")
  #expect(
    throws: ConfigurationError.wrongValue(
      origin: "y", key: "model.num_maskmem", expected: "a whole number from 0 to 1048576", found: "`\(number)`")
  ) { try ModelConfiguration(yaml: text, origin: "y") }
}

@Test func refusesAValueOfTheWrongKind() throws {
  let text = try micro().replacingOccurrences(of: "num_maskmem: 7", with: "num_maskmem: seven")
  #expect(
    throws: ConfigurationError.wrongValue(
      origin: "y", key: "model.num_maskmem", expected: "a whole number from 0 to 1048576", found: "`seven`")
  ) { try ModelConfiguration(yaml: text, origin: "y") }
}

/// Values that would overflow, divide by zero, cost memory without bound, or make shapes that don't fit: whoever sends
/// a converted file chooses them.
@Test(arguments: [
  ("stages: [1, 2, 4, 2]", "stages: [9000000000000000000, 9000000000000000000, 1, 1]"),
  ("stages: [1, 2, 4, 2]", "stages: [100000000, 1, 1, 1]"),
  ("embed_dim: 24", "embed_dim: 4611686018427387904"), ("embed_dim: 24", "embed_dim: 24\n      dim_mul: .inf"),
  ("embed_dim: 24", "embed_dim: 24\n      dim_mul: 1.0e+30"), ("num_heads: 1", "num_heads: 0"),
  ("num_heads: 1", "num_heads: 1\n      head_mul: 0.5"), ("num_heads: 1", "num_heads: 1\n      q_pool: 0"),
  ("num_heads: 1", "num_heads: 1\n      q_pool: 1\n      q_stride: [4, 4]"),
  ("window_spec: [8, 4, 6, 3]", "window_spec: [0, 4, 8, 4]"),
  ("window_spec: [8, 4, 6, 3]", "window_spec: [8, 3, 8, 5]"),
  ("window_spec: [8, 4, 6, 3]", "window_spec: [8, 1000000, 8, 4]"),
  ("bkg_spatial_size: [7, 7]", "bkg_spatial_size: [-7, -7]"), ("num_pos_feats: 64", "num_pos_feats: -4"),
  ("d_model: 64", "d_model: 64\n      padding: 5"), ("d_model: 64", "d_model: 64\n      stride: 2"),
  ("image_size: 256", "image_size: 1048576"), ("image_size: 256", "image_size: 272"),
  ("kv_in_dim: 32", "kv_in_dim: 64"), ("kernel_size: 7", "kernel_size: 5"),
  ("num_pos_feats: 32", "num_pos_feats: 16"),
  ("kernel_size: 3\n      stride: 2\n      padding: 1", "kernel_size: 5\n      stride: 2\n      padding: 1"),
  ("rope_theta: 10000.0\n        feat_sizes: [16, 16]", "feat_sizes: [12]"),
  ("pos_enc_at_input: true", "pos_enc_at_input: true\n    batch_first: false"),
  ("rope_k_repeat: True", "rope_k_repeat: True\n        downsample_rate: 32"),
  ("num_layers: 2", "num_layers: -1"), ("num_layers: 2", "num_layers: 1000000000"),
  ("out_dim: 32", "out_dim: 0"),
  ("image_size: 256", "image_size: 256\n  memory_temporal_stride_for_eval: 0"),
])
func refusesAValueThatCanNotBeMeant(official: String, changed: String) throws {
  let text = try micro()
  let place = try #require(text.firstRange(of: official))
  #expect(throws: ConfigurationError.self) {
    try ModelConfiguration(yaml: text.replacingCharacters(in: place, with: changed), origin: "y")
  }
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
