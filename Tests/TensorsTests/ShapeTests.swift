import Foundation
import Tensors
import Testing

@Test func shapeCountsAndStrides() {
  let shape: Shape = [2, 3, 4]
  #expect(shape.count == 24)
  #expect(shape.strides == [12, 4, 1])
  #expect(shape[-1] == 4)
  #expect(Shape([]).count == 1)
  #expect("\(shape)" == "[2, 3, 4]")
}

@Test func shapeIsAJSONList() throws {
  let json = try JSONEncoder().encode(Shape([2, 3]))
  #expect(String(decoding: json, as: UTF8.self) == "[2,3]")
  #expect(try JSONDecoder().decode(Shape.self, from: json) == [2, 3])
}

@Test func modulePathsGrowByDots() {
  #expect(ModulePath().child("a").child("0").name == "a.0")
}
