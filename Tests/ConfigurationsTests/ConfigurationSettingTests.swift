import Architecture
import Configurations
import Testing

private func changed(_ settings: String...) throws -> ModelConfiguration {
  try Variant.sam21Tiny.configuration.changed(
    by: settings.compactMap(ConfigurationSetting.init), origin: "--set")
}

@Test func settingsChangeWhatTheyNameAndNothingElse() throws {
  var expected = Variant.sam21Tiny.configuration
  #expect(try changed() == expected)
  expected.fillHoleArea = 3
  expected.samMaskDecoderExtraArgs.dynamicMultimaskStabilityThresh = 0.5
  expected.nonOverlapMasks = true
  let found = try changed(
    "fill_hole_area=3", "sam_mask_decoder_extra_args.dynamic_multimask_stability_thresh=0.5",
    "model.non_overlap_masks=true")
  #expect(found == expected)
}

@Test func theLastSettingOfAKeyCounts() throws {
  #expect(try changed("fill_hole_area=3", "fill_hole_area=5").fillHoleArea == 5)
}

@Test func aSettingIsSplitAtItsFirstEqualsSign() {
  let setting = ConfigurationSetting("a.b=c=d")
  #expect(setting?.key == "a.b" && setting?.value == "c=d")
  #expect(ConfigurationSetting("a=")?.value == "")
  #expect(ConfigurationSetting("=3") == nil)
  #expect(ConfigurationSetting("fill_hole_area") == nil)
}

@Test(arguments: ["sizes=1", "model.sizes=1", "memory_attention.sizes=1"])
func aSettingOfAnUnknownKeyIsRefusedWithoutALine(text: String) throws {
  let key = text == "memory_attention.sizes=1" ? "memory_attention.sizes" : "sizes"
  let error = ConfigurationError.unknownKey(origin: "--set", key: key, line: 0)
  #expect(throws: error) { try changed(text) }
  #expect(error.description == "--set: `\(key)` is no option of SAM 2 that sam2kit knows")
}

@Test func aSettingOfAWrongValueIsRefused() {
  #expect(
    throws: ConfigurationError.wrongValue(
      origin: "--set", key: "fill_hole_area", expected: "a whole number from 0 to 1048576", found: "`many`")
  ) { try changed("fill_hole_area=many") }
  #expect(
    throws: ConfigurationError.wrongValue(
      origin: "--set", key: "fill_hole_area", expected: "a value", found: "nothing")
  ) { try changed("fill_hole_area=") }
}

@Test func settingsThatContradictTheModelAreRefused() {
  #expect { try changed("memory_attention.layer.d_model=128") } throws: { error in
    guard case .inconsistent(origin: "--set", _) = error as? ConfigurationError else { return false }
    return true
  }
}

@Test(arguments: ["fill_hole_area=[", "..=1", "=1"]) func whatIsNoSettingIsNeverTaken(text: String) {
  guard let setting = ConfigurationSetting(text) else { return }
  #expect(throws: ConfigurationError.self) {
    try Variant.sam21Tiny.configuration.changed(by: [setting], origin: "--set")
  }
}
