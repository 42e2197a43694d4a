import Architecture
import Testing

@Test(arguments: Variant.allCases) func jsonReadsBackAsItWas(variant: Variant) throws {
  var configuration = variant.configuration
  #expect(try ModelConfiguration(json: configuration.json, origin: "json") == configuration)
  // Numbers of every kind, a truth and a null.
  configuration.sigmoidScaleForMemEnc = 0.1
  configuration.maxCondFramesInAttn = 4
  configuration.nonOverlapMasks = true
  configuration.imageEncoder.neck.fpnTopDownLevels = nil
  configuration.memoryEncoder.fuser.layer.layerScaleInitValue = 1.5e-7
  #expect(try ModelConfiguration(json: configuration.json, origin: "json") == configuration)
}

@Test(arguments: [
  ("{", "text: expected a YAML configuration: found no JSON"),
  ("[1]", "text: expected a YAML configuration: found"),
  ("{\"model\": {\"image_encoder\": 3}}", "text: `model.image_encoder` should be a mapping, found `3`"),
  ("{\"image_encoder\": \"x\"}", "text: `image_encoder` should be a mapping, found `x`"),
])
func jsonThatIsNoConfigurationIsRefused(text: String, reason: String) {
  let error = #expect(throws: ConfigurationError.self) { try ModelConfiguration(json: text, origin: "text") }
  #expect(error?.description.hasPrefix(reason) == true, "\(String(describing: error))")
}

@Test func jsonWithAnUnknownKeyIsRefused() {
  let text = Variant.sam21Tiny.configuration.json.replacing("\"num_maskmem\"", with: "\"num_maskmems\"")
  #expect(throws: ConfigurationError.unknownKey(origin: "text", key: "num_maskmems", line: 0)) {
    try ModelConfiguration(json: text, origin: "text")
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

/// Another class under a known key would be computed as if it were SAM 2's.
@Test(arguments: [
  ("\"trunk\":{", "sam2.modeling.backbones.timm.TimmBackbone", "image_encoder.trunk"),
  ("\"trunk\":{", "timm.models.hiera.Hiera", "image_encoder.trunk"),
  (
    "\"cross_attention\":{", "sam2.modeling.sam.transformer.RoPEAttentionv2",
    "memory_attention.layer.cross_attention"
  ),
  ("\"memory_encoder\":{", "sam2.modeling.memory_encoder.Other", "memory_encoder"),
  ("\"fuser\":{", "Fuser", "memory_encoder.fuser"),
])
func anotherClassIsRefusedByKeyAndName(place: String, target: String, key: String) throws {
  let json = Variant.sam21Tiny.configuration.json
  #expect(json.contains(place))
  let text = json.replacing(place, with: "\(place)\"_target_\":\"\(target)\",")
  let error = #expect(throws: ConfigurationError.self) { try ModelConfiguration(json: text, origin: "text") }
  guard case .wrongValue("text", "\(key)._target_", let expected, "`\(target)`") = error else {
    Issue.record("found \(String(describing: error))")
    return
  }
  #expect(expected.hasPrefix("sam2.modeling."))
}

/// Forks rename the package; the class stays what it is.
@Test func aRenamedPackageIsNoOtherClass() throws {
  let text = Variant.sam21Tiny.configuration.json.replacing(
    "\"trunk\":{", with: "\"trunk\":{\"_target_\":\"my_sam2.modeling.backbones.hieradet.Hiera\",")
  #expect(try ModelConfiguration(json: text, origin: "text") == Variant.sam21Tiny.configuration)
}
