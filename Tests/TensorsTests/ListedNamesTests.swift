import Tensors
import Testing

@Test func namesAreListedUpToSoMany() {
  #expect([String]().listed(2) == "")
  #expect(["a", "b"].listed(2) == "a, b")
  #expect(["a", "b", "c", "d"].listed(2) == "a, b and 2 more")
}
