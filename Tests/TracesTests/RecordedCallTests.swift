// A trace read call by call.
import HDF5
import Prompts
import Tensors
import TestSupport
import Testing

import Taps
@testable import Traces

private let provenance = Provenance(
  producer: "test", producerVersion: "1", backend: "none", backendVersion: "0", threads: 1,
  checkpointSHA256: "", inputSHA256: "", input: TraceInput(width: 1, height: 1, preprocessing: ""),
  prompts: PromptScript(multimask: false, objects: []))

@Test func aTapsNameSaysItsCall() {
  #expect(CallID(ofTap: "a.b/3/input/x") == CallID(ModulePath("a.b"), 3))
  #expect(CallID(ofTap: "a/0/output/1") == CallID(ModulePath("a"), 0))
  #expect(CallID(ofTap: "a/0/output")?.description == "a/0")
  #expect(CallID(ofTap: "prediction/0/4/1/iou") == nil)
  #expect(CallID(ofTap: "prediction/iou") == nil)
  #expect(CallID(ofTap: "a/x/output") == nil)
  #expect(CallID(ofTap: "a/0/between") == nil)
}

@Test func aCallIsReadBackAsItWasMade() throws {
  try TestFiles.withTemporaryFolder { folder in
    let (x, y) = (Tensor([2], [1, 2]), Tensor([3], [3, 4, 5]))
    let writer = try TraceWriter(path: "\(folder)/t.h5", provenance: provenance)
    try writer.write(ModulePath("m"), call: 0, sequence: 0, inputs: [("xs", [x, y])], output: y)
    try writer.write(ModulePath("n"), call: 0, sequence: 1, inputs: [("x", y)], output: [y, x])
    try writer.finish()
    let reader = try TraceReader(path: "\(folder)/t.h5")
    let arrays = RecordedArrays(reader)
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
    let read = try arrays.tensor(one)
    #expect(arrays.holds(read, as: other))
    #expect(!arrays.holds(Tensor([3], read.elements), as: other))
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
