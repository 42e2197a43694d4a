// Attention with queries, keys and values in 8 bits, against whole numbers and double precision.
import CVector
import Foundation
import Kernels
import OneDNNBackend
import OpenBLASBackend
import Tensors
import Testing
import TestSupport

@Suite struct AttentionInBytesTests {
  /// `[B, N, heads, d]` of queries, and of keys and values.
  struct Example: Sendable, CustomTestStringConvertible {
    var batch = 1
    var queries: Int
    var keys: Int
    var heads = 1
    var size: Int
    /// What queries are times.
    var strength: Float = 3
    /// Whether the last keys, or the first, are far larger than all others.
    var hasStrongEnd = false
    var hasStrongBeginning = false
    /// Whether keys grow, so that groups of them have other scales, and queries lean to one side.
    var isUneven = false

    var testDescription: String { "\(self)" }
  }

  private static let examples = [
    Example(queries: 1, keys: 1, size: 1), Example(batch: 2, queries: 5, keys: 3, heads: 2, size: 4),
    Example(queries: 33, keys: 200, size: 64), Example(queries: 130, keys: 1100, heads: 2, size: 96),
    Example(queries: 40, keys: 513, size: 256), Example(queries: 7, keys: 47, size: 65),
    // The largest scores come last, or first, and by far: what was summed before, or is after, hardly counts.
    Example(queries: 40, keys: 600, size: 32, strength: 40, hasStrongEnd: true),
    Example(queries: 31, keys: 600, size: 32, strength: 0.1, hasStrongBeginning: true),
    Example(queries: 13, keys: 200, size: 64, isUneven: true),
    // Scores of hundreds and of thousands, which 16 bits don't hold.
    Example(queries: 40, keys: 530, size: 256, strength: 400),
    Example(queries: 70, keys: 530, size: 64, strength: 2000),
  ]

  private static let levels: [cvector_instructions] = {
    let all = [cvector_portable, cvector_avx2, cvector_avx512, cvector_avx512_bf16, cvector_amx]
    defer { cvector_use_found_instructions() }
    return all.filter { cvector_use_instructions($0) == $0 }
  }()

  /// What weights may add: they are bytes where queries are, else bfloat16 where that is fast; else sums in Float32 are all, and scores
  /// of hundreds are off by as much more.
  private func tolerance(_ example: Example) -> Double {
    cvector_attends_in_int8() ? 4e-2 : cvector_is_bf16_fast() ? 1e-2 : exactTolerance(example)
  }

  private func exactTolerance(_ example: Example) -> Double { 2e-5 * Double(max(1, example.strength / 30)) }

  /// Bytes and their scale, by the definition in Float32: the largest of the group is 127.
  private func bytes(_ rows: [[Double]]) -> (steps: [[Double]], scale: Double) {
    let scale = Float(rows.joined().map(abs).max() ?? 0) / 127
    guard scale > 0 else { return (rows.map { $0.map { _ in 0 } }, 0) }
    return (rows.map { $0.map { Double((Float($0) * (1 / scale)).rounded(.toNearestOrEven)) } }, Double(scale))
  }

  /// What the bytes of values stand for: each channel of 512 has a scale.
  private func roundedValues(_ values: [[Double]]) -> [[Double]] {
    var result = values
    for first in stride(from: 0, to: values.count, by: 512) {
      let range = first..<min(values.count, first + 512)
      for channel in values[0].indices {
        let (steps, scale) = bytes([range.map { values[$0][channel] }])
        for (index, step) in zip(range, steps[0]) { result[index][channel] = step * scale }
      }
    }
    return result
  }

  private func token(_ x: Tensor, _ entry: Int, _ index: Int, _ head: Int) -> [Double] {
    let (heads, size) = (x.shape[2], x.shape[3])
    let start = ((entry * x.shape[1] + index) * heads + head) * size
    return x.elements[start..<start + size].map(Double.init)
  }

  private func expected(_ q: Tensor, _ k: Tensor, _ v: Tensor) -> [Double] {
    let (batch, heads, size) = (q.shape[0], q.shape[2], q.shape[3])
    let (queries, keys) = (q.shape[1], k.shape[1])
    var result = [Double](repeating: 0, count: q.count)
    for entry in 0..<batch {
      for head in 0..<heads {
        let all = (0..<keys).map { token(k, entry, $0, head) }
        let values = roundedValues((0..<keys).map { token(v, entry, $0, head) })
        var rounded: [(steps: [Double], scale: Double)] = []
        for first in stride(from: 0, to: keys, by: 64) {
          let (steps, scale) = bytes(Array(all[first..<min(keys, first + 64)]))
          rounded += steps.map { ($0, scale) }
        }
        for index in 0..<queries {
          let (steps, scale) = bytes([token(q, entry, index, head)])
          let scores = rounded.map { key in
            zip(steps[0], key.steps).reduce(0) { $0 + $1.0 * $1.1 } * scale * key.scale
              / Double(size).squareRoot()
          }
          let largest = scores.max() ?? 0
          let weights = scores.map { exp($0 - largest) }
          let total = weights.reduce(0, +)
          for channel in 0..<size {
            let sum = zip(weights, values).reduce(0) { $0 + $1.0 * $1.1[channel] }
            result[((entry * queries + index) * heads + head) * size + channel] = sum / total
          }
        }
      }
    }
    return result
  }

  private func inputs(_ example: Example) -> (q: Tensor, k: Tensor, v: Tensor) {
    let (heads, size) = (example.heads, example.size)
    var q = noise([example.batch, example.queries, heads, size], seed: 1)
    var k = noise([example.batch, example.keys, heads, size], seed: 2)
    if example.hasStrongEnd {
      var elements = k.elements
      for index in elements.indices where index >= elements.count - 20 * size { elements[index] *= 30 }
      k = Tensor(k.shape, elements)
    }
    if example.hasStrongBeginning {
      let elements = k.elements.enumerated().map { $0 < 20 * size ? 30 * $1 : $1 }
      k = Tensor(k.shape, elements)
    }
    if example.isUneven {
      q = Tensor(q.shape, q.elements.map { $0 + 0.5 })
      let grown = k.elements.enumerated().map { $1 * (1 + Float($0 / size) / Float(example.keys)) }
      k = Tensor(k.shape, grown)
    }
    return (
      Tensor(q.shape, q.elements.map { $0 * example.strength }), k,
      noise([example.batch, example.keys, heads, size], seed: 3)
    )
  }

  /// The largest error, in what the largest result is.
  private func worst(_ found: Tensor, _ expected: [Double]) -> Double {
    let largest = expected.reduce(0) { max($0, abs($1)) }
    return zip(found.elements, expected).map { abs(Double($0) - $1) }.max().map { $0 / largest } ?? .infinity
  }

  @Test(arguments: examples) func theReferenceRoundsToBytes(example: Example) throws {
    let (q, k, v) = inputs(example)
    let attention = try OpenBLASBackend().attention(Site(ModulePath("attn"), precision: .w8a8))
    #expect(worst(attention(q, k, v), expected(q, k, v)) < exactTolerance(example))
  }

  @Test(arguments: examples) func tilesRoundToBytes(example: Example) throws {
    let (q, k, v) = inputs(example)
    let attention = try OneDNNBackend().attention(Site(ModulePath("attn"), precision: .w8a8))
    #expect(worst(attention(q, k, v), expected(q, k, v)) < tolerance(example))
  }

  /// With each instruction set, what is one tile and so computed by this thread.
  @Test(
    arguments: examples.filter { $0.batch * $0.heads == 1 && $0.keys <= 512 },
    levels)
  func everyInstructionSetRoundsToBytes(example: Example, level: cvector_instructions) throws {
    #expect(cvector_use_instructions(level) == level)
    defer { cvector_use_found_instructions() }
    let (q, k, v) = inputs(example)
    let attention = try OneDNNBackend().attention(Site(ModulePath("attn"), precision: .w8a8))
    #expect(worst(attention(q, k, v), expected(q, k, v)) < tolerance(example))
  }

  /// Values that tell a key's weight: each is 1 in a channel of its own. Weights are off by less than a byte, and with AMX by half of
  /// a 21st of an octave besides; their sum is exactly 1.
  @Test(arguments: levels) func weightsAreBytes(level: cvector_instructions) throws {
    #expect(cvector_use_instructions(level) == level)
    defer { cvector_use_found_instructions() }
    let (queries, keys) = (37, 150)
    let q = noise([1, queries, 1, keys], seed: 8), k = noise([1, keys, 1, keys], seed: 9)
    let v = Tensor([1, keys, 1, keys], (0..<keys * keys).map { $0 % (keys + 1) == 0 ? 1 : 0 })
    let strong = Tensor(q.shape, q.elements.map { $0 * 2 })
    let attention = try OneDNNBackend().attention(Site(ModulePath("attn"), precision: .w8a8))
    let found = attention(strong, k, v).elements
    let exact = expected(strong, k, v)
    for query in 0..<queries {
      let row = exact[query * keys..<(query + 1) * keys], largest = row.max() ?? 0
      #expect(abs(found[query * keys..<(query + 1) * keys].reduce(0, +) - 1) < 1e-5)
      for key in 0..<keys {
        let weight = exact[query * keys + key]
        let allowed = weight * 0.04 + largest * 1.0 / 255
        #expect(abs(Double(found[query * keys + key]) - weight) < allowed, "query \(query), key \(key)")
      }
    }
  }

  /// What the strongest key outweighs a thousandfold still counts where it stands far from it: a byte is a share of 512 keys' largest
  /// weight, not of all keys'.
  @Test func theManyCountBesideTheStrong() throws {
    let (keys, size) = (4096, 64)
    // Every other key has the score 0, and the first one that of 7 (e^7 = 1,097 times as much).
    let q = Tensor([1, 1, 1, size], [56] + Array(repeating: 0, count: size - 1))
    let k = Tensor([1, keys, 1, size], (0..<keys * size).map { $0 == 0 ? 1 : 0 })
    let v = Tensor([1, keys, 1, size], (0..<keys * size).map { $0 < size ? 1 : 0 })
    let attention = try OneDNNBackend().attention(Site(ModulePath("attn"), precision: .w8a8))
    let strong: Double = exp(7.0)
    let found = Double(attention(q, k, v).elements[0]), exact = strong / (strong + 4095)
    // Beside it stand 511, whose weights are a quarter of a byte: a quarter of them count as one, as the thresholds have it.
    #expect(abs(found - exact) < 0.005)
  }

  /// A key that is no number leaves none; a value, none in its channel.
  @Test func whatIsNoNumberAmongKeysAndValues() throws {
    let q = noise([1, 4, 1, 8], seed: 10)
    let (k, v) = (noise([1, 70, 1, 8], seed: 11), noise([1, 70, 1, 8], seed: 12))
    var broken = v.elements
    broken[8 * 5 + 3] = .nan
    broken[8 * 69 + 6] = -.infinity
    var brokenKeys = k.elements
    brokenKeys[8 * 68] = .nan
    let site = Site(ModulePath("attn"), precision: .w8a8)
    for attention in [try OpenBLASBackend().attention(site), try OneDNNBackend().attention(site)] {
      let found = attention(q, k, Tensor(v.shape, broken)).elements
      for index in found.indices { #expect(found[index].isFinite == ![3, 6].contains(index % 8)) }
      #expect(attention(q, Tensor(k.shape, brokenKeys), v).elements.allSatisfy { $0.isNaN })
    }
  }

  private static let levelsOfBytes = levels.filter {
    cvector_use_instructions($0)
    defer { cvector_use_found_instructions() }
    return cvector_attends_in_int8()
  }

  /// More keys than a piece has, packed and attended to by this thread.
  @Test(arguments: examples.filter { $0.batch * $0.heads == 1 && $0.keys > 512 }, levelsOfBytes)
  func piecesAreJoined(example: Example, level: cvector_instructions) throws {
    #expect(cvector_use_instructions(level) == level)
    defer { cvector_use_found_instructions() }
    let (q, k, v) = inputs(example)
    let (keys, size) = (example.keys, example.size)
    var rooms: [UnsafeMutableRawPointer] = []
    defer { rooms.forEach { $0.deallocate() } }
    func room(_ bytes: Int) -> UnsafeMutableRawPointer {
      rooms.append(.allocate(byteCount: bytes, alignment: 64))
      return rooms[rooms.count - 1]
    }
    let packedKeys = room(cvector_int8_packed_keys_bytes(keys, size))
    let packedValues = room(cvector_int8_packed_values_bytes(keys, size))
    let keyScales = room((keys + 63) / 64 * 4).assumingMemoryBound(to: Float.self)
    let valueScales = room((keys + 511) / 512 * ((size + 15) / 16 * 16) * 4)
      .assumingMemoryBound(to: Float.self)
    cvector_pack_int8_keys(k.elements, size, 0, keys, size, packedKeys, keyScales)
    cvector_pack_int8_values(v.elements, size, 0, keys, size, packedValues, valueScales)
    var out = [Float](repeating: .nan, count: example.queries * size)
    let queries = q.elements
    queries.withUnsafeBufferPointer { queries in
      out.withUnsafeMutableBufferPointer { out in
        var attention = cvector_attention()
        (attention.queries, attention.keys) = (example.queries, keys)
        (attention.dim, attention.value_dim) = (size, size)
        attention.scale = 1 / Float(size).squareRoot()
        (attention.q, attention.q_stride) = (UnsafeRawPointer(queries.baseAddress), size)
        (attention.k, attention.v) = (UnsafeRawPointer(packedKeys), UnsafeRawPointer(packedValues))
        (attention.key_scales, attention.value_scales) = (UnsafePointer(keyScales), UnsafePointer(valueScales))
        (attention.out, attention.out_stride) = (UnsafeMutableRawPointer(out.baseAddress), size)
        attention.out_kind = cvector_f32
        attention.scratch = room(cvector_int8_attention_scratch(keys, size, size))
        cvector_attend_int8_tile(&attention)
      }
    }
    #expect(worst(Tensor(q.shape, out), expected(q, k, v)) < 4e-2)
  }

  /// Queries, keys and values that come from one projection.
  @Test func takesThePackedProjection() throws {
    let qkv = noise([2, 9, 3, 2, 8], seed: 4)
    let parts = qkv.permuted(2, 0, 1, 3, 4)
    let separate = (0..<3).map { parts[$0..<$0 + 1].reshaped([2, 9, 2, 8]) }
    let (q, k, v) = (separate[0], separate[1], separate[2])
    let site = Site(ModulePath("attn"), precision: .w8a8)
    for attention in [try OpenBLASBackend().attention(site), try OneDNNBackend().attention(site)] {
      #expect(worst(attention(packed: qkv), expected(q, k, v)) < 2e-2)
    }
  }

  /// A query that is no number gives none; others don't mind. Zeros are zeros.
  @Test func whatIsNoNumberStaysWithItsQuery() throws {
    var q = noise([1, 4, 1, 8], seed: 5).elements
    q[9] = .nan
    q[16] = .infinity
    for index in 24..<32 { q[index] = 0 }
    let (k, v) = (noise([1, 70, 1, 8], seed: 6), noise([1, 70, 1, 8], seed: 7))
    let site = Site(ModulePath("attn"), precision: .w8a8)
    for attention in [try OpenBLASBackend().attention(site), try OneDNNBackend().attention(site)] {
      let found = attention(Tensor([1, 4, 1, 8], q), k, v).elements
      #expect(found[0..<8].allSatisfy { $0.isFinite })
      #expect(found[8..<24].allSatisfy { $0.isNaN })
      let mean = (0..<70).reduce(Float(0)) { $0 + v.elements[$1 * 8] } / 70
      #expect(abs(found[24] - mean) < 5e-3)
    }
  }
}
