// A block of Hiera, tile by tile: a tile is a few windows, or some tokens where there are none, and goes through the whole
// block while it is in the cache.
import CVector
import Foundation
import Kernels
import Tensors

/// `[B, H, W, dim]` to `[B, H′, W′, dimOut]`.
final class HieraBlockKernel: Kernel {
  private let block: HieraBlock
  private let numbers: Numbers
  private let dim, dimOut, headSize: Int
  private let shape: TileShape
  private let qkv, proj: TileLinear
  private let shortcut: TileLinear?
  private let rest: FeedForwardTile
  private let norm1, norm2: NormTile

  /// Nil where layers have different precisions, or ones that no tile has.
  init?(_ block: HieraBlock, by multiplier: Multiplier) throws(OneDNNError) {
    let layers = [block.qkv, block.proj] + block.mlp.layers + (block.shortcut.map { [$0] } ?? [])
    guard let numbers = Numbers(common: layers.map(\.site)), block.mlp.layers.count == 2,
      let shape = TileShape(window: block.window, pool: block.pool)
    else { return nil }
    self.block = block
    self.numbers = numbers
    self.shape = shape
    dim = block.qkv.weight.shape[1]
    dimOut = block.proj.weight.shape[0]
    headSize = dimOut / block.heads
    qkv = try TileLinear(block.qkv, .init(input: numbers, output: numbers), rows: [shape.rows], by: multiplier)
    proj = try TileLinear(
      block.proj, .init(input: numbers, output: .f32, accumulates: true), rows: [shape.outRows], by: multiplier)
    shortcut = try block.shortcut.map { layer throws(OneDNNError) in
      try TileLinear(layer, .init(input: numbers, output: .f32), rows: [shape.rows], by: multiplier)
    }
    rest = try FeedForwardTile(block.mlp, numbers, rows: shape.outRows, by: multiplier)
    norm1 = NormTile(block.norm1)
    norm2 = NormTile(block.norm2)
  }

  func callAsFunction(_ x: consuming Tensor) -> Tensor {
    let x = x
    let grid = x.shape
    precondition(
      grid.rank == 4 && grid[3] == dim, "\(block.qkv.site.path): a block of \(dim) channels on \(grid)")
    let out = Grid(
      batch: grid[0], height: grid[1] / (block.pool ?? 1), width: grid[2] / (block.pool ?? 1), channels: dimOut)
    let input = Grid(batch: grid[0], height: grid[1], width: grid[2], channels: dim)
    return Tensor([out.batch, out.height, out.width, dimOut]) { target in
      x.withElements { source in
        if block.window > 0 {
          inWindows(source.start, input, into: target.start, out)
        } else {
          overAll(source.start, input, into: target.start)
        }
      }
    }
  }

  // MARK: Windows

  /// Where a worker keeps what it computes of a tile of windows.
  private struct WindowScratch {
    let normed, qkv, queries, attended, residual, wide, keys, values, attention, products: Int
    let plan: ScratchPlan
  }

  private func windowScratch() -> WindowScratch {
    var plan = ScratchPlan()
    let (rows, outRows, area) = (shape.rows, shape.outRows, shape.area)
    let kind = numbers.kind
    let normed = plan.room(max(rows * dim, outRows * dimOut) * numbers.size)
    let projected = plan.room(rows * 3 * dimOut * numbers.size)
    let queries = plan.room(block.pool == nil ? 0 : outRows * dimOut * numbers.size)
    let attended = plan.room(outRows * dimOut * numbers.size)
    let residual = plan.room(outRows * dimOut * 4)
    let wide = plan.room(shortcut == nil ? (block.pool == nil ? 0 : rows * dim * 4) : rows * dimOut * 4)
    let keys = plan.room(cvector_packed_keys_bytes(kind, area, headSize))
    let values = plan.room(cvector_packed_values_bytes(kind, area, headSize))
    let attention = plan.room(cvector_attention_scratch(kind, area, headSize, headSize))
    let products = plan.room(
      max(qkv.scratchBytes, proj.scratchBytes, shortcut?.scratchBytes ?? 0, rest.scratchBytes))
    return WindowScratch(
      normed: normed, qkv: projected, queries: queries, attended: attended, residual: residual, wide: wide,
      keys: keys, values: values, attention: attention, products: products, plan: plan)
  }

  private func inWindows(
    _ x: UnsafePointer<Float>, _ input: Grid, into out: UnsafeMutablePointer<Float>, _ output: Grid
  ) {
    let window = block.window
    let (down, across) = ((input.height + window - 1) / window, (input.width + window - 1) / window)
    let places = windowScratch()
    let attention = AttentionTile(
      numbers, heads: block.heads, size: headSize, keys: shape.area, keysAt: places.keys,
      valuesAt: places.values,
      scratchAt: places.attention)
    parallelFor(input.batch * down * across, grain: shape.windows, scratch: places.plan.floats) {
      windows, scratch in
      let memory = UnsafeMutableRawPointer(scratch)
      let normed = memory + places.normed
      let projected = memory + places.qkv
      let residual = (memory + places.residual).assumingMemoryBound(to: Float.self)
      // Where x itself is the shortcut it is gathered, to be pooled or as it is.
      let gathered =
        shortcut != nil
        ? nil : block.pool == nil ? residual : (memory + places.wide).assumingMemoryBound(to: Float.self)
      for (index, number) in windows.enumerated() {
        let place = WindowPlace(number, down: down, across: across, side: window)
        gather(x, input, place, from: index * shape.area, normed: normed, copy: gathered)
      }
      let rows = windows.count * shape.area
      let outRows = windows.count * shape.outArea
      let products = memory + places.products
      qkv(rows: rows, normed, into: projected, scratch: products)
      if let shortcut { shortcut(rows: rows, normed, into: memory + places.wide, scratch: products) }
      for index in windows.indices.map({ $0 - windows.lowerBound }) {
        let first = projected + index * shape.area * 3 * dimOut * numbers.size
        let attended = memory + places.attended + index * shape.outArea * dimOut * numbers.size
        if let pool = block.pool {
          let queries = memory + places.queries + index * shape.outArea * dimOut * numbers.size
          cvector_pool_tile(
            numbers.kind, first, 3 * dimOut, window, window, pool, queries, dimOut, dimOut)
          cvector_pool_tile(
            cvector_f32, memory + places.wide + index * shape.area * dimOut * 4, dimOut, window, window, pool,
            residual + index * shape.outArea * dimOut, dimOut, dimOut)
          attention(
            queries, stride: dimOut, count: shape.outArea, packing: first + dimOut * numbers.size,
            first + 2 * dimOut * numbers.size, stride: 3 * dimOut, into: attended, dimOut, numbers, memory)
        } else {
          if shortcut != nil {
            let wide = (memory + places.wide).assumingMemoryBound(to: Float.self)
            (residual + index * shape.area * dimOut).update(
              from: wide + index * shape.area * dimOut, count: shape.area * dimOut)
          }
          attention(
            first, stride: 3 * dimOut, count: shape.area, packing: first + dimOut * numbers.size,
            first + 2 * dimOut * numbers.size, stride: 3 * dimOut, into: attended, dimOut, numbers, memory)
        }
      }
      finish(outRows, attended: memory + places.attended, residual, normed: normed, products)
      for (index, number) in windows.enumerated() {
        let place = WindowPlace(number, down: down, across: across, side: shape.outSide)
        scatter(residual + index * shape.outArea * dimOut, place, into: out, output)
      }
    }
  }

  /// One window's tokens normalised, and copied; what lies beyond the picture is zero *after* norm1.
  private func gather(
    _ x: UnsafePointer<Float>, _ grid: Grid, _ place: WindowPlace, from row: Int,
    normed: UnsafeMutableRawPointer, copy: UnsafeMutablePointer<Float>?
  ) {
    let side = block.window
    for line in 0..<side {
      let first = row + line * side
      let target = normed + first * dim * numbers.size
      let count = place.row + line < grid.height ? max(0, min(side, grid.width - place.column)) : 0
      if count > 0 {
        let source = x + grid.offset(place.entry, place.row + line, place.column)
        norm1(numbers, source, stride: dim, into: target, stride: dim, rows: count)
        copy.map { ($0 + first * dim).update(from: source, count: count * dim) }
      }
      if count < side {
        memset(target + count * dim * numbers.size, 0, (side - count) * dim * numbers.size)
        copy.map { ($0 + (first + count) * dim).update(repeating: 0, count: (side - count) * dim) }
      }
    }
  }

  /// One window's tokens to where they belong, without those beyond the picture.
  private func scatter(
    _ rows: UnsafePointer<Float>, _ place: WindowPlace, into out: UnsafeMutablePointer<Float>, _ grid: Grid
  ) {
    let side = shape.outSide
    let count = max(0, min(side, grid.width - place.column))
    guard count > 0 else { return }
    for line in 0..<max(0, min(side, grid.height - place.row)) {
      (out + grid.offset(place.entry, place.row + line, place.column)).update(
        from: rows + line * side * dimOut, count: count * dimOut)
    }
  }

  /// After the attention: projection, sum, feed-forward part, sum; `residual` becomes the result.
  private func finish(
    _ rows: Int, attended: UnsafeRawPointer, _ residual: UnsafeMutablePointer<Float>,
    normed: UnsafeMutableRawPointer, _ products: UnsafeMutableRawPointer
  ) {
    proj(rows: rows, attended, into: residual, scratch: products)
    norm2(numbers, residual, stride: dimOut, into: normed, stride: dimOut, rows: rows)
    rest(rows: rows, normed, addedTo: residual, scratch: products)
  }

  // MARK: All tokens

  private func overAll(_ x: UnsafePointer<Float>, _ grid: Grid, into out: UnsafeMutablePointer<Float>) {
    let tokens = grid.height * grid.width
    let size = numbers.size
    let rows = shape.rows
    // Rows of the last tile may be fewer, oneDNN writes as many as always.
    let projected = UnsafeMutableRawPointer.allocate(
      byteCount: (tokens + rows) * 3 * dimOut * size + 64, alignment: 64)
    defer { projected.deallocate() }
    for entry in 0..<grid.batch {
      let source = x + entry * tokens * dim
      var plan = ScratchPlan()
      let normedAt = plan.room(rows * dim * size)
      let outputAt = plan.room(rows * 3 * dimOut * size)
      let scratchAt = plan.room(qkv.scratchBytes)
      parallelFor(tokens, grain: rows, scratch: plan.floats) { range, scratch in
        let memory = UnsafeMutableRawPointer(scratch)
        norm1(
          numbers, source + range.lowerBound * dim, stride: dim, into: memory + normedAt, stride: dim,
          rows: range.count)
        qkv(rows: range.count, memory + normedAt, into: memory + outputAt, scratch: memory + scratchAt)
        memcpy(
          projected + range.lowerBound * 3 * dimOut * size, memory + outputAt, range.count * 3 * dimOut * size)
      }
      attend(projected, tokens: tokens, source, into: out + entry * tokens * dimOut)
    }
  }

  private func attend(
    _ projected: UnsafeMutableRawPointer, tokens: Int, _ x: UnsafePointer<Float>,
    into out: UnsafeMutablePointer<Float>
  ) {
    let size = numbers.size
    let packed = PackedKeys(
      numbers, heads: block.heads, size: headSize, valueSize: headSize, keys: tokens)
    packed.pack(
      keys: projected + dimOut * size, values: projected + 2 * dimOut * size, stride: 3 * dimOut, numbers)
    let rows = shape.rows
    var plan = ScratchPlan()
    let attendedAt = plan.room(rows * dimOut * size)
    let normedAt = plan.room(rows * dimOut * size)
    let residualAt = plan.room(rows * dimOut * 4)
    let attentionAt = plan.room(packed.scratchBytes)
    let productsAt = plan.room(max(proj.scratchBytes, rest.scratchBytes))
    parallelFor(tokens, grain: rows, scratch: plan.floats) { range, scratch in
      let memory = UnsafeMutableRawPointer(scratch)
      let residual = (memory + residualAt).assumingMemoryBound(to: Float.self)
      for head in 0..<block.heads {
        packed.attend(
          head: head, projected + (range.lowerBound * 3 * dimOut + head * headSize) * size, stride: 3 * dimOut,
          count: range.count, into: memory + attendedAt + head * headSize * size, stride: dimOut, numbers,
          scratch: memory + attentionAt)
      }
      residual.update(from: x + range.lowerBound * dim, count: range.count * dim)
      finish(
        range.count, attended: memory + attendedAt, residual, normed: memory + normedAt, memory + productsAt)
      (out + range.lowerBound * dimOut).update(from: residual, count: range.count * dimOut)
    }
  }
}

/// How many windows a tile has, and how many tokens.
private struct TileShape {
  /// Windows of a tile, or 1 where there are none.
  let windows: Int
  /// Tokens of a window, before pooling and after.
  let area, outArea: Int
  /// Tokens along a window's side after pooling.
  let outSide: Int

  var rows: Int { windows * area }
  var outRows: Int { windows * outArea }

  /// Nil where pooling doesn't divide windows, or there are none to pool.
  init?(window: Int, pool: Int?) {
    guard window > 0 else {
      guard pool == nil else { return nil }
      (windows, area, outArea, outSide) = (1, 256, 256, 0)
      return
    }
    guard window.isMultiple(of: pool ?? 1) else { return nil }
    area = window * window
    outSide = window / (pool ?? 1)
    outArea = outSide * outSide
    // About 256 tokens, so that products have rows enough and everything stays in the second-level cache.
    windows = max(1, 256 / area)
  }
}

/// Tokens `[batch, height, width, channels]`.
private struct Grid {
  let batch, height, width, channels: Int

  func offset(_ entry: Int, _ row: Int, _ column: Int) -> Int {
    ((entry * height + row) * width + column) * channels
  }
}

/// Where a window's first token stands.
private struct WindowPlace {
  let entry, row, column: Int

  init(_ number: Int, down: Int, across: Int, side: Int) {
    let (line, column) = number.quotientAndRemainder(dividingBy: across)
    let (entry, row) = line.quotientAndRemainder(dividingBy: down)
    self.entry = entry
    self.row = row * side
    self.column = column * side
  }
}
