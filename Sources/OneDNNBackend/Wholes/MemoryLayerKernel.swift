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
  private let numbers: Numbers
  private let dim, inner, memoryDim: Int
  private let norm1, norm2, norm3: NormTile
  private let selfQueries, selfKeys, selfValues, selfOut: TileLinear
  private let queries, keys, values, out: TileLinear
  private let rest: FeedForwardTile

  /// Nil where layers have different precisions or ones that no tile has, where there are several heads, or where the
  /// attentions differ in size.
  init?(_ layer: MemoryLayer, by multiplier: Multiplier) throws(OneDNNError) {
    let (own, cross) = (layer.selfAttention, layer.crossAttention)
    let layers = [own.q, own.k, own.v, own.out, cross.q, cross.k, cross.v, cross.out] + layer.mlp.layers
    dim = own.q.weight.shape[1]
    inner = own.q.weight.shape[0]
    memoryDim = cross.k.weight.shape[1]
    guard let numbers = Numbers(common: layers.map(\.site)), own.heads == 1, cross.heads == 1,
      cross.q.weight.shape[0] == inner, layer.mlp.layers.count == 2
    else { return nil }
    self.layer = layer
    self.numbers = numbers
    func linear(
      _ layer: LinearLayer, to output: Numbers = .f32, rows: Int, adds: Bool = false
    ) throws(OneDNNError) -> TileLinear {
      try TileLinear(
        layer, .init(input: numbers, output: output, accumulates: adds), rows: [rows], by: multiplier)
    }
    selfQueries = try linear(own.q, rows: Self.keyRows)
    selfKeys = try linear(own.k, rows: Self.keyRows)
    selfValues = try linear(own.v, to: numbers, rows: Self.keyRows)
    selfOut = try linear(own.out, rows: Self.rows, adds: true)
    queries = try linear(cross.q, rows: Self.rows)
    keys = try linear(cross.k, rows: Self.keyRows)
    values = try linear(cross.v, to: numbers, rows: Self.rows)
    out = try linear(cross.out, rows: Self.rows, adds: true)
    rest = try FeedForwardTile(layer.mlp, numbers, rows: [Self.rows], by: multiplier)
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
    let packed = PackedKeys(numbers, heads: 1, size: inner, valueSize: memoryDim, keys: count)
    var plan = ScratchPlan()
    let sumAt = plan.room(Self.keyRows * memoryDim * numbers.size)
    let keysAt = plan.room(Self.keyRows * inner * 4)
    let productsAt = plan.room(keys.scratchBytes)
    input.memory.withElements { memory in
      input.pos.withElements { pos in
        turns.withElements { turns in
          parallelFor(count, grain: Self.keyRows, scratch: plan.floats) { range, scratch in
            let tile = UnsafeMutableRawPointer(scratch)
            let first = (entry * count + range.lowerBound) * memoryDim
            cvector_convert_tile(
              numbers.kind, memory.start + first, memoryDim, layer.adds.keys ? pos.start + first : nil,
              memoryDim,
              tile + sumAt, memoryDim, range.count, memoryDim, memoryDim)
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
    let own = PackedKeys(numbers, heads: 1, size: inner, valueSize: inner, keys: tokens)
    let workspace = Workspace(bytes: tokens * inner * numbers.size)
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
    let plainAt = plan.room(rows * dim * numbers.size)
    let placedAt = plan.room(layer.adds.selfAttention ? rows * dim * numbers.size : 0)
    let projectedAt = plan.room(rows * inner * 4)
    let productsAt = plan.room(max(selfQueries.scratchBytes, selfKeys.scratchBytes, selfValues.scratchBytes))
    parallelFor(tokens, grain: rows, scratch: plan.floats) { range, scratch in
      let tile = UnsafeMutableRawPointer(scratch)
      let (first, count) = (range.lowerBound * dim, range.count)
      let plain = tile + plainAt
      var placed = plain
      if layer.adds.selfAttention, let places {
        let normed = (tile + normedAt).assumingMemoryBound(to: Float.self)
        norm1(.f32, x + first, stride: dim, into: normed, stride: dim, rows: count)
        cvector_convert_tile(numbers.kind, normed, dim, nil, 0, plain, dim, count, dim, dim)
        placed = tile + placedAt
        cvector_convert_tile(numbers.kind, normed, dim, places + first, dim, placed, dim, count, dim, dim)
      } else {
        norm1(numbers, x + first, stride: dim, into: plain, stride: dim, rows: count)
      }
      let projected = (tile + projectedAt).assumingMemoryBound(to: Float.self)
      selfQueries(rows: count, placed, into: projected, scratch: tile + productsAt)
      turn(projected, from: range.lowerBound, count: count, turns, tokens)
      cvector_convert_tile(
        numbers.kind, projected, inner, nil, 0, turned + range.lowerBound * inner * numbers.size, inner, count,
        inner,
        inner)
      selfKeys(rows: count, placed, into: projected, scratch: tile + productsAt)
      turn(projected, from: range.lowerBound, count: count, turns, tokens)
      own.packTile(keys: projected, stride: inner, .f32, range)
      selfValues(rows: count, plain, into: projected, scratch: tile + productsAt)
      own.packTile(values: projected, stride: inner, numbers, range)
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
    let size = numbers.size
    var plan = ScratchPlan()
    let residualAt = plan.room(rows * dim * 4)
    let normedAt = plan.room(rows * dim * 4)
    let operandAt = plan.room(rows * max(dim, inner) * size)
    let queriesAt = plan.room(rows * inner * 4)
    let summedAt = plan.room(rows * max(inner, memoryDim) * size)
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
      own.attend(
        head: 0, turned + range.lowerBound * inner * size, stride: inner, count: count, into: operand,
        stride: inner,
        numbers, scratch: tile + attentionAt)
      selfOut(rows: count, operand, into: residual, scratch: products)

      if layer.adds.queries, let places {
        let normed = (tile + normedAt).assumingMemoryBound(to: Float.self)
        norm2(.f32, residual, stride: dim, into: normed, stride: dim, rows: count)
        cvector_convert_tile(numbers.kind, normed, dim, places + first, dim, operand, dim, count, dim, dim)
      } else {
        norm2(numbers, residual, stride: dim, into: operand, stride: dim, rows: count)
      }
      let projected = (tile + queriesAt).assumingMemoryBound(to: Float.self)
      queries(rows: count, operand, into: projected, scratch: products)
      turn(projected, from: range.lowerBound, count: count, turns, tokens)
      cvector_convert_tile(numbers.kind, projected, inner, nil, 0, operand, inner, count, inner, inner)
      memory.attend(
        head: 0, operand, stride: inner, count: count, into: summed, stride: memoryDim, numbers,
        scratch: tile + attentionAt)
      values(rows: count, summed, into: operand, scratch: products)
      out(rows: count, operand, into: residual, scratch: products)

      norm3(numbers, residual, stride: dim, into: operand, stride: dim, rows: count)
      rest(rows: count, operand, addedTo: residual, scratch: products)
      (result + first).update(from: residual, count: count * dim)
    }
  }
}
