import Architecture
import OpenBLASBackend
import SAM2
import Tensors
import Testing

/// Tensors of zeros under chosen names and shapes.
private struct Zeros: WeightSource {
  let origin = "zeros"
  var shapes: [String: Shape]
  func tensor(_ name: String) throws -> Tensor { Tensor(repeating: 0, shapes[name] ?? []) }
}

@Test func refusesAnotherModelAndSaysWhatItLooksLike() throws {
  let tiny = Variant.sam21Tiny.configuration
  var weights = Zeros(shapes: StateDictLayout(tiny).shapes)
  weights.shapes["no_mem_embed"] = nil
  weights.shapes["head.weight"] = [10, 4]
  let error = #expect(throws: SAM2Error.self) {
    try SAM2Base(tiny, weights: weights, backend: OpenBLASBackend())
  }
  let said = try #require(error).description
  #expect(said.contains("1 missing (no_mem_embed)"))
  #expect(said.contains("1 unexpected (head.weight)"))
  #expect(said.contains("nearest is sam2.1_hiera_tiny"))
}

@Test func refusesATensorOfAnotherShape() throws {
  let tiny = Variant.sam21Tiny.configuration
  var weights = Zeros(shapes: StateDictLayout(tiny).shapes)
  weights.shapes["obj_ptr_proj.layers.0.bias"] = [257]
  let error = #expect(throws: SAM2Error.self) { try SAM2Base.check(weights, fit: tiny) }
  let said = try #require(error).description
  #expect(said.contains("obj_ptr_proj.layers.0.bias: expected [256], found [257]"))
}
