import Kernels
import Tensors
import Testing

/// A turn by i and one by −1, after one that changes nothing.
private let turns = Tensor([3, 4], [1, 0, 1, 0, 0, 1, 0, 1, -1, 0, 0, 1])

@Test func pairsTurnWithTheirToken() {
  // Two entries of four tokens with two heads of two pairs; the fourth token takes the first turn again.
  let x = positions([2, 4, 2, 4])
  let turned = x.rotatedPairs(by: turns, tokens: 4)
  #expect(turned[0][0].elements == x[0][0].elements)
  #expect(turned[0][1].elements == [-9, 8, -11, 10, -13, 12, -15, 14])
  #expect(turned[0][2].elements == [-16, -17, -19, 18, -20, -21, -23, 22])
  #expect(turned[0][3].elements == x[0][3].elements)
  #expect(turned[1][1].elements == [-41, 40, -43, 42, -45, 44, -47, 46])
}

@Test func tokensAtTheEndStayAsTheyAre() {
  let x = positions([2, 4, 2, 4])
  let turned = x.rotatedPairs(by: turns, tokens: 2)
  #expect(turned[1][1].elements == [-41, 40, -43, 42, -45, 44, -47, 46])
  #expect(turned[1][2].elements == x[1][2].elements)
  #expect(turned[1][3].elements == x[1][3].elements)
  #expect(x.elements == positions([2, 4, 2, 4]).elements)
  #expect(x.rotatedPairs(by: turns, tokens: 0).elements == x.elements)
}

@Test func turningReusesMemoryThatNobodyHolds() {
  func address(_ tensor: borrowing Tensor) -> UnsafeRawPointer? {
    tensor.withElements { UnsafeRawPointer($0.baseAddress) }
  }
  let x = positions([1, 5000, 1, 4])
  let before = address(x)
  let turned = (consume x).rotatedPairs(by: turns, tokens: 4999)
  #expect(address(turned) == before)
  #expect(turned.elements[4998 * 4..<4999 * 4] == [19992, 19993, 19994, 19995])
  #expect(turned.elements[4999 * 4] == 19996)
}
