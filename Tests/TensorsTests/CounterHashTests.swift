import Tensors
import Testing

@Test func hashesAreSplitMix64s() {
  // Computed with numpy by tools/sketch.py: hashes(1, "signs 8", 0, 2).
  let hash = CounterHash(seed: 1, name: "signs 8")
  #expect(hash[0] == 0x5b151f1c514c9e7f && hash[1] == 0xc4d80d66ea2d9d78)
}

@Test func namesAndSeedsGiveOtherSequences() {
  let first = CounterHash(seed: 1, name: "a")[0]
  #expect(first != CounterHash(seed: 2, name: "a")[0])
  #expect(first != CounterHash(seed: 1, name: "b")[0])
  #expect(first != CounterHash(seed: 1, name: "a")[1])
}
