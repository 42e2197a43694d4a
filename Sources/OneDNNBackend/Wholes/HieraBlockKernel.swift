// A block of Hiera, tile by tile: a tile is a few windows, or some tokens where there are none, and goes through the whole
// block while it is in the cache.
import CVector
import Foundation
import Kernels
import Tensors

/// `[B, H, W, dim]` to `[B, H′, W′, dimOut]`.
final class HieraBlockKernel: Kernel {
  private let block: HieraBlock
  /// What the attention is computed in.
  private let form: AttentionForm
  /// Of queries, keys and values as they are projected.
  private let numbers: Numbers
  /// What the layers take, and what the attention gives.
  private let qkvInput, projInput: Operand
  private let shortcutInput: Operand?
  private let attended: Numbers
  private let dim, dimOut, headSize: Int
  private let shape: TileShape
  private let qkv, proj: TileLinear
  private let shortcut: TileLinear?
  private let rest: FeedForwardTile
  private let norm1, norm2: NormTile
  /// Query, key and value of a token beyond the picture, as the tile holds them.
  private let padding: [UInt8]

  /// Nil where layers have precisions that no tile has, or bytes whose range isn't known before, and where attention is in
  /// bytes in windows, which have too few keys for that to be worth anything.
  init?(_ block: HieraBlock, by multiplier: Multiplier) throws(OneDNNError) {
    let sites = ([block.qkv, block.proj] + block.mlp.layers + (block.shortcut.map { [$0] } ?? [])).map(\.site)
    guard let form = AttentionForm.of(attention: block.attention, between: sites),
      block.window == 0 || !form.isInBytes, block.mlp.layers.count == 2,
      let shape = TileShape(window: block.window, pool: block.pool), let qkvInput = Operand(block.qkv.site),
      let projInput = Operand(block.proj.site), let mlpInput = Operand(block.mlp.layers[0].site),
      let hidden = Operand(block.mlp.layers[1].site)
    else { return nil }
    shortcutInput = block.shortcut.flatMap { Operand($0.site) }
    guard (shortcutInput == nil) == (block.shortcut == nil) else { return nil }
    self.block = block
    self.form = form
    numbers = form.given
    self.shape = shape
    (self.qkvInput, self.projInput) = (qkvInput, projInput)
    if case .numbers(let taken) = projInput { attended = taken } else { attended = .f32 }
    dim = block.qkv.weight.shape[1]
    dimOut = block.proj.weight.shape[0]
    headSize = dimOut / block.heads
    qkv = try TileLinear(
      block.qkv, .init(qkvInput, to: .numbers(numbers)), rows: shape.counts, by: multiplier)
    let bias = block.qkv.bias?.elements ?? Array(repeating: 0, count: block.qkv.weight.shape[0])
    var padding = [UInt8](repeating: 0, count: bias.count * numbers.size)
    cvector_convert_tile(
      numbers.kind, bias, bias.count, nil, 0, &padding, bias.count, 1, bias.count, bias.count)
    self.padding = padding
    proj = try TileLinear(
      block.proj, .init(projInput, to: .numbers(.f32), accumulates: true), rows: shape.outCounts,
      by: multiplier)
    if let layer = block.shortcut, let shortcutInput {
      shortcut = try TileLinear(
        layer, .init(shortcutInput, to: .numbers(.f32)), rows: shape.counts, by: multiplier)
    } else {
      shortcut = nil
    }
    rest = try FeedForwardTile(block.mlp, mlpInput, hidden: hidden, rows: shape.outCounts, by: multiplier)
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
    let operand, normed, qkv, queries, attended, residual, wide, keys, values, attention, products: Int
    let plan: ScratchPlan
  }

  private func windowScratch() -> WindowScratch {
    var plan = ScratchPlan()
    let (rows, outRows, area) = (shape.rows, shape.outRows, shape.area)
    let kind = numbers.kind
    let operand = plan.room(max(qkvInput.room(rows: rows, channels: dim), operandBytes(rows: outRows)))
    let normed = plan.room(takesOther ? shortcutInput?.room(rows: rows, channels: dim) ?? 0 : 0)
    let projected = plan.room(rows * 3 * dimOut * numbers.size)
    let queries = plan.room(block.pool == nil ? 0 : outRows * dimOut * numbers.size)
    let attended = plan.room(outRows * dimOut * self.attended.size)
    let residual = plan.room(outRows * dimOut * 4)
    let wide = plan.room(shortcut == nil ? (block.pool == nil ? 0 : rows * dim * 4) : rows * dimOut * 4)
    let keys = plan.room(cvector_packed_keys_bytes(kind, area, headSize))
    let values = plan.room(cvector_packed_values_bytes(kind, area, headSize))
    let attention = plan.room(cvector_attention_scratch(kind, area, headSize, headSize))
    let products = plan.room(
      max(qkv.scratchBytes, proj.scratchBytes, shortcut?.scratchBytes ?? 0, rest.scratchBytes))
    return WindowScratch(
      operand: operand, normed: normed, qkv: projected, queries: queries, attended: attended,
      residual: residual, wide: wide,
      keys: keys, values: values, attention: attention, products: products, plan: plan)
  }

  /// Whether the shortcut takes norm1(x) otherwise than the attention does.
  private var takesOther: Bool { shortcutInput.map { $0 != qkvInput } ?? false }

  /// What the layers after the attention take, one after the other.
  private func operandBytes(rows: Int) -> Int {
    max(projInput.room(rows: rows, channels: dimOut), rest.input.room(rows: rows, channels: dimOut))
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
      range, scratch in
      let memory = UnsafeMutableRawPointer(scratch)
      let operand = memory + places.operand
      let normed = takesOther ? memory + places.normed : operand
      let projected = memory + places.qkv
      let residual = (memory + places.residual).assumingMemoryBound(to: Float.self)
      let wide = (memory + places.wide).assumingMemoryBound(to: Float.self)
      let products = memory + places.products
      let windows = Window.inTile(range, shape, input, down: down, across: across)
      // Where x itself is the shortcut it is gathered, to be pooled or as it is.
      let gathered = shortcut != nil ? nil : block.pool == nil ? residual : wide
      for window in windows {
        gather(
          x, input, window, as: qkvInput, into: operand, copy: gathered,
          from: block.pool == nil ? window.firstOut : window.first)
        if takesOther, let shortcutInput {
          gather(x, input, window, as: shortcutInput, into: normed, copy: nil, from: 0)
        }
      }
      // The tile's last tokens beyond the picture needn't be multiplied: all of them are the bias.
      let rows = windows.last.map { $0.first + $0.area } ?? 0
      qkv(rows: rows, operand, into: projected, scratch: products)
      fillPadding(projected, from: rows, to: windows.count * shape.area)
      if let shortcut { shortcut(rows: rows, normed, into: wide, scratch: products) }
      for window in windows {
        let first = projected + window.first * 3 * dimOut * numbers.size
        let target = memory + places.attended + window.firstOut * dimOut * attended.size
        var (queries, stride) = (UnsafeRawPointer(first), 3 * dimOut)
        if let pool = block.pool {
          let pooled = memory + places.queries + window.firstOut * dimOut * numbers.size
          cvector_pool_tile(
            numbers.kind, first, 3 * dimOut, window.width, window.height, pool, pooled, dimOut, dimOut)
          cvector_pool_tile(
            cvector_f32, wide + window.first * dimOut, dimOut, window.width, window.height, pool,
            residual + window.firstOut * dimOut, dimOut, dimOut)
          (queries, stride) = (UnsafeRawPointer(pooled), dimOut)
        } else if shortcut != nil {
          (residual + window.firstOut * dimOut).update(
            from: wide + window.first * dimOut, count: window.area * dimOut)
        }
        attention(
          queries, stride: stride, count: window.outArea, packing: first + dimOut * numbers.size,
          first + 2 * dimOut * numbers.size, stride: 3 * dimOut, into: target, dimOut, attended, memory)
      }
      finish(
        windows.last.map { $0.firstOut + $0.outArea } ?? 0, attended: memory + places.attended, residual,
        operand: operand, products)
      for window in windows { scatter(residual + window.firstOut * dimOut, window, into: out, output) }
    }
  }

  /// One window's tokens normalised as an operand, and copied to `copy` from that row on: first those of the picture, line by line, then
  /// those beyond it, which are zero *after* norm1. Attention doesn't mind the order.
  private func gather(
    _ x: UnsafePointer<Float>, _ grid: Grid, _ window: Window, as operand: Operand,
    into normed: UnsafeMutableRawPointer, copy: UnsafeMutablePointer<Float>?, from row: Int
  ) {
    for line in 0..<window.height {
      let source = x + grid.offset(window.entry, window.row + line, window.column)
      norm1(
        operand, source, stride: dim,
        into: normed + operand.room(rows: window.first + line * window.width, channels: dim), rows: window.width
      )
      copy.map { ($0 + (row + line * window.width) * dim).update(from: source, count: window.width * dim) }
    }
    let beyond = shape.area - window.area
    operand.clear(
      normed + operand.room(rows: window.first + window.area, channels: dim), rows: beyond, channels: dim)
  }

  /// Queries, keys and values of tokens beyond the picture.
  private func fillPadding(_ projected: UnsafeMutableRawPointer, from first: Int, to end: Int) {
    for row in first..<max(first, end) {
      memcpy(projected + row * padding.count, padding, padding.count)
    }
  }

  /// One window's tokens to where they belong.
  private func scatter(
    _ rows: UnsafePointer<Float>, _ window: Window, into out: UnsafeMutablePointer<Float>, _ grid: Grid
  ) {
    let pool = block.pool ?? 1
    let width = window.width / pool
    for line in 0..<window.height / pool {
      (out + grid.offset(window.entry, window.row / pool + line, window.column / pool)).update(
        from: rows + line * width * dimOut, count: width * dimOut)
    }
  }

  /// After the attention: projection, sum, feed-forward part, sum; `residual` becomes the result.
  private func finish(
    _ rows: Int, attended: UnsafeRawPointer, _ residual: UnsafeMutablePointer<Float>,
    operand: UnsafeMutableRawPointer, _ products: UnsafeMutableRawPointer
  ) {
    var taken = attended
    if case .bytes = projInput {
      projInput.convert(
        attended.assumingMemoryBound(to: Float.self), stride: dimOut, into: operand, rows: rows,
        channels: dimOut)
      taken = UnsafeRawPointer(operand)
    }
    proj(rows: rows, taken, into: residual, scratch: products)
    norm2(rest.input, residual, stride: dimOut, into: operand, rows: rows)
    rest(rows: rows, operand, addedTo: residual, scratch: products)
  }

  // MARK: All tokens

  private func overAll(_ x: UnsafePointer<Float>, _ grid: Grid, into out: UnsafeMutablePointer<Float>) {
    let tokens = grid.height * grid.width
    let size = numbers.size
    let rows = shape.rows
    // Rows of the last tile may be fewer; oneDNN writes as many as always, beyond the last token.
    let workspace = Workspace(bytes: (tokens + rows) * 3 * dimOut * size)
    let projected = workspace.start
    defer { withExtendedLifetime(workspace) {} }
    for entry in 0..<grid.batch {
      let source = x + entry * tokens * dim
      var plan = ScratchPlan()
      let normedAt = plan.room(qkvInput.room(rows: rows, channels: dim))
      let scratchAt = plan.room(qkv.scratchBytes)
      parallelFor(tokens, grain: rows, scratch: plan.floats) { range, scratch in
        let memory = UnsafeMutableRawPointer(scratch)
        norm1(
          qkvInput, source + range.lowerBound * dim, stride: dim, into: memory + normedAt, rows: range.count)
        qkv(
          rows: range.count, memory + normedAt, into: projected + range.lowerBound * 3 * dimOut * size,
          scratch: memory + scratchAt)
      }
      attend(projected, tokens: tokens, source, into: out + entry * tokens * dimOut)
    }
  }

  private func attend(
    _ projected: UnsafeMutableRawPointer, tokens: Int, _ x: UnsafePointer<Float>,
    into out: UnsafeMutablePointer<Float>
  ) {
    let size = numbers.size
    let packed = PackedKeys(form, heads: block.heads, size: headSize, valueSize: headSize, keys: tokens)
    packed.pack(
      keys: projected + dimOut * size, values: projected + 2 * dimOut * size, stride: 3 * dimOut, numbers)
    let rows = shape.rows
    var plan = ScratchPlan()
    let attendedAt = plan.room(rows * dimOut * attended.size)
    let operandAt = plan.room(operandBytes(rows: rows))
    let residualAt = plan.room(rows * dimOut * 4)
    let attentionAt = plan.room(packed.scratchBytes)
    let productsAt = plan.room(max(proj.scratchBytes, rest.scratchBytes))
    parallelFor(tokens, grain: rows, scratch: plan.floats) { range, scratch in
      let memory = UnsafeMutableRawPointer(scratch)
      let residual = (memory + residualAt).assumingMemoryBound(to: Float.self)
      for head in 0..<block.heads {
        packed.attend(
          head: head, projected + (range.lowerBound * 3 * dimOut + head * headSize) * size, stride: 3 * dimOut,
          count: range.count, into: memory + attendedAt + head * headSize * attended.size, stride: dimOut,
          attended, scratch: memory + attentionAt)
      }
      residual.update(from: x + range.lowerBound * dim, count: range.count * dim)
      finish(
        range.count, attended: memory + attendedAt, residual, operand: memory + operandAt, memory + productsAt)
      (out + range.lowerBound * dimOut).update(from: residual, count: range.count * dimOut)
    }
  }
}

/// How many windows a tile has, and how many tokens.
private struct TileShape {
  /// Windows of a tile, or 1 where there are none.
  let windows: Int
  /// Tokens along a window's side, and along the squares that become one.
  let side, pool: Int
  /// Tokens of a window, before pooling and after.
  let area, outArea: Int

  var rows: Int { windows * area }
  var outRows: Int { windows * outArea }

  /// How many rows products have, in rising order: windows at the picture's edge have fewer.
  var counts: [Int] { Self.counts(to: rows, areEdgesLarge: windows == 1 && side > 0) }
  var outCounts: [Int] { Self.counts(to: outRows, areEdgesLarge: side > 6) }

  private static func counts(to rows: Int, areEdgesLarge: Bool) -> [Int] {
    areEdgesLarge ? Array(stride(from: 64, to: rows, by: 64)) + [rows] : [rows]
  }

  /// Nil where pooling doesn't divide windows, or there are none to pool.
  init?(window: Int, pool: Int?) {
    side = window
    self.pool = pool ?? 1
    guard window > 0 else {
      guard pool == nil else { return nil }
      (windows, area, outArea) = (1, 256, 256)
      return
    }
    guard window.isMultiple(of: self.pool) else { return nil }
    area = window * window
    outArea = area / (self.pool * self.pool)
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

/// One window of a tile.
private struct Window {
  /// Where its first token stands.
  let entry, row, column: Int
  /// How many of its tokens the picture has, down and across.
  let height, width: Int
  /// Its first row in the tile: before the attention, where every window has as many rows, and after it, where only tokens
  /// of the picture are left.
  let first, firstOut: Int
  /// Tokens of the picture, before pooling and after.
  let area, outArea: Int

  static func inTile(_ numbers: Range<Int>, _ shape: TileShape, _ grid: Grid, down: Int, across: Int)
    -> [Window]
  {
    var windows: [Window] = []
    var firstOut = 0
    for (index, number) in numbers.enumerated() {
      let (line, column) = number.quotientAndRemainder(dividingBy: across)
      let (entry, row) = line.quotientAndRemainder(dividingBy: down)
      let height = min(shape.side, grid.height - row * shape.side)
      let width = min(shape.side, grid.width - column * shape.side)
      let outArea = (height / shape.pool) * (width / shape.pool)
      windows.append(
        Window(
          entry: entry, row: row * shape.side, column: column * shape.side, height: height, width: width,
          first: index * shape.area, firstOut: firstOut, area: height * width, outArea: outArea))
      firstOut += outArea
    }
    return windows
  }
}
