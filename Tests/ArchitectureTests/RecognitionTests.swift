@testable import Architecture
import Tensors
import Testing

@Test(arguments: Variant.allCases) func recognisesEveryReleasedModel(variant: Variant) {
  let recognition = Recognition(StateDictLayout(variant.configuration).shapes)
  #expect(recognition.variant == variant)
  #expect(recognition.summary == variant.rawValue)
}

@Test func namesTheNearestAndWhyNot() {
  var shapes = StateDictLayout(Variant.sam21Small.configuration).shapes
  shapes["no_mem_embed"] = nil
  shapes["extra.weight"] = [3]
  shapes["no_mem_pos_enc"] = [1, 1, 128]
  let recognition = Recognition(shapes)
  #expect(recognition.variant == nil)
  #expect(recognition.nearest == .sam21Small)
  #expect(recognition.difference.missing == ["no_mem_embed"])
  #expect(recognition.difference.unexpected == ["extra.weight"])
  #expect(
    recognition.difference.misshaped == [
      .init(name: "no_mem_pos_enc", expected: [1, 1, 256], found: [1, 1, 128])
    ])
  #expect(
    recognition.summary == """
      no released SAM 2 model; nearest is sam2.1_hiera_small: 1 missing (no_mem_embed); 1 unexpected \
      (extra.weight); 1 misshaped (no_mem_pos_enc: expected [1, 1, 256], found [1, 1, 128])
      """)
}

@Test func saysThatAnotherModelIsNone() {
  let recognition = Recognition(["conv1.weight": [64, 3, 7, 7], "fc.bias": [1000]])
  #expect(recognition.variant == nil)
  #expect(recognition.matching == 0)
  #expect(
    recognition.summary == """
      no SAM 2 model: no tensor has the name and shape of any released one; against sam2_hiera_tiny: 468 missing \
      (maskmem_tpos_enc, no_mem_embed, no_mem_pos_enc, …); 2 unexpected (conv1.weight, fc.bias)
      """)
}
