// Attention on tiles: of queries against few keys that are packed where they are used, or against many that are packed once.
import CVector
import Kernels

/// What attention is computed in.
struct AttentionForm: Equatable, Sendable {
  /// Of weights and values, unless they are bytes.
  private let numbers: Numbers
  private let operands: Operands

  private enum Operands {
    /// Queries, keys and values are numbers.
    case numbers
    /// They are bytes.
    case bytes
    /// They are rounded to what bytes stand for, where there are no products of these: no faster than other numbers.
    case rounded
  }

  static func of(_ numbers: Numbers) -> AttentionForm { AttentionForm(numbers: numbers, operands: .numbers) }

  /// Queries, keys and values in 8 bits.
  static var inBytes: AttentionForm {
    cvector_attends_in_int8()
      ? AttentionForm(numbers: .f32, operands: .bytes)
      : AttentionForm(numbers: cvector_is_bf16_fast() ? .bf16 : .f32, operands: .rounded)
  }

  /// As `Numbers.init(attention:between:)` finds it, or in bytes where the site says so.
  static func of(attention site: Site?, between layers: [Site]) -> AttentionForm? {
    site?.precision == .w8a8 ? inBytes : Numbers(attention: site, between: layers).map(of)
  }

  /// Whether there are bytes, or what bytes stand for. Keys are packed once for all queries then, however few they are: a scale
  /// serves several of them.
  var isInBytes: Bool { operands != .numbers }

  /// What queries, keys and values are given as.
  var given: Numbers { operands == .numbers ? numbers : .f32 }

  fileprivate func keyBytes(_ keys: Int, _ size: Int) -> Int {
    operands == .bytes
      ? cvector_int8_packed_keys_bytes(keys, size) : cvector_packed_keys_bytes(numbers.kind, keys, size)
  }

  fileprivate func valueBytes(_ keys: Int, _ size: Int) -> Int {
    operands == .bytes
      ? cvector_int8_packed_values_bytes(keys, size) : cvector_packed_values_bytes(numbers.kind, keys, size)
  }

  /// Scales of keys in 8 bits.
  fileprivate func keyScaleCount(_ keys: Int) -> Int {
    operands == .bytes ? (keys + AttentionInBytes.keysOfScale - 1) / AttentionInBytes.keysOfScale : 0
  }

  /// Scales of values in 8 bits: of whole panels of 16 channels.
  fileprivate func valueScaleCount(_ keys: Int, _ size: Int) -> Int {
    let pieces = (keys + AttentionInBytes.valuesOfScale - 1) / AttentionInBytes.valuesOfScale
    return operands == .bytes ? pieces * ((size + 15) / 16 * 16) : 0
  }

  fileprivate func scratchBytes(keys: Int, size: Int, valueSize: Int) -> Int {
    operands == .bytes
      ? cvector_int8_attention_scratch(keys, size, valueSize)
      : cvector_attention_scratch(numbers.kind, keys, size, valueSize)
  }

  /// How keys are packed, or values: as numbers, as bytes, or rounded to what bytes stand for, so many rows to a scale.
  fileprivate struct Packing {
    let numbers:
      (
        cvector_kind, cvector_kind, UnsafeRawPointer?, Int, Int, Int, Int, Int, UnsafeMutableRawPointer?
      ) -> Void
    let bytes:
      (
        UnsafePointer<Float>?, Int, Int, Int, Int, UnsafeMutableRawPointer?, UnsafeMutablePointer<Float>?
      ) -> Void
    let round: (UnsafePointer<Float>?, Int, Int, Int, Int, UnsafeMutablePointer<Float>?, Int) -> Void
    let rowsOfScale: Int

    static var keys: Packing {
      Packing(
        numbers: cvector_pack_keys, bytes: cvector_pack_int8_keys, round: cvector_round_rows_to_int8,
        rowsOfScale: AttentionInBytes.keysOfScale)
    }
    static var values: Packing {
      Packing(
        numbers: cvector_pack_values, bytes: cvector_pack_int8_values, round: cvector_round_columns_to_int8,
        rowsOfScale: AttentionInBytes.valuesOfScale)
    }
  }

  /// Packs keys or values of a range that begins a piece and ends one, or all, `[count, size]`.
  fileprivate func pack(
    _ rows: UnsafeRawPointer, as packing: Packing, stride: Int, _ source: Numbers, _ range: Range<Int>,
    of count: Int, size: Int, into packed: UnsafeMutableRawPointer, scales: UnsafeMutablePointer<Float>
  ) {
    let (first, some) = (range.lowerBound, range.count)
    guard operands != .numbers else {
      packing.numbers(numbers.kind, source.kind, rows, stride, first, some, count, size, packed)
      return
    }
    precondition(source == .f32, "keys and values in 8 bits are made of Float32")
    let floats = rows.assumingMemoryBound(to: Float.self)
    if operands == .bytes {
      packing.bytes(floats, stride, first, some, size, packed, scales)
      return
    }
    withUnsafeTemporaryAllocation(of: Float.self, capacity: some * size) { rounded in
      packing.round(floats, stride, some, size, packing.rowsOfScale, rounded.baseAddress, size)
      packing.numbers(
        numbers.kind, cvector_f32, rounded.baseAddress, size, first, some, count, size, packed)
    }
  }

  private func attend(_ attention: inout cvector_attention) {
    switch operands {
    case .numbers: cvector_attend_tile(numbers.kind, &attention)
    case .bytes: cvector_attend_int8_tile(&attention)
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
    scales: (keys: UnsafePointer<Float>, values: UnsafePointer<Float>)? = nil, count keyCount: Int,
    values: UnsafeRawPointer, valueSize: Int,
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
    attention.key_scales = scales?.keys
    attention.v = values
    attention.value_scales = scales?.values
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
  private let keyBytes, valueBytes: Int
  /// Of a head.
  private let keyScales, valueScales: Int
  private let workspace: Workspace
  private var memory: UnsafeMutableRawPointer { workspace.start }

  /// Room for `keys` keys and values of so many heads.
  init(_ form: AttentionForm, heads: Int, size: Int, valueSize: Int, keys: Int) {
    self.form = form
    (self.heads, self.size, self.valueSize, self.keys) = (heads, size, valueSize, keys)
    keyBytes = form.keyBytes(keys, size)
    valueBytes = form.valueBytes(keys, valueSize)
    keyScales = form.keyScaleCount(keys)
    valueScales = form.valueScaleCount(keys, valueSize)
    scratchBytes = form.scratchBytes(keys: keys, size: size, valueSize: valueSize)
    workspace = Workspace(bytes: heads * (keyBytes + valueBytes + 4 * (keyScales + valueScales)))
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

  /// Packs one head's keys of a range that begins a piece and ends one, or all, `[count, size]`.
  func packTile(
    keys k: UnsafeRawPointer, stride: Int, _ source: Numbers, _ range: Range<Int>, head: Int = 0
  ) {
    form.pack(
      k, as: .keys, stride: stride, source, range, of: keys, size: size, into: memory + head * keyBytes,
      scales: scales(of: head).keys)
  }

  /// Packs one head's values of a range that begins a piece and ends one, or all, `[count, valueSize]`.
  func packTile(
    values v: UnsafeRawPointer, stride: Int, _ source: Numbers, _ range: Range<Int>, head: Int = 0
  ) {
    form.pack(
      v, as: .values, stride: stride, source, range, of: keys, size: valueSize,
      into: memory + heads * keyBytes + head * valueBytes, scales: scales(of: head).values)
  }

  private func scales(
    of head: Int
  ) -> (keys: UnsafeMutablePointer<Float>, values: UnsafeMutablePointer<Float>) {
    let all = (memory + heads * (keyBytes + valueBytes)).assumingMemoryBound(to: Float.self)
    return (all + head * keyScales, all + heads * keyScales + head * valueScales)
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
    let scales = scales(of: head)
    form.attend(
      queries, stride: stride, count: count, size: size, keys: memory + head * keyBytes,
      scales: (UnsafePointer(scales.keys), UnsafePointer(scales.values)), count: keys,
      values: memory + heads * keyBytes + head * valueBytes, valueSize: valueSize, into: out, stride: outStride,
      outNumbers, scratch: scratch)
  }
}
