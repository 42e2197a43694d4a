// A trace read call by call, and what its taps are called.
import Foundation
import HDF5
import Prompts
import Tensors
import Testing
import TestSupport

import Taps
@testable import Traces

private let provenance = Provenance(
  producer: "test", producerVersion: "1", backend: "none", backendVersion: "0", threads: 1,
  checkpointSHA256: "", inputSHA256: "", input: TraceInput(width: 1, height: 1, preprocessing: ""),
  prompts: PromptScript(multimask: false, objects: []))

@Test func aTapsNameSaysItsCall() {
  let call = CallID(ModulePath("a.b"), 3)
  #expect(TapID("a.b/3/input/x") == .input(call, parameter: "x", members: []))
  #expect(TapID("a.b/3/input/xs/0/key") == .input(call, parameter: "xs", members: ["0", "key"]))
  #expect(TapID("a.b/3/output") == .output(call, members: []))
  #expect(TapID("a.b/3/output/1") == .output(call, members: ["1"]))
  #expect(TapID(call, "input/xs/0") == "a.b/3/input/xs/0")
  #expect(TapID(call, "output") == "a.b/3/output")
  #expect(TapID("prediction/iou") == .prediction("iou", at: nil))
  let place = PredictionPlace(step: 0, frame: 4, object: 1)
  #expect(TapID("prediction/0/4/1/logits") == .prediction("logits", at: place))
  #expect(PredictedValue.objectScore.tap(at: place) == "prediction/0/4/1/object_score")
  #expect(TapID("prediction/0/4/1/iou").predicted == .iou)
  #expect(TapID("prediction/0/4/1/logits").predicted == nil)
  #expect(TapID("a.b/3/input/x").isInput && !TapID("a.b/3/output/input").isInput)
  #expect(TapID("a.b/3/input/xs/0").value == "input/xs/0" && TapID("a.b/3/output").module?.name == "a.b")
}

/// A spelling that isn't the one that names are written in is another name.
@Test(
  arguments: [
    "a/x/output", "a/0/between", "a/01/output", "a/+1/output", "a/0/input", "a", "", "/", "prediction/0/iou",
    "prediction/0/output/x", "prediction/0/08/1/iou", "x/prediction/iou", "predictions/iou",
    "prediction", "prediction/0/8/1", "prediction/0/8/1/iou/x",
  ])
func otherNamesAreKeptAsTheyAre(name: String) {
  #expect(TapID(name) == .other(name))
  #expect(TapID(name).call == nil && TapID(name).predicted == nil)
}

@Test(
  arguments: [
    "a.b/3/input/x", "a.b/3/input/x/", "a/0/output//1", "/0/output", "prediction/iou", "prediction/",
    "prediction/0/8/1/low_res_logits", "encoder/blocks/0", "a/01/output", "é/0/output/ß",
  ])
func everyNameComesBack(name: String) throws {
  #expect(TapID(name).name == name && "\(TapID(name))" == name)
  #expect(TapID(TapID(name).name) == TapID(name))
  #expect(try JSONDecoder().decode(TapID.self, from: JSONEncoder().encode(TapID(name))) == TapID(name))
}

@Test func patternsFitModulesAndWholeNames() {
  let tap: TapID = "trunk.blocks.3.attn/0/input/x"
  #expect(tap.matches(TapPattern("trunk.*.attn")) && tap.matches(TapPattern("*/input/*")))
  #expect(!tap.matches(TapPattern("trunk")) && !TapID("other").matches(TapPattern("oth")))
}

@Test func aCallIsReadBackAsItWasMade() throws {
  try TestFiles.withTemporaryFolder { folder in
    let (x, y) = (Tensor([2], [1, 2]), Tensor([3], [3, 4, 5]))
    let writer = try TraceWriter(path: "\(folder)/t.h5", provenance: provenance)
    try writer.write(ModulePath("m"), call: 0, sequence: 0, inputs: [("xs", [x, y])], output: y)
    try writer.write(ModulePath("n"), call: 0, sequence: 1, inputs: [("x", y)], output: [y, x])
    try writer.finish()
    let reader = try TraceReader(path: "\(folder)/t.h5")
    let arrays = RecordedCalls(reader)
    let call = try #require(arrays[CallID(ModulePath("m"), 0)])
    #expect(try [Tensor](named: "input/xs", from: call).map(\.elements) == [[1, 2], [3, 4, 5]])
    #expect(try Tensor(named: "output", from: call).elements == [3, 4, 5])
    #expect(call.shape("input/xs/1") == [3])
    #expect(call.shape("input/xs/2") == nil)
    #expect(arrays[CallID(ModulePath("m"), 1)] == nil)
    #expect(throws: TraceError.noSuchTap(file: reader.path, name: "m/0/input/y")) { try call.tensor("input/y") }
    // One array under three names lies in one place, and is known again by its memory.
    let (one, other) = (try reader.tap("m/0/output"), try reader.tap("n/0/input/x"))
    #expect(one.address == other.address)
    #expect(try reader.tap("n/0/output/1").address != one.address)
    let read = try arrays.tensor(one.id)
    #expect(try arrays.holds(read, as: other.id))
    #expect(try !arrays.holds(Tensor([3], read.elements), as: other.id))
    #expect(try !arrays.holds(read, as: "n/0/output/1"))
  }
}

@Test(arguments: [false, true]) func arraysAreMappedWhereTheyLieInOnePiece(isCompressed: Bool) throws {
  try TestFiles.withTemporaryFolder { folder in
    let x = Tensor([5000], (0..<5000).map(Float.init))
    let writer = try TraceWriter(
      path: "\(folder)/t.h5", provenance: provenance, storage: isCompressed ? .compressed : .contiguous)
    try writer.write(ModulePath("m"), call: 0, sequence: 0, inputs: [], output: x)
    try writer.finish()
    let reader = try TraceReader(path: "\(folder)/t.h5")
    var tensor = try reader.mappedTensor(reader.tap("m/0/output"))
    #expect(tensor.elements == x.elements)
    tensor.withMutableElements { $0[0] = 7 }
    #expect(try reader.tensor(reader.tap("m/0/output")).elements[0] == 0)
  }
}
