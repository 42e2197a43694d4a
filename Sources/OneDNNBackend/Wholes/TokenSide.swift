// What the decoder's transformer does with tokens between its passes over the picture, for some prompts at a time.
import CVector
import Kernels
import Tensors

/// Where the tokens of some prompts, and what is made of them, stand in one piece of memory.
struct TokenMemory: Sendable {
  let form: TokenHeads
  let prompts, tiles: Int
  let plan: ScratchPlan
  fileprivate let queriesAt, placedAt, plainAt, q, k, v, projected, attended, hidden, folded: Int
  private let askedAt, keysAt, valuesAt, biasAt, sumsAt, largestAt, totalsAt: Int
  fileprivate let sumsJoined, factors: Int

  fileprivate var rows: Int { prompts * form.tokens }

  init(_ form: TokenHeads, prompts: Int, tiles: Int, _ side: TokenSide) {
    self.form = form
    (self.prompts, self.tiles) = (prompts, tiles)
    let (rows, bytes, widest) = (prompts * form.tokens, form.numbers.size, side.widest)
    var plan = ScratchPlan()
    queriesAt = plan.room(rows * form.dim * 4)
    placedAt = plan.room(rows * form.dim * bytes)
    plainAt = plan.room(rows * form.dim * bytes)
    q = plan.room(rows * widest * bytes)
    k = plan.room(rows * widest * bytes)
    v = plan.room(rows * widest * bytes)
    projected = plan.room(rows * widest * 4)
    attended = plan.room(rows * widest * bytes)
    hidden = plan.room(rows * side.hidden * bytes)
    folded = plan.room(prompts * form.count * form.dim * 4)
    askedAt = plan.room(prompts * form.scoreBytes)
    keysAt = plan.room(prompts * form.scoreBytes)
    valuesAt = plan.room(prompts * form.sumBytes)
    biasAt = plan.room(prompts * form.stride * 4)
    sumsAt = plan.room(prompts * tiles * form.count * form.dim * 4)
    largestAt = plan.room(prompts * tiles * form.count * 4)
    totalsAt = plan.room(prompts * tiles * form.count * 4)
    sumsJoined = plan.room(prompts * form.count * form.dim * bytes)
    factors = plan.room(prompts * tiles * 4)
    self.plan = plan
  }

  /// Tokens, `[prompts, N, C]`.
  func queries(_ memory: UnsafeMutableRawPointer) -> UnsafeMutablePointer<Float> {
    (memory + queriesAt).assumingMemoryBound(to: Float.self)
  }

  /// What pixels are multiplied by for one prompt's attention to them.
  func asked(_ memory: UnsafeMutableRawPointer, _ prompt: Int) -> UnsafeMutableRawPointer {
    memory + askedAt + prompt * form.scoreBytes
  }

  /// What pixels are multiplied by for their attention to one prompt's tokens; what is added to that; and what weights are
  /// multiplied by.
  func keys(_ memory: UnsafeMutableRawPointer, _ prompt: Int) -> UnsafeMutableRawPointer {
    memory + keysAt + prompt * form.scoreBytes
  }

  func keyBias(_ memory: UnsafeMutableRawPointer, _ prompt: Int) -> UnsafeMutablePointer<Float> {
    (memory + biasAt).assumingMemoryBound(to: Float.self) + prompt * form.stride
  }

  func values(_ memory: UnsafeMutableRawPointer, _ prompt: Int) -> UnsafeMutableRawPointer {
    memory + valuesAt + prompt * form.sumBytes
  }

  /// What one tile of the picture says to one prompt's tokens.
  func part(_ memory: UnsafeMutableRawPointer, _ prompt: Int, _ tile: Int) -> (
    sums: UnsafeMutablePointer<Float>, largest: UnsafeMutablePointer<Float>, totals: UnsafeMutablePointer<Float>
  ) {
    let index = (prompt * tiles + tile) * form.count
    return (
      (memory + sumsAt).assumingMemoryBound(to: Float.self) + index * form.dim,
      (memory + largestAt).assumingMemoryBound(to: Float.self) + index,
      (memory + totalsAt).assumingMemoryBound(to: Float.self) + index
    )
  }
}

/// The tokens' layers.
struct TokenSide: Sendable {
  private struct Layer: Sendable {
    let q, k, v, out: TokenLinear
    let heads: Int
    let norm1, norm2, norm3: NormTile
    let first, second: TokenLinear
    let skipsPositions: Bool
    let toTokens: PictureToTokens
  }

  /// The most channels between projections, and inside feed-forward parts.
  let widest, hidden: Int
  private let numbers: Numbers
  private let dim: Int
  private let layers: [Layer]
  /// By stage: of each layer, then the last.
  private let toPicture: [TokensToPicture]
  private let finalNorm: NormTile

  init(_ transformer: TwoWay, _ numbers: Numbers) {
    self.numbers = numbers
    dim = transformer.finalNorm.weight.count
    layers = transformer.layers.map { layer in
      let own = layer.selfAttention
      return Layer(
        q: TokenLinear(own.q, numbers), k: TokenLinear(own.k, numbers), v: TokenLinear(own.v, numbers),
        out: TokenLinear(own.out, numbers), heads: own.heads, norm1: NormTile(layer.norm1),
        norm2: NormTile(layer.norm2), norm3: NormTile(layer.norm3),
        first: TokenLinear(layer.mlp.layers[0], numbers, activation: layer.mlp.activation),
        second: TokenLinear(layer.mlp.layers[1], numbers), skipsPositions: layer.skipsPositions,
        toTokens: PictureToTokens(layer.imageToTokens, numbers))
    }
    toPicture = (transformer.layers.map(\.tokensToImage) + [transformer.finalAttention]).map {
      TokensToPicture($0, numbers)
    }
    finalNorm = NormTile(transformer.finalNorm)
    widest =
      (layers.map(\.q.outputs) + toPicture.map(\.queries.outputs) + layers.map(\.toTokens.keys.outputs)).max()
      ?? 0
    hidden = layers.map(\.first.outputs).max() ?? 0
  }

  /// Takes the tokens as they come.
  func begin(_ tokens: UnsafePointer<Float>, _ memory: TokenMemory, _ start: UnsafeMutableRawPointer) {
    memory.queries(start).update(from: tokens, count: memory.rows * dim)
  }

  /// Before a pass: the tokens' attention to themselves, where there is a layer, and what they ask of the picture.
  func ask(
    _ stage: Int, _ tokens: UnsafePointer<Float>, _ memory: TokenMemory, _ start: UnsafeMutableRawPointer
  ) {
    if stage < layers.count { attendToThemselves(layers[stage], tokens, memory, start) }
    let asking = toPicture[stage]
    convert(memory, start, adding: tokens, into: memory.placedAt)
    asking.queries(start + memory.placedAt, rows: memory.rows, into: start + memory.q, numbers)
    forEachPrompt(memory, start) { prompt, folded in
      asking.fold(
        start + memory.q + prompt * memory.form.tokens * asking.queries.outputs * numbers.size, memory.form,
        rows: folded, into: memory.asked(start, prompt))
    }
  }

  /// After a pass: what the picture said; the feed-forward part; what the tokens say to the picture.
  func hear(
    _ stage: Int, _ tokens: UnsafePointer<Float>, _ memory: TokenMemory, _ start: UnsafeMutableRawPointer
  ) {
    let (form, rows, queries) = (memory.form, memory.rows, memory.queries(start))
    let asking = toPicture[stage]
    parallelFor(memory.prompts) { prompts in
      for prompt in prompts {
        let part = memory.part(start, prompt, 0)
        let sums = start + memory.sumsJoined + prompt * form.count * dim * numbers.size
        var joining = cvector_joining()
        joining.parts = memory.tiles
        joining.rows = form.count
        joining.columns = dim
        joining.scale = form.scale
        joining.sums = UnsafePointer(part.sums)
        joining.largest = UnsafePointer(part.largest)
        joining.totals = UnsafePointer(part.totals)
        joining.factors = (start + memory.factors).assumingMemoryBound(to: Float.self) + prompt * memory.tiles
        joining.out = sums
        joining.out_kind = numbers.kind
        cvector_join_tile(&joining)
        asking.project(
          sums, form,
          into: start + memory.attended + prompt * form.tokens * form.heads * form.size * numbers.size)
      }
    }
    asking.out(start + memory.attended, rows: rows, addedTo: queries)
    guard stage < layers.count else {
      finalNorm(.f32, queries, stride: dim, into: queries, stride: dim, rows: rows)
      return
    }
    let layer = layers[stage]
    layer.norm2(.f32, queries, stride: dim, into: queries, stride: dim, rows: rows)
    convert(memory, start, adding: nil, into: memory.plainAt)
    layer.first(start + memory.plainAt, rows: rows, into: start + memory.hidden, numbers)
    layer.second(start + memory.hidden, rows: rows, addedTo: queries)
    layer.norm3(.f32, queries, stride: dim, into: queries, stride: dim, rows: rows)
    tell(layer.toTokens, tokens, memory, start)
  }

  private func tell(
    _ telling: PictureToTokens, _ tokens: UnsafePointer<Float>, _ memory: TokenMemory,
    _ start: UnsafeMutableRawPointer
  ) {
    let (form, rows) = (memory.form, memory.rows)
    let inner = telling.keys.outputs
    convert(memory, start, adding: tokens, into: memory.placedAt)
    convert(memory, start, adding: nil, into: memory.plainAt)
    let projected = (start + memory.projected).assumingMemoryBound(to: Float.self)
    telling.keys(start + memory.placedAt, rows: rows, into: projected, .f32)
    cvector_convert_tile(numbers.kind, projected, inner, nil, 0, start + memory.k, inner, rows, inner, inner)
    telling.values(start + memory.plainAt, rows: rows, into: start + memory.v, numbers)
    forEachPrompt(memory, start) { prompt, folded in
      let first = prompt * form.tokens * inner
      telling.fold(
        keys: projected + first, rounded: start + memory.k + first * numbers.size, form, rows: folded,
        into: memory.keys(start, prompt), bias: memory.keyBias(start, prompt))
      telling.fold(
        values: start + memory.v + first * numbers.size, form, rows: folded, into: memory.values(start, prompt))
    }
  }

  private func attendToThemselves(
    _ layer: Layer, _ tokens: UnsafePointer<Float>, _ memory: TokenMemory, _ start: UnsafeMutableRawPointer
  ) {
    let (rows, queries) = (memory.rows, memory.queries(start))
    let count = memory.form.tokens
    let (inner, size) = (layer.q.outputs, layer.q.outputs / layer.heads)
    convert(memory, start, adding: nil, into: memory.plainAt)
    if !layer.skipsPositions { convert(memory, start, adding: tokens, into: memory.placedAt) }
    let placed = start + (layer.skipsPositions ? memory.plainAt : memory.placedAt)
    layer.q(placed, rows: rows, into: start + memory.q, numbers)
    layer.k(placed, rows: rows, into: start + memory.k, numbers)
    layer.v(start + memory.plainAt, rows: rows, into: start + memory.v, numbers)
    var plan = ScratchPlan()
    let keysAt = plan.room(cvector_packed_keys_bytes(numbers.kind, count, size))
    let valuesAt = plan.room(cvector_packed_values_bytes(numbers.kind, count, size))
    let scratchAt = plan.room(cvector_attention_scratch(numbers.kind, count, size, size))
    let attention = AttentionTile(
      numbers, heads: layer.heads, size: size, keys: count, keysAt: keysAt, valuesAt: valuesAt,
      scratchAt: scratchAt)
    parallelFor(memory.prompts, grain: 1, scratch: plan.floats) { prompts, scratch in
      for prompt in prompts {
        let at = prompt * count * inner * numbers.size
        attention(
          start + memory.q + at, stride: inner, count: count, packing: start + memory.k + at,
          start + memory.v + at, stride: inner, into: start + memory.attended + at, inner, numbers,
          UnsafeMutableRawPointer(scratch))
      }
    }
    if layer.skipsPositions {
      layer.out(start + memory.attended, rows: rows, into: queries, .f32)
    } else {
      layer.out(start + memory.attended, rows: rows, addedTo: queries)
    }
    layer.norm1(.f32, queries, stride: dim, into: queries, stride: dim, rows: rows)
  }

  /// The tokens, with their positions or without, as products take them.
  private func convert(
    _ memory: TokenMemory, _ start: UnsafeMutableRawPointer, adding positions: UnsafePointer<Float>?,
    into place: Int
  ) {
    cvector_convert_tile(
      numbers.kind, memory.queries(start), dim, positions, dim, start + place, dim, memory.rows, dim, dim)
  }

  /// Calls `body` with each prompt and its room for `[tokens, heads, C]`.
  private func forEachPrompt(
    _ memory: TokenMemory, _ start: UnsafeMutableRawPointer,
    _ body: (_ prompt: Int, _ folded: UnsafeMutablePointer<Float>) -> Void
  ) {
    let folded = (start + memory.folded).assumingMemoryBound(to: Float.self)
    parallelFor(memory.prompts) { prompts in
      for prompt in prompts { body(prompt, folded + prompt * memory.form.count * dim) }
    }
  }
}
