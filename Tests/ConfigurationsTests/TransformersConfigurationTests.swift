import Architecture
import Configurations
import Foundation
import Testing
import TestSupport

@Suite struct TransformersConfigurationTests {
  private func fixture(_ name: String) throws -> String {
    try String(contentsOfFile: TestFiles.fixture("transformers/\(name)"), encoding: .utf8)
  }

  @Test(arguments: Variant.allCases) func everyReleasedModelComesBack(_ variant: Variant) throws {
    let text = try variant.configuration.transformersJSON()
    #expect(try ModelConfiguration(transformers: text, origin: "text") == variant.configuration)
  }

  /// As `save_pretrained` writes it, with all that every model of transformers has.
  @Test(arguments: [Variant.sam2Large, .sam21Tiny]) func transformersOwnFileIsRead(_ variant: Variant) throws {
    let text = try fixture("\(variant.rawValue).config.json")
    #expect(try ModelConfiguration(transformers: text, origin: "text") == variant.configuration)
  }

  @Test func aModelOfAnotherSizeComesBackButForItsRotations() throws {
    let path = TestFiles.package("Weights/sam2.1_micro.yaml")
    let micro = try ModelConfiguration(yaml: String(contentsOfFile: path, encoding: .utf8), origin: path)
    #expect(
      try ModelConfiguration(transformers: micro.transformersJSON(), origin: "text") == micro)
    #expect(micro.transformersVideoObstacle?.contains("32") == true)
    #expect(Variant.sam21Large.configuration.transformersVideoObstacle == nil)
  }

  /// What transformers has no key for would be computed otherwise there.
  @Test(
    arguments: [
      "use_signed_tpos_enc_to_obj_ptrs=false", "image_encoder.neck.fuse_type=avg", "soft_no_obj_ptr=true",
      "memory_temporal_stride_for_eval=2", "directly_add_no_mem_embed=false",
    ])
  func whatTransformersCannotBeToldIsNamed(_ setting: String) throws {
    let change = try #require(ConfigurationSetting(setting))
    let model = try Variant.sam21Tiny.configuration.changed(by: [change], origin: "test")
    let error = #expect(throws: ConfigurationError.self) { try model.transformersJSON() }
    #expect(error?.description.contains(setting) == true, "\(String(describing: error))")
  }

  @Test(
    arguments: [
      ("\"model_type\": \"sam2_video\"", "\"model_type\": \"sam3\"", "model_type"),
      ("\"image_size\": 1024", "\"image_size\": [1024, 512]", "image_size"),
      ("\"num_maskmem\": 7", "\"num_maskmem\": \"seven\"", "num_maskmem"),
      ("\"rope_type\": \"axial\"", "\"rope_type\": \"mixed\"", "rope_type"),
      ("\"num_attention_heads\": 1,", "\"num_attention_heads\": 2,", "num_attention_heads"),
      ("\"mask_downsampler_total_stride\": 16", "\"mask_downsampler_total_stride\": 64", "total_stride"),
      ("\"memory_fuser_intermediate_dim\": 1024", "\"memory_fuser_intermediate_dim\": 512", "intermediate_dim"),
    ])
  func whatCannotBeFollowedIsNamed(_ old: String, _ new: String, _ key: String) throws {
    let text = try Variant.sam21Tiny.configuration.transformersJSON()
    #expect(text.contains(old))
    let error = #expect(throws: ConfigurationError.self) {
      try ModelConfiguration(transformers: text.replacing(old, with: new), origin: "text")
    }
    #expect(error?.description.contains(key) == true, "\(String(describing: error))")
  }

  /// transformers refuses `20` for a number that isn't whole by its kind.
  @Test func numbersLookAsPythonWritesThem() throws {
    let text = try Variant.sam21Tiny.configuration.transformersJSON()
    for line in ["\"sigmoid_scale_for_mem_enc\": 20.0,", "\"rope_theta\": 10000.0,", "value\": 1e-06,"] {
      #expect(text.contains(line))
    }
  }
}
