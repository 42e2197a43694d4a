// Weights out of a seed: their bits, and how they are spread.
import Architecture
import Files
import Tensors
import Testing

@testable import Synthesis

private let tiny = SynthesizedWeights(Variant.sam21Tiny.configuration, seed: 1)

/// The SHA-256 of a tensor's bytes.
private func digest(_ name: String, _ weights: SynthesizedWeights = tiny) throws -> String {
  try weights.tensor(name).withElements { SHA256.hex(of: UnsafeRawBufferPointer($0)) }
}

private func statistics(_ elements: some Collection<Float>) -> (mean: Double, deviation: Double) {
  let count = Double(elements.count)
  let mean = elements.reduce(0.0) { $0 + Double($1) } / count
  return (mean, (elements.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / count).squareRoot())
}

// Computed once more by a program of another language: numpy, from the description in README.
@Test(arguments: [
  (
    "image_encoder.trunk.patch_embed.proj.weight",
    "13d01ac2064c6ba2b8ff90e12071ca69e55bd8112fae35204dafdda3d4314476"
  ),
  (
    "sam_mask_decoder.pred_obj_score_head.layers.2.bias",
    "7628dcb16470f95da8966d85726d9f45c1d40e8af9454a8d05e7393e6cd875a9"
  ),
  (
    "memory_encoder.fuser.layers.1.gamma",
    "16a97103db563dbbfbd4c8143d0b17c46887d9823bf60e9ba5bb33c07ef796c8"
  ),
]) func elementsAreTheSameOnEveryMachine(name: String, sha256: String) throws {
  #expect(try digest(name) == sha256)
}

@Test func anotherSeedOrNameGivesOtherElements() throws {
  let name = "image_encoder.trunk.blocks.0.attn.qkv.weight"
  let other = SynthesizedWeights(Variant.sam21Tiny.configuration, seed: 2)
  #expect(try digest(name) != digest(name, other))
  let twin = "image_encoder.trunk.blocks.2.norm1.weight"
  #expect(try digest("image_encoder.trunk.blocks.2.norm2.weight") != digest(twin))
}

@Test func everyTensorOfTheLayoutIsMade() throws {
  let layout = StateDictLayout(Variant.sam2Tiny.configuration)
  let weights = SynthesizedWeights(Variant.sam2Tiny.configuration, seed: 1)
  #expect(weights.shapes == layout.shapes)
  #expect(weights.tensors.map(\.name) == layout.tensors.map(\.name))
  #expect(throws: SynthesisError.noSuchTensor(name: "nothing")) { _ = try weights.tensor("nothing") }
}

@Test func matricesKeepVarianceAndHeadsOfAttentionChoose() throws {
  // 384 outputs of 384 inputs; queries and keys, the first two thirds, are twice as wide.
  let weight = try tiny.tensor("image_encoder.trunk.blocks.3.attn.qkv.weight")
  let inputs = Double(weight.shape[1]).squareRoot()
  let half = weight.count / 3 * 2
  #expect(abs(statistics(weight.elements[..<half]).deviation * inputs - 2) < 0.02)
  #expect(abs(statistics(weight.elements[half...]).deviation * inputs - 1) < 0.02)
  #expect(abs(statistics(weight.elements).mean) < 0.001)
}
