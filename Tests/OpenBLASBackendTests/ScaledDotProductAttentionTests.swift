import Kernels
import OpenBLASBackend
import Tensors
import Testing

/// Windows, pooled queries, several blocks of queries, one key, several pieces of keys.
@Test(arguments: [
  (5, 9, 9, 2, 8), (3, 4, 16, 1, 12), (1, 300, 70, 2, 4), (2, 3, 1, 1, 5), (2, 5, 2500, 2, 4),
])
func attentionMatchesReference(batch: Int, queries: Int, keys: Int, heads: Int, size: Int) throws {
  let q = noise([batch, queries, heads, size], seed: 1)
  let (k, v) = (noise([batch, keys, heads, size], seed: 2), noise([batch, keys, heads, size], seed: 3))
  let attend = try OpenBLASBackend().attention(site)
  expectClose(attend(q, k, v), DoubleReference.attention(q, k, v))
}

@Test func packedAttentionEqualsSeparate() throws {
  let (batch, tokens, heads, size) = (3, 150, 2, 12)
  let packed = noise([batch, tokens, 3, heads, size], seed: 1)
  let parts = (0..<3).map {
    packed.sliced(axis: 2, $0..<$0 + 1).reshaped([batch, tokens, heads, size])
  }
  let attend = try OpenBLASBackend().attention(site)
  #expect(attend(packed: packed).elements == attend(parts[0], parts[1], parts[2]).elements)
}

@Test func attentionOfLargeScoresIsFinite() throws {
  let q = noise([1, 4, 1, 8], seed: 1) * 1000
  let k = noise([1, 6, 1, 8], seed: 2) * 1000
  let v = noise([1, 6, 1, 8], seed: 3)
  let attend = try OpenBLASBackend().attention(site)
  #expect(attend(q, k, v).elements.allSatisfy { abs($0) <= 1 })
}
