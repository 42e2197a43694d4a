// Names of tensors within values.
import Taps
import Tensors
import Testing
import Traces

private func names(_ value: any TapValue) -> [String] {
  var names: [String] = []
  value.visitTensors(named: "v") { name, tensor in names.append("\(name)=\(tensor.elements[0])") }
  return names
}

private func tensor(_ value: Float) -> Tensor { Tensor([1], [value]) }

@Test func tensorsAreNamedByTheirPlaceInAValue() {
  #expect(names(tensor(1)) == ["v=1.0"])
  #expect(names([tensor(1), tensor(2)]) == ["v/0=1.0", "v/1=2.0"])
  #expect(names([tensor(1), nil, tensor(3)]) == ["v/0=1.0", "v/2=3.0"])
  #expect(names(["b": [tensor(2)], "a": [tensor(1)]]) == ["v/a/0=1.0", "v/b/0=2.0"])
  #expect(names(Tensor?.none) == [])
  #expect(names([[tensor(1)], nil, [tensor(2), tensor(3)]]) == ["v/0/0=1.0", "v/2/0=2.0", "v/2/1=3.0"])
}
