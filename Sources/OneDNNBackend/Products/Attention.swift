// Attention on tiles: of queries against few keys that are packed where they are used, or against many that are packed once.
import CVector
import Kernels

/// What attention is computed in.
struct AttentionForm: Equatable, Sendable {
  /// Weights and values.
  let numbers: Numbers
  private let scoring: Scoring

  private enum Scoring {
    /// Queries and keys are numbers as the values are.
    case numbers
    /// They are bytes.
    case bytes
    /// They are rounded to what bytes stand for, where there are no products of these: no faster than other numbers.
    case rounded
  }

  static func of(_ numbers: Numbers) -> AttentionForm { AttentionForm(numbers: numbers, scoring: .numbers) }

  /// Queries and keys in 8 bits.
  static var inBytes: AttentionForm {
    AttentionForm(
      numbers: cvector_is_bf16_fast() ? .bf16 : .f32, scoring: cvector_attends_in_int8() ? .bytes : .rounded)
  }

  /// As `Numbers.init(attention:between:)` finds it, or in bytes where the site says so.
  static func of(attention site: Site?, between layers: [Site]) -> AttentionForm? {
    site?.precision == .w8a8 ? inBytes : Numbers(attention: site, between: layers).map(of)
  }

  /// Whether queries and keys are bytes, or what bytes stand for. Keys are packed once for all queries then, however few they are: a
  /// scale serves several of them.
  var isInBytes: Bool { scoring != .numbers }

  /// What queries and keys are given as.
  var given: Numbers { scoring == .numbers ? numbers : .f32 }

  fileprivate func keyBytes(_ keys: Int, _ size: Int) -> Int {
    scoring == .bytes
      ? cvector_int8_packed_keys_bytes(keys, size) : cvector_packed_keys_bytes(numbers.kind, keys, size)
  }

  /// Scales of keys in 8 bits.
  fileprivate func scaleCount(_ keys: Int) -> Int {
    scoring == .bytes ? (keys + AttentionInBytes.keysOfScale - 1) / AttentionInBytes.keysOfScale : 0
  }

  /// Packs keys of a range that begins a piece, `[count, size]`.
  fileprivate func pack(
    _ keys: UnsafeRawPointer, stride: Int, _ source: Numbers, _ range: Range<Int>, of count: Int, size: Int,
    into packed: UnsafeMutableRawPointer, scales: UnsafeMutablePointer<Float>
  ) {
    guard scoring != .numbers else {
      cvector_pack_keys(
        numbers.kind, source.kind, keys, stride, range.lowerBound, range.count, count, size, packed)
      return
    }
    precondition(source == .f32, "keys in 8 bits are made of Float32")
    let floats = keys.assumingMemoryBound(to: Float.self)
    if scoring == .bytes {
      cvector_pack_int8_keys(floats, stride, range.lowerBound, range.count, size, packed, scales)
      return
    }
    withUnsafeTemporaryAllocation(of: Float.self, capacity: range.count * size) { rounded in
      cvector_round_rows_to_int8(
        floats, stride, range.count, size, AttentionInBytes.keysOfScale, rounded.baseAddress, size)
      cvector_pack_keys(
        numbers.kind, cvector_f32, rounded.baseAddress, size, range.lowerBound, range.count, count, size,
        packed)
    }
  }

  private func attend(_ attention: inout cvector_attention) {
    switch scoring {
    case .numbers: cvector_attend_tile(numbers.kind, &attention)
    case .bytes: cvector_attend_int8_tile(numbers.kind, &attention)
    case .rounded:
      let (count, size) = (attention.queries, attention.dim)
      // One more number is read than there is where pairs are multiplied.
      withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * count * size + 1) { rows in
        guard let rounded = rows.baseAddress else { return }
        cvector_round_rows_to_int8(
          attention.q.assumingMemoryBound(to: Float.self), attention.q_stride, count, size, 1, rounded, size)
        let queries = UnsafeMutableRawPointer(rounded + count * size)
        cvector_convert_tile(numbers.kind, rounded, size, nil, 0, queries, size, count, size, size)
        (attention.q, attention.q_stride) = (UnsafeRawPointer(queries), size)
        cvector_attend_tile(numbers.kind, &attention)
      }
    }
  }

  /// Queries `[count, size]` of one head against packed keys and values, to `[count, valueSize]`.
  fileprivate func attend(
    _ queries: UnsafeRawPointer, stride: Int, count: Int, size: Int, keys: UnsafeRawPointer,
    scales: UnsafePointer<Float>? = nil, count keyCount: Int, values: UnsafeRawPointer, valueSize: Int,
    into out: UnsafeMutableRawPointer, stride outStride: Int, _ outNumbers: Numbers,
    scratch: UnsafeMutableRawPointer
  ) {
    var attention = cvector_attention()
    attention.queries = count
    attention.keys = keyCount
    attention.dim = size
    attention.value_dim = valueSize
    attention.scale = 1 / Float(size).squareRoot()
    attention.q = queries
    attention.q_stride = stride
    attention.k = keys
    attention.key_scales = scales
    attention.v = values
    attention.out = out
    attention.out_stride = outStride
    attention.out_kind = outNumbers.kind
    attention.scratch = scratch
    attend(&attention)
  }
}

/// Attention inside a tile: few keys, packed where they are used.
struct AttentionTile: Sendable {
  private let numbers: Numbers
  private let heads, size, keys: Int
  private let keysAt, valuesAt, scratchAt: Int

  /// Places are in the worker's scratch memory, in bytes.
  init(_ numbers: Numbers, heads: Int, size: Int, keys: Int, keysAt: Int, valuesAt: Int, scratchAt: Int) {
    self.numbers = numbers
    (self.heads, self.size, self.keys) = (heads, size, keys)
    (self.keysAt, self.valuesAt, self.scratchAt) = (keysAt, valuesAt, scratchAt)
  }

  /// Queries `[count, heads, size]`, keys and values `[keys, heads, size]`, each in rows so many numbers apart, to
  /// `[count, heads, size]` likewise.
  func callAsFunction(
    _ queries: UnsafeRawPointer, stride: Int, count: Int, packing k: UnsafeRawPointer, _ v: UnsafeRawPointer,
    stride keyStride: Int, into out: UnsafeMutableRawPointer, _ outStride: Int, _ outNumbers: Numbers,
    _ memory: UnsafeMutableRawPointer
  ) {
    let (kind, bytes) = (numbers.kind, numbers.size)
    for head in 0..<heads {
      let at = head * size * bytes
      cvector_pack_keys(kind, kind, k + at, keyStride, 0, keys, keys, size, memory + keysAt)
      cvector_pack_values(kind, kind, v + at, keyStride, 0, keys, keys, size, memory + valuesAt)
      AttentionForm.of(numbers).attend(
        queries + at, stride: stride, count: count, size: size, keys: memory + keysAt, count: keys,
        values: memory + valuesAt, valueSize: size, into: out + head * size * outNumbers.size,
        stride: outStride,
        outNumbers, scratch: memory + scratchAt)
    }
  }
}

/// Many keys and values, packed once for all queries.
final class PackedKeys: @unchecked Sendable {
  let scratchBytes: Int
  private let form: AttentionForm
  private let heads, size, valueSize, keys: Int
  private let keyBytes, valueBytes, scaleCount: Int
  private let workspace: Workspace
  private var memory: UnsafeMutableRawPointer { workspace.start }

  /// Room for `keys` keys and values of so many heads.
  init(_ form: AttentionForm, heads: Int, size: Int, valueSize: Int, keys: Int) {
    self.form = form
    (self.heads, self.size, self.valueSize, self.keys) = (heads, size, valueSize, keys)
    keyBytes = form.keyBytes(keys, size)
    valueBytes = cvector_packed_values_bytes(form.numbers.kind, keys, valueSize)
    scaleCount = form.scaleCount(keys)
    scratchBytes = cvector_attention_scratch(form.numbers.kind, keys, size, valueSize)
    workspace = Workspace(bytes: heads * (keyBytes + valueBytes + 4 * scaleCount))
  }

  /// Packs `[keys, heads, size]`, each row so many numbers from the next.
  func pack(keys k: UnsafeRawPointer, values v: UnsafeRawPointer, stride: Int, _ source: Numbers) {
    pack(keys: k, stride: stride, source)
    pack(values: v, stride: stride, source)
  }

  func pack(keys k: UnsafeRawPointer, stride: Int, _ source: Numbers) {
    inPieces { head, range in
      packTile(
        keys: k + (range.lowerBound * stride + head * size) * source.size, stride: stride, source, range,
        head: head)
    }
  }

  func pack(values v: UnsafeRawPointer, stride: Int, _ source: Numbers) {
    inPieces { head, range in
      packTile(
        values: v + (range.lowerBound * stride + head * valueSize) * source.size, stride: stride, source, range,
        head: head)
    }
  }

  /// Packs one head's keys of a range that begins a piece, `[count, size]`.
  func packTile(
    keys k: UnsafeRawPointer, stride: Int, _ source: Numbers, _ range: Range<Int>, head: Int = 0
  ) {
    form.pack(
      k, stride: stride, source, range, of: keys, size: size, into: memory + head * keyBytes,
      scales: scales(of: head))
  }

  /// Packs one head's values of a range that begins a piece, `[count, valueSize]`.
  func packTile(
    values v: UnsafeRawPointer, stride: Int, _ source: Numbers, _ range: Range<Int>, head: Int = 0
  ) {
    cvector_pack_values(
      form.numbers.kind, source.kind, v, stride, range.lowerBound, range.count, keys, valueSize,
      memory + heads * keyBytes + head * valueBytes)
  }

  private func scales(of head: Int) -> UnsafeMutablePointer<Float> {
    (memory + heads * (keyBytes + valueBytes)).assumingMemoryBound(to: Float.self) + head * scaleCount
  }

  private func inPieces(_ body: (_ head: Int, _ range: Range<Int>) -> Void) {
    let length = Int(cvector_keys_at_once)
    let pieces = (keys + length - 1) / length
    parallelFor(heads * pieces) { range in
      for item in range {
        let (head, piece) = item.quotientAndRemainder(dividingBy: pieces)
        body(head, piece * length..<min(keys, (piece + 1) * length))
      }
    }
  }

  /// Queries `[count, size]` of one head, as the form is given them, against all keys, to `[count, valueSize]` of `outNumbers`.
  func attend(
    head: Int, _ queries: UnsafeRawPointer, stride: Int, count: Int, into out: UnsafeMutableRawPointer,
    stride outStride: Int, _ outNumbers: Numbers, scratch: UnsafeMutableRawPointer
  ) {
    form.attend(
      queries, stride: stride, count: count, size: size, keys: memory + head * keyBytes,
      scales: scales(of: head), count: keys,
      values: memory + heads * keyBytes + head * valueBytes, valueSize: valueSize, into: out, stride: outStride,
      outNumbers, scratch: scratch)
  }
}
