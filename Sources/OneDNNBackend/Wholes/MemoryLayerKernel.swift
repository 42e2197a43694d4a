// A layer of the memory attention in three passes: the memory to packed keys; the features to queries, keys and values of
// their own; then tile by tile both attentions and the feed-forward part.
import CVector
import Foundation
import Kernels
import Tensors

/// `[B, hw, C]` to `[B, hw, C]`.
///
/// A query's sum of projected values is the projection of its sum of values, since its weights add up to 1: so memories are
/// summed in their own channels, and projected once a query. That moves roundings; in Float32 results differ by 5e-7.
final class MemoryLayerKernel: Kernel {
  /// Queries of a tile.
  private static let rows = 256
  /// Keys of a tile.
  private static let keyRows = Int(cvector_keys_at_once)

  private let layer: MemoryLayer
  /// What both attentions are computed in.
  private let form: AttentionForm
  /// What the layers take: of the features, of the memory, and of what was attended to.
  private let selfQueryInput, selfKeyInput, selfValueInput, selfOutInput: Operand
  private let queryInput, keyInput, valueInput, outInput: Operand
  private let dim, inner, memoryDim: Int
  private let norm1, norm2, norm3: NormTile
  private let selfQueries, selfKeys, selfValues, selfOut: TileLinear
  private let queries, keys, values, out: TileLinear
  private let rest: FeedForwardTile

  /// Nil where layers have precisions that no tile has or bytes whose range isn't known before, where there are several heads,
  /// or where the attentions differ in size or precision.
  init?(_ layer: MemoryLayer, by multiplier: Multiplier) throws(OneDNNError) {
    let (own, cross) = (layer.selfAttention, layer.crossAttention)
    let layers = [own.q, own.k, own.v, own.out, cross.q, cross.k, cross.v, cross.out] + layer.mlp.layers
    let operands = layers.compactMap { Operand($0.site) }
    dim = own.q.weight.shape[1]
    inner = own.q.weight.shape[0]
    memoryDim = cross.k.weight.shape[1]
    guard let form = AttentionForm.of(attention: own.site, between: layers.map(\.site)),
      form == .of(attention: cross.site, between: layers.map(\.site)), own.heads == 1, cross.heads == 1,
      cross.q.weight.shape[0] == inner, layer.mlp.layers.count == 2, operands.count == layers.count
    else { return nil }
    self.layer = layer
    self.form = form
    (selfQueryInput, selfKeyInput) = (operands[0], operands[1])
    (selfValueInput, selfOutInput) = (operands[2], operands[3])
    (queryInput, keyInput, valueInput, outInput) = (operands[4], operands[5], operands[6], operands[7])
    func linear(
      _ layer: LinearLayer, _ input: Operand, to output: Operand = .numbers(.f32), rows: Int, adds: Bool = false
    ) throws(OneDNNError) -> TileLinear {
      try TileLinear(layer, .init(input, to: output, accumulates: adds), rows: [rows], by: multiplier)
    }
    selfQueries = try linear(own.q, selfQueryInput, rows: Self.keyRows)
    selfKeys = try linear(own.k, selfKeyInput, rows: Self.keyRows)
    selfValues = try linear(own.v, selfValueInput, to: .numbers(form.given), rows: Self.keyRows)
    selfOut = try linear(own.out, selfOutInput, rows: Self.rows, adds: true)
    queries = try linear(cross.q, queryInput, rows: Self.rows)
    keys = try linear(cross.k, keyInput, rows: Self.keyRows)
    values = try linear(cross.v, valueInput, to: outInput, rows: Self.rows)
    out = try linear(cross.out, outInput, rows: Self.rows, adds: true)
    rest = try FeedForwardTile(
      layer.mlp, operands[8], hidden: operands[9], rows: [Self.rows], by: multiplier)
    norm1 = NormTile(layer.norm1)
    norm2 = NormTile(layer.norm2)
    norm3 = NormTile(layer.norm3)
  }

  func callAsFunction(_ input: consuming MemoryLayer.Input) -> Tensor {
    let input = input
    let (batch, tokens) = (input.tgt.shape[0], input.tgt.shape[1])
    let placed = input.memory.shape[1] - input.pointerTokens
    precondition(
      input.tgt.shape[2] == dim && input.memory.shape[2] == memoryDim && input.pos.shape == input.memory.shape
        && placed >= 0 && placed % tokens == 0,
      "\(layer.norm1.site.path): a memory layer on \(input.tgt.shape), memory \(input.memory.shape)")
    let turns = (own: layer.selfTurns(tokens), cross: layer.crossTurns(tokens))
    let results = (0..<batch).map { entry in
      let memory = packedMemory(input, entry: entry, placed: placed, turns: turns.cross, period: tokens)
      let places = input.queryPos.map { $0.shape[0] == 1 ? $0 : $0[entry..<entry + 1] }
      return features(input.tgt[entry..<entry + 1], places, memory, turns.own, turns.cross)
    }
    return results.count == 1 ? results[0] : .concatenated(results, axis: 0)
  }

  /// The memory's keys, projected and turned, and the memory itself as values.
  private func packedMemory(
    _ input: MemoryLayer.Input, entry: Int, placed: Int, turns: Tensor, period: Int
  ) -> PackedKeys {
    let count = input.memory.shape[1]
    let packed = PackedKeys(form, heads: 1, size: inner, valueSize: memoryDim, keys: count)
    var plan = ScratchPlan()
    let sumAt = plan.room(keyInput.room(rows: Self.keyRows, channels: memoryDim))
    let keysAt = plan.room(Self.keyRows * inner * 4)
    let productsAt = plan.room(keys.scratchBytes)
    input.memory.withElements { memory in
      input.pos.withElements { pos in
        turns.withElements { turns in
          parallelFor(count, grain: Self.keyRows, scratch: plan.floats) { range, scratch in
            let tile = UnsafeMutableRawPointer(scratch)
            let first = (entry * count + range.lowerBound) * memoryDim
            keyInput.convert(
              memory.start + first, stride: memoryDim, adding: layer.adds.keys ? pos.start + first : nil,
              into: tile + sumAt, rows: range.count, channels: memoryDim)
            keys(rows: range.count, tile + sumAt, into: tile + keysAt, scratch: tile + productsAt)
            let projected = (tile + keysAt).assumingMemoryBound(to: Float.self)
            turn(
              projected, from: range.lowerBound, count: min(range.count, placed - range.lowerBound), turns,
              period)
            packed.packTile(keys: projected, stride: inner, .f32, range)
            packed.packTile(values: memory.start + first, stride: memoryDim, .f32, range)
          }
        }
      }
    }
    return packed
  }

  /// Rows of channel pairs turned by their place, `[count, inner]`.
  private func turn(
    _ rows: UnsafeMutablePointer<Float>, from first: Int, count: Int, _ turns: UnsafeBufferPointer<Float>,
    _ period: Int
  ) {
    for row in 0..<max(0, count) {
      cvector_multiply_complex(
        rows + row * inner, turns.start + (first + row) % period * inner, rows + row * inner, inner)
    }
  }

  /// One entry's features, `[1, hw, C]`.
  private func features(
    _ x: Tensor, _ places: Tensor?, _ memory: PackedKeys, _ ownTurns: Tensor, _ crossTurns: Tensor
  ) -> Tensor {
    let tokens = x.shape[1]
    let own = PackedKeys(form, heads: 1, size: inner, valueSize: inner, keys: tokens)
    let workspace = Workspace(bytes: tokens * inner * form.given.size)
    let turned = workspace.start
    defer { withExtendedLifetime(workspace) {} }
    return withPlaces(places) { places in
      x.withElements { x in
        ownTurns.withElements { project(x.start, places, tokens, $0, own, turned) }
        return Tensor([1, tokens, dim]) { result in
          crossTurns.withElements { turns in
            attend(x.start, places, tokens, turns, own, turned, memory, into: result.start)
          }
        }
      }
    }
  }

  private func withPlaces<Result>(_ places: Tensor?, _ body: (UnsafePointer<Float>?) -> Result) -> Result {
    guard let places else { return body(nil) }
    return places.withElements { body($0.start) }
  }

  /// Queries, keys and values of the self-attention.
  private func project(
    _ x: UnsafePointer<Float>, _ places: UnsafePointer<Float>?, _ tokens: Int,
    _ turns: UnsafeBufferPointer<Float>, _ own: PackedKeys, _ turned: UnsafeMutableRawPointer
  ) {
    let rows = Self.keyRows
    var plan = ScratchPlan()
    let normedAt = plan.room(rows * dim * 4)
    let operandAt = plan.room(
      [selfQueryInput, selfKeyInput, selfValueInput].map { $0.room(rows: rows, channels: dim) }.max() ?? 0)
    let projectedAt = plan.room(rows * inner * 4)
    let productsAt = plan.room(max(selfQueries.scratchBytes, selfKeys.scratchBytes, selfValues.scratchBytes))
    let places = layer.adds.selfAttention ? places : nil
    // Where all three take the same it is made once, right from the features.
    let isOne = places == nil && selfQueryInput == selfKeyInput && selfKeyInput == selfValueInput
    parallelFor(tokens, grain: rows, scratch: plan.floats) { range, scratch in
      let tile = UnsafeMutableRawPointer(scratch)
      let (first, count) = (range.lowerBound * dim, range.count)
      let normed = (tile + normedAt).assumingMemoryBound(to: Float.self)
      let operand = tile + operandAt
      norm1(
        isOne ? selfValueInput : .numbers(.f32), x + first, stride: dim,
        into: isOne ? operand : UnsafeMutableRawPointer(normed), rows: count)
      func prepare(_ input: Operand, adding places: UnsafePointer<Float>? = nil) {
        guard !isOne else { return }
        input.convert(
          normed, stride: dim, adding: places.map { $0 + first }, into: operand, rows: count, channels: dim)
      }
      let projected = (tile + projectedAt).assumingMemoryBound(to: Float.self)
      prepare(selfQueryInput, adding: places)
      selfQueries(rows: count, operand, into: projected, scratch: tile + productsAt)
      turn(projected, from: range.lowerBound, count: count, turns, tokens)
      cvector_convert_tile(
        form.given.kind, projected, inner, nil, 0, turned + range.lowerBound * inner * form.given.size, inner,
        count, inner, inner)
      if selfKeyInput != selfQueryInput { prepare(selfKeyInput, adding: places) }
      selfKeys(rows: count, operand, into: projected, scratch: tile + productsAt)
      turn(projected, from: range.lowerBound, count: count, turns, tokens)
      own.packTile(keys: projected, stride: inner, .f32, range)
      prepare(selfValueInput)
      selfValues(rows: count, operand, into: projected, scratch: tile + productsAt)
      own.packTile(values: projected, stride: inner, form.given, range)
    }
  }

  /// Both attentions and the feed-forward part.
  private func attend(
    _ x: UnsafePointer<Float>, _ places: UnsafePointer<Float>?, _ tokens: Int,
    _ turns: UnsafeBufferPointer<Float>,
    _ own: PackedKeys, _ turned: UnsafeRawPointer, _ memory: PackedKeys,
    into result: UnsafeMutablePointer<Float>
  ) {
    let rows = Self.rows
    var plan = ScratchPlan()
    let residualAt = plan.room(rows * dim * 4)
    let normedAt = plan.room(rows * dim * 4)
    let operandAt = plan.room(
      max(
        selfOutInput.room(rows: rows, channels: inner), queryInput.room(rows: rows, channels: dim),
        rows * inner * form.given.size, valueInput.room(rows: rows, channels: memoryDim),
        rest.input.room(rows: rows, channels: dim)))
    let queriesAt = plan.room(rows * inner * 4)
    let summedAt = plan.room(rows * max(inner, memoryDim) * 4)
    let valuesAt = plan.room(outInput.room(rows: rows, channels: inner))
    let attentionAt = plan.room(max(own.scratchBytes, memory.scratchBytes))
    let productsAt = plan.room(
      max(
        selfOut.scratchBytes, queries.scratchBytes, values.scratchBytes, out.scratchBytes, rest.scratchBytes))
    parallelFor(tokens, grain: rows, scratch: plan.floats) { range, scratch in
      let tile = UnsafeMutableRawPointer(scratch)
      let (first, count) = (range.lowerBound * dim, range.count)
      let residual = (tile + residualAt).assumingMemoryBound(to: Float.self)
      let (operand, summed, products) = (tile + operandAt, tile + summedAt, tile + productsAt)
      residual.update(from: x + first, count: count * dim)
      let attended = own.attend(
        turned + range.lowerBound * inner * form.given.size, size: inner, count: count, as: selfOutInput,
        into: operand, by: summed, channels: inner, scratch: tile + attentionAt)
      selfOut(rows: count, attended, into: residual, scratch: products)

      if layer.adds.queries, let places {
        let normed = (tile + normedAt).assumingMemoryBound(to: Float.self)
        norm2(.numbers(.f32), residual, stride: dim, into: normed, rows: count)
        queryInput.convert(
          normed, stride: dim, adding: places + first, into: operand, rows: count, channels: dim)
      } else {
        norm2(queryInput, residual, stride: dim, into: operand, rows: count)
      }
      let projected = (tile + queriesAt).assumingMemoryBound(to: Float.self)
      queries(rows: count, operand, into: projected, scratch: products)
      turn(projected, from: range.lowerBound, count: count, turns, tokens)
      cvector_convert_tile(form.given.kind, projected, inner, nil, 0, operand, inner, count, inner, inner)
      let remembered = memory.attend(
        operand, size: inner, count: count, as: valueInput, into: operand, by: summed, channels: memoryDim,
        scratch: tile + attentionAt)
      values(rows: count, remembered, into: tile + valuesAt, scratch: products)
      out(rows: count, tile + valuesAt, into: residual, scratch: products)

      norm3(rest.input, residual, stride: dim, into: operand, rows: count)
      rest(rows: count, operand, addedTo: residual, scratch: products)
      (result + first).update(from: residual, count: count * dim)
    }
  }
}

extension PackedKeys {
  /// Queries `[count, size]` of the only head, to `[count, channels]` as a layer takes them: where these are bytes, by way of
  /// `floats`, else there.
  fileprivate func attend(
    _ queries: UnsafeRawPointer, size: Int, count: Int, as operand: Operand, into out: UnsafeMutableRawPointer,
    by floats: UnsafeMutableRawPointer, channels: Int, scratch: UnsafeMutableRawPointer
  ) -> UnsafeRawPointer {
    var numbers = Numbers.f32
    if case .numbers(let taken) = operand { numbers = taken }
    attend(
      head: 0, queries, stride: size, count: count, into: floats, stride: channels, numbers, scratch: scratch)
    guard case .bytes = operand else { return UnsafeRawPointer(floats) }
    operand.convert(
      floats.assumingMemoryBound(to: Float.self), stride: channels, into: out, rows: count, channels: channels)
    return UnsafeRawPointer(out)
  }
}
