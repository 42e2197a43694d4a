// Single layers, for whoever looks inside a whole and for what is in none. Weights are packed when a layer is first called.
import CVector
import Kernels
import Synchronization
import Tensors

/// What is made when it is first asked for.
final class Late<Value: Sendable>: Sendable {
  private let made = Mutex<Value?>(nil)

  func value(_ make: () -> Value) -> Value {
    made.withLock { made in
      if let made { return made }
      let value = make()
      made = value
      return value
    }
  }
}

/// `[…, in]` to `[…, out]`: whole tiles by the multiplier, what is left by CVector.
struct LinearPart: Kernel {
  private static let tileRows = 256

  private let layer: LinearLayer
  private let numbers: Numbers
  private let multiplier: Multiplier
  private let tiles = Late<TileLinear>()
  private let rest = Late<TileLinear>()

  init(_ layer: LinearLayer, _ numbers: Numbers, by multiplier: Multiplier) {
    self.layer = layer
    self.numbers = numbers
    self.multiplier = multiplier
  }

  private func product(by multiplier: Multiplier) -> TileLinear {
    do {
      return try TileLinear(
        layer, .init(input: numbers, output: .f32), rows: [Self.tileRows], by: multiplier)
    } catch { preconditionFailure("\(layer.site.path): \(error)") }
  }

  func callAsFunction(_ x: consuming Tensor) -> Tensor {
    let input = x
    let shapes = LinearShapes(layer.weight.shape, on: input.shape, at: layer.site.path)
    let (rows, inputs, outputs) = (shapes.rows, shapes.inputs, shapes.outputs)
    let whole = rows >= Self.tileRows ? tiles.value { product(by: multiplier) } : nil
    let some = rows.isMultiple(of: Self.tileRows) ? nil : rest.value { product(by: .own) }
    var plan = ScratchPlan()
    let converted = plan.room(numbers == .f32 ? 0 : Self.tileRows * inputs * numbers.size)
    let besides = plan.room(max(whole?.scratchBytes ?? 0, some?.scratchBytes ?? 0))
    return Tensor(shapes.result) { out in
      input.withElements { input in
        parallelFor(rows, grain: Self.tileRows, scratch: plan.floats) { range, scratch in
          let memory = UnsafeMutableRawPointer(scratch)
          let source = input.start + range.lowerBound * inputs
          var operand = UnsafeRawPointer(source)
          if numbers != .f32 {
            cvector_convert_tile(
              numbers.kind, source, inputs, nil, 0, memory + converted, inputs, range.count, inputs, inputs)
            // One more number is read than there is where pairs are multiplied.
            let end = memory + converted + range.count * inputs * numbers.size
            end.storeBytes(of: 0, as: UInt16.self)
            operand = UnsafeRawPointer(memory + converted)
          }
          let product = range.count == Self.tileRows ? whole : some
          product?(
            rows: range.count, operand, into: out.start + range.lowerBound * outputs, scratch: memory + besides)
        }
      }
    }
  }
}

/// Normalisation over the last axis of `[…, C]`.
struct LayerNormPart: Kernel {
  let norm: NormTile

  func callAsFunction(_ x: consuming Tensor) -> Tensor {
    let (input, channels) = (x, norm.channels)
    precondition(
      input.shape.rank >= 1 && input.shape[-1] == channels, "layerNorm [\(channels)] on \(input.shape)")
    return Tensor(input.shape) { out in
      input.withElements { input in
        parallelFor(input.count / channels, grain: Parallelism.rows(of: channels)) { rows in
          let start = rows.lowerBound * channels
          norm(
            .f32, input.start + start, stride: channels, into: out.start + start, stride: channels,
            rows: rows.count)
        }
      }
    }
  }
}

/// Normalisation over axis 1 of `[B, C, H, W]`: pixels become rows, and planes again.
struct ChannelNormPart: Kernel {
  private static let tilePixels = 256

  let norm: NormTile

  func callAsFunction(_ x: consuming Tensor) -> Tensor {
    let (input, channels) = (x, norm.channels)
    precondition(
      input.shape.rank == 4 && input.shape[1] == channels, "layerNorm2d [\(channels)] on \(input.shape)")
    let pixels = input.shape[2] * input.shape[3]
    let tiles = (pixels + Self.tilePixels - 1) / Self.tilePixels
    return Tensor(input.shape) { out in
      input.withElements { input in
        parallelFor(
          input.count / max(1, channels * pixels) * tiles, grain: 1, scratch: Self.tilePixels * channels
        ) {
          range, rows in
          for item in range {
            let (entry, tile) = item.quotientAndRemainder(dividingBy: tiles)
            let first = tile * Self.tilePixels
            let count = min(Self.tilePixels, pixels - first)
            let start = entry * channels * pixels + first
            cvector_transpose(input.start + start, pixels, rows, channels, channels, count)
            norm(.f32, rows, stride: channels, into: rows, stride: channels, rows: count)
            cvector_transpose(rows, channels, out.start + start, pixels, count, channels)
          }
        }
      }
    }
  }
}

/// Attention between heads of tensors.
struct AttentionPart: AttentionKernel {
  /// So many keys are packed by whoever meets them; more are packed once for all queries.
  private static let keysOfTile = 1024
  private static let queriesOfTile = 256

  private let form: AttentionForm
  /// What queries, keys and values are given as.
  private let numbers: Numbers

  init(_ form: AttentionForm) { (self.form, numbers) = (form, form.given) }

  /// `q`: `[B, Nq, heads, d]`; `k`, `v`: `[B, Nk, heads, d]`.
  func callAsFunction(_ q: Tensor, _ k: Tensor, _ v: Tensor) -> Tensor {
    let shapes = AttentionShapes(q.shape, k.shape, v.shape)
    let (ready, keys, values) = (rounded(q), rounded(k), rounded(v))
    return Tensor(shapes.result) { out in
      withNumbers(ready) { q in
        withNumbers(keys) { k in
          withNumbers(values) { v in attend(q, k, v, shapes, into: out.start) }
        }
      }
    }
  }

  /// `qkv`: `[B, N, 3, heads, d]`. Returns `[B, N, heads, d]`.
  func callAsFunction(packed qkv: Tensor) -> Tensor {
    let shapes = AttentionShapes(packed: qkv.shape)
    let part = shapes.heads * shapes.size * numbers.size
    let ready = rounded(qkv)
    return Tensor(shapes.result) { out in
      withNumbers(ready) { qkv in attend(qkv, qkv + part, qkv + 2 * part, shapes, into: out.start) }
    }
  }

  private func rounded(_ x: Tensor) -> Tensor {
    guard numbers == .bf16 else { return x }
    let columns = x.shape[-1]
    // One more number is read than there is where pairs are multiplied.
    let padded = Tensor([x.count + 2], of: .bfloat16) { (out: UnsafeMutableBufferPointer<UInt16>) in
      out[x.count] = 0
      out[x.count + 1] = 0
      x.withElements { elements in
        parallelFor(x.count / max(1, columns), grain: Parallelism.rows(of: columns)) { rows in
          let start = rows.lowerBound * columns
          cvector_convert_tile(
            cvector_bf16, elements.start + start, columns, nil, 0, out.start + start, columns, rows.count,
            columns,
            columns)
        }
      }
    }
    return padded[0..<x.count].reshaped(x.shape)
  }

  private func withNumbers<Result>(_ x: Tensor, _ body: (UnsafeRawPointer) -> Result) -> Result {
    x.withBytes { bytes in
      guard let start = bytes.baseAddress else { preconditionFailure("a tensor without memory") }
      return body(start)
    }
  }

  private func attend(
    _ q: UnsafeRawPointer, _ k: UnsafeRawPointer, _ v: UnsafeRawPointer, _ shapes: AttentionShapes,
    into out: UnsafeMutablePointer<Float>
  ) {
    let bytes = numbers.size
    let (batch, queries, keys) = (shapes.batch, shapes.queries, shapes.keys)
    let (heads, size, stride) = (shapes.heads, shapes.size, shapes.stride)
    guard keys > 0, queries > 0 else {
      out.update(repeating: 0, count: batch * queries * heads * size)
      return
    }
    let tile = Self.queriesOfTile
    if keys > Self.keysOfTile || form.isInBytes {
      let packed = PackedKeys(form, heads: heads, size: size, valueSize: size, keys: keys)
      let tiles = (queries + tile - 1) / tile
      for entry in 0..<batch {
        packed.pack(keys: k + entry * keys * stride * bytes, stride: stride, numbers)
        packed.pack(values: v + entry * keys * stride * bytes, stride: stride, numbers)
        parallelFor(heads * tiles, grain: 1, scratch: packed.scratchBytes / 4 + 16) { range, scratch in
          for item in range {
            let (head, part) = item.quotientAndRemainder(dividingBy: tiles)
            let first = part * tile
            packed.attend(
              head: head, q + ((entry * queries + first) * stride + head * size) * bytes, stride: stride,
              count: min(tile, queries - first),
              into: out + ((entry * queries + first) * heads + head) * size, stride: heads * size, .f32,
              scratch: UnsafeMutableRawPointer(scratch))
          }
        }
      }
      return
    }
    var plan = ScratchPlan()
    let keysAt = plan.room(cvector_packed_keys_bytes(numbers.kind, keys, size))
    let valuesAt = plan.room(cvector_packed_values_bytes(numbers.kind, keys, size))
    let scratchAt = plan.room(cvector_attention_scratch(numbers.kind, keys, size, size))
    let attention = AttentionTile(
      numbers, heads: 1, size: size, keys: keys, keysAt: keysAt, valuesAt: valuesAt, scratchAt: scratchAt)
    let grain = max(1, Parallelism.tileElements / (queries * keys))
    parallelFor(batch * heads, grain: grain, scratch: plan.floats) { range, scratch in
      for item in range {
        let (entry, head) = item.quotientAndRemainder(dividingBy: heads)
        let key = (entry * keys * stride + head * size) * bytes
        attention(
          q + (entry * queries * stride + head * size) * bytes, stride: stride, count: queries,
          packing: k + key,
          v + key, stride: stride, into: out + (entry * queries * heads + head) * size, heads * size, .f32,
          UnsafeMutableRawPointer(scratch))
      }
    }
  }
}

/// `[…, m, k] × […, k, n]` to `[…, m, n]` in Float32; leading axes agree.
func matrixProduct(_ a: Tensor, _ b: Tensor) -> Tensor {
  let shapes = ProductShapes(a.shape, b.shape)
  let (m, k, n) = (shapes.m, shapes.k, shapes.n)
  // Columns are cut, since b is packed: each part of it once.
  let columns = 512
  let tiles = (n + columns - 1) / columns
  let scratch = cvector_packed_bytes(cvector_f32, k, columns) / 4 + 16
  return Tensor(shapes.result) { out in
    a.withElements { a in
      b.withElements { b in
        parallelFor(shapes.batch * tiles, grain: 1, scratch: scratch) { range, packed in
          for item in range {
            let (entry, tile) = item.quotientAndRemainder(dividingBy: tiles)
            let first = tile * columns
            let count = min(columns, n - first)
            cvector_pack(
              cvector_f32, cvector_f32, b.start + entry * k * n + first, n, k, count, packed)
            Numbers.f32.multiply(
              a.start + entry * m * k, stride: k, rows: m, inner: k, by: packed, columns: count,
              into: out.start + entry * m * n + first, stride: n)
          }
        }
      }
    }
  }
}
