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
@Test(arguments: DIGESTS) func elementsAreTheSameOnEveryMachine(name: String, sha256: String) throws {
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
  let weight = try tiny.tensor("image_encoder.trunk.blocks.3.attn.qkv.weight").elements
  let half = weight.count / 3 * 2
  let (inputs, heads) = (Double(weight.count / tiny.tensors.first { $0.name == "image_encoder.trunk.blocks.3.attn.qkv.weight" }!.shape[0]), statistics(weight[..<half]))
  #expect(abs(heads.deviation * inputs.squareRoot() - 2) < 0.01)
  #expect(abs(statistics(weight[half...]).deviation * inputs.squareRoot() - 1) < 0.01)
  #expect(abs(heads.mean) < 0.001)
}
