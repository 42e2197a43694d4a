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
