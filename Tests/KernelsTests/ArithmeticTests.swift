import Kernels
import Tensors
import Testing

@Test(arguments: ["row", "column"])
func broadcastingMatchesPyTorch(name: String) throws {
  let (tokens, other) = (try recorded("tokens"), try recorded(name))
  // One rounding of the decimal fixture and one of the operation: numbers up to about 8.
  expectClose(tokens + other, try recorded("tokens.plus.\(name)"), tolerance: 1e-6)
  expectClose(tokens - other, try recorded("tokens.minus.\(name)"), tolerance: 1e-6)
  expectClose(tokens * other, try recorded("tokens.times.\(name)"), tolerance: 1e-6)
  expectClose(other + tokens, try recorded("tokens.plus.\(name)"), tolerance: 1e-6)
}

@Test func bothSidesBroadcast() throws {
  expectClose(try recorded("row") - recorded("column"), try recorded("row.minus.column"), tolerance: 1e-6)
}

@Test func numbersCombineWithEveryElement() {
  let x = Tensor([3], [1, -2, 0.5])
  #expect((x + 1).elements == [2, -1, 1.5])
  #expect((x - 1).elements == [0, -3, -0.5])
  #expect((x * -2).elements == [-2, 4, -1])
}

@Test func channelsOfImagesBroadcastOverManyTiles() {
  let (images, channels) = (positions([2, 3, 200, 170]), Tensor([1, 3, 1, 1], [1, 10, 100]))
  let expected = (0..<images.count).map { Float($0) + [1, 10, 100][$0 / 34000 % 3] }
  #expect((images + channels).elements == expected)
}

@Test func operandsKeepTheirValues() {
  let a = positions([100_000])
  let b = a
  let sum = a + b
  #expect(a.elements[99_999] == 99_999)
  #expect(b.elements[1] == 1)
  #expect(sum.elements[99_999] == 199_998)
}

/// `consume` is needed: without it the compiler keeps the variable alive to the end of its scope.
@Test func consumedLeftSideIsReused() {
  func address(_ tensor: borrowing Tensor) -> UnsafeRawPointer? {
    tensor.withElements { UnsafeRawPointer($0.baseAddress) }
  }
  let a = positions([100_000])
  let before = address(a)
  let b = consume a + 1
  let c = consume b + positions([100_000])
  let d = (consume c).gelu()
  #expect(address(d) == before)
}
