import Architecture
import OpenBLASBackend
@testable import SAM2
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

@Test func takesTheTensorsThatItsSwitchesAskFor() throws {
  let full = Variant.sam21Tiny.configuration
  let model = try SAM2Base(
    full, weights: Zeros(shapes: StateDictLayout(full).shapes), backend: OpenBLASBackend())
  #expect(model.maskmemTposEnc.shape == [7, 1, 1, 64])
  #expect(model.noObjPtr?.shape == [1, 256])
  #expect(model.noObjEmbedSpatial?.shape == [1, 64])
  #expect(model.maskDownsample?(Tensor(repeating: 1, [1, 1, 8, 8]), Run()).shape == [1, 1, 2, 2])
  #expect(model.objPtrTposProj(Tensor(repeating: 1, [3, 256]), Run()).shape == [3, 64])

  var bare = full
  bare.useObjPtrsInEncoder = false
  bare.projTposEncInObjPtrs = false
  bare.noObjEmbedSpatial = false
  let without = try SAM2Base(
    bare, weights: Zeros(shapes: StateDictLayout(bare).shapes), backend: OpenBLASBackend())
  #expect(without.noObjPtr == nil && without.noObjEmbedSpatial == nil && without.maskDownsample == nil)
  let token = Tensor([1, 2], [3, 4])
  #expect(without.objPtrProj(token, Run()).elements == [3, 4])
  #expect(without.objPtrTposProj(token, Run()).elements == [3, 4])
}

@Test func namesTensorsThatNoModuleRead() throws {
  let loader = WeightLoader(
    source: Zeros(shapes: ["a.weight": [1], "b": [2]]), backend: try OpenBLASBackend(),
    plan: PrecisionPlan())
  _ = try Scope(loader: loader)("a").parameter("weight", [1])
  #expect(throws: SAM2Error.unreadWeights(origin: "zeros", names: ["b"])) { try loader.requireAllTaken() }
}
