// The decoder's transformer: between passes over the picture the tokens are dealt with; a pass takes each tile of pixels through
// the picture's attention to the tokens of one layer, and through the tokens' attention to the picture of the next.
import CVector
import Kernels
import Tensors

/// Tokens `[B, N, C]` and a picture `[B or 1, C, h, w]` to `[B, N, C]` and `[B, hw, C]`.
final class TwoWayKernel: Kernel {
  /// Pixels of a tile.
  private static let rows = 256
  /// Prompts that go through all passes together, so that their pictures may stay in the last cache.
  private static let promptsAtOnce = 8

  private let transformer: TwoWay
  private let numbers: Numbers
  private let tokenSide: TokenSide
  /// By layer: what is added to the picture's attention to the tokens, and the normalisation after it.
  private let toTokens: [(bias: [Float], norm: NormTile)]
  private let dim, heads, size: Int

  /// Nil where there are no layers, where they have different precisions or ones that no tile has, or sizes that don't fit
  /// each other or can't be multiplied in pairs.
  init?(_ transformer: TwoWay) {
    let layers = transformer.layers
    let crossing = layers.flatMap { [$0.tokensToImage, $0.imageToTokens] } + [transformer.finalAttention]
    let attentions = layers.map(\.selfAttention) + crossing
    let linears = attentions.flatMap { [$0.q, $0.k, $0.v, $0.out] } + layers.flatMap(\.mlp.layers)
    let dim = transformer.finalNorm.weight.count
    let heads = transformer.finalAttention.heads
    let inner = transformer.finalAttention.q.weight.shape[0]
    guard let numbers = Numbers(common: linears.map(\.site)), !layers.isEmpty,
      layers.allSatisfy({ $0.mlp.layers.count == 2 }), heads <= Int(cvector_most_heads),
      attentions.allSatisfy({ $0.fits(dim) }),
      crossing.allSatisfy({ $0.heads == heads && $0.q.weight.shape[0] == inner }),
      numbers == .f32
        || linears.allSatisfy({ $0.weight.shape[0].isMultiple(of: 2) && $0.weight.shape[1].isMultiple(of: 2) })
          && attentions.allSatisfy({ ($0.q.weight.shape[0] / $0.heads).isMultiple(of: 2) })
    else { return nil }
    self.transformer = transformer
    self.numbers = numbers
    (self.dim, self.heads, size) = (dim, heads, inner / heads)
    tokenSide = TokenSide(transformer, numbers)
    toTokens = layers.map { ($0.imageToTokens.out.bias?.elements ?? [], NormTile($0.norm4)) }
  }

  func callAsFunction(_ input: consuming TwoWay.Input) -> TwoWay.Output {
    let input = input
    let (image, positions, tokens) = (input.imageEmbedding, input.imagePositions, input.tokens)
    let (prompts, count) = (tokens.shape[0], tokens.shape[1])
    let pixels = image.shape[2] * image.shape[3]
    precondition(
      tokens.shape[2] == dim && image.shape[1] == dim && [1, prompts].contains(image.shape[0])
        && [1, prompts].contains(positions.shape[0])
        && positions.shape.extents.dropFirst() == image.shape.extents.dropFirst(),
      "\(transformer.finalNorm.site.path): tokens \(tokens.shape) and a picture \(image.shape) at \(positions.shape)"
    )
    guard prompts > 0, count > 0, pixels > 0 else {
      return TwoWay.Output(tokens: tokens, image: Tensor([prompts, pixels, dim], []))
    }
    let form = TokenHeads(tokens: count, heads: heads, size: size, dim: dim, numbers: numbers)
    var results = tokens
    let isShared = image.shape[0] < prompts
    // One picture for all, and positions, as rows of pixels.
    let shared = Workspace(floats: isShared ? pixels * dim : 0)
    let places = Workspace(floats: positions.shape[0] * pixels * dim)
    defer { withExtendedLifetime((shared, places)) {} }
    let pictures = Tensor([prompts, pixels, dim]) { pictures in
      image.withElements { image in
        positions.withElements { positionPlanes in
          let picture = PictureRows(
            planes: image.start, positionPlanes: positionPlanes.start, pixels: pixels, dim: dim,
            shared: isShared ? shared.floats : nil, own: pictures.start, positions: places.floats,
            sharesPositions: positions.shape[0] == 1)
          tokens.withElements { tokens in
            results.withMutableElements { results in
              for first in stride(from: 0, to: prompts, by: Self.promptsAtOnce) {
                exchange(
                  first..<min(prompts, first + Self.promptsAtOnce), picture, tokens.start + first * count * dim,
                  form, into: results.start + first * count * dim)
              }
            }
          }
        }
      }
    }
    return TwoWay.Output(tokens: results, image: pictures)
  }

  /// All passes for some prompts.
  private func exchange(
    _ prompts: Range<Int>, _ picture: PictureRows, _ tokens: UnsafePointer<Float>, _ form: TokenHeads,
    into results: UnsafeMutablePointer<Float>
  ) {
    let tiles = (picture.pixels + Self.rows - 1) / Self.rows
    let memory = TokenMemory(form, prompts: prompts.count, tiles: tiles, tokenSide)
    let workspace = Workspace(bytes: memory.plan.bytes)
    defer { withExtendedLifetime(workspace) {} }
    let start = workspace.start
    tokenSide.begin(tokens, memory, start)
    for stage in 0...transformer.layers.count {
      tokenSide.ask(stage, tokens, memory, start)
      pass(stage, prompts, picture, memory, start)
      tokenSide.hear(stage, tokens, memory, start)
    }
    results.update(from: memory.queries(start), count: prompts.count * form.tokens * dim)
  }

  /// One pass over the picture: what the tokens of the layer before say to it, and what it says to the tokens of this one.
  private func pass(
    _ stage: Int, _ prompts: Range<Int>, _ picture: PictureRows, _ memory: TokenMemory,
    _ tokens: UnsafeMutableRawPointer
  ) {
    let form = memory.form
    let (kind, rows) = (numbers.kind, Self.rows)
    var plan = ScratchPlan()
    let operandAt = plan.room(rows * dim * numbers.size)
    let scoresAt = plan.room(rows * form.stride * 4)
    let weightsAt = plan.room(rows * form.stride * numbers.size)
    let turnedAt = plan.room(form.count * rows * 4)
    let factorsAt = plan.room(form.count * 4)
    let pixelsAt = plan.room(numbers == .f32 ? 0 : rows * dim * numbers.size)
    let packedAt = plan.room(cvector_packed_bytes(kind, rows, dim))
    let tiles = memory.tiles
    parallelFor(tiles, grain: 1, scratch: plan.floats) { range, scratch in
      let tile = UnsafeMutableRawPointer(scratch)
      let (operand, packed) = (tile + operandAt, tile + packedAt)
      let scores = (tile + scoresAt).assumingMemoryBound(to: Float.self)
      let turned = (tile + turnedAt).assumingMemoryBound(to: Float.self)

      /// Pixels with their positions, as products take them.
      func place(_ source: UnsafePointer<Float>, _ prompt: Int, _ first: Int, _ count: Int) {
        cvector_convert_tile(
          kind, source, dim, picture.positions(prompt) + first * dim, dim, operand, dim, count, dim, dim)
      }
      func pack(_ source: UnsafePointer<Float>, _ count: Int) {
        if numbers == .f32 {
          cvector_pack(kind, cvector_f32, source, dim, count, dim, packed)
        } else {
          cvector_convert_tile(kind, source, dim, nil, 0, tile + pixelsAt, dim, count, dim, dim)
          cvector_pack(kind, kind, tile + pixelsAt, dim, count, dim, packed)
        }
      }

      for item in range {
        let first = item * rows
        let count = min(rows, picture.pixels - first)
        for (index, prompt) in prompts.enumerated() {
          if stage == 0 { picture.turn(first..<first + count, for: prompt) }
          let source = UnsafePointer(picture.rows(prompt, before: stage) + first * dim)
          var current = source
          // What is the same for all prompts stays as the first one left it.
          let isReady = index > 0 && stage == 0 && picture.isSameForAll
          if !isReady { place(source, prompt, first, count) }
          if stage > 0 {
            let (outBias, norm) = toTokens[stage - 1]
            let result = picture.rows(prompt, before: stage + 1) + first * dim
            numbers.multiply(
              operand, stride: dim, rows: count, inner: dim, by: memory.keys(tokens, index),
              columns: form.count,
              bias: memory.keyBias(tokens, index), into: scores, stride: form.stride)
            cvector_weigh_heads_tile(
              kind, scores, form.stride, form.scale, count, heads, form.tokens, tile + weightsAt, form.stride)
            outBias.withNumbers { bias in
              numbers.multiply(
                tile + weightsAt, stride: form.stride, rows: count, inner: form.count,
                by: memory.values(tokens, index), columns: dim, bias: bias, adding: source, into: result,
                stride: dim)
            }
            norm(.f32, result, stride: dim, into: result, stride: dim, rows: count)
            current = UnsafePointer(result)
            place(current, prompt, first, count)
          }
          numbers.multiply(
            operand, stride: dim, rows: count, inner: dim, by: memory.asked(tokens, index), columns: form.count,
            into: scores, stride: form.stride)
          cvector_transpose(scores, form.stride, turned, rows, count, form.count)
          if !isReady { pack(current, count) }
          let part = memory.part(tokens, index, item)
          cvector_weigh_tile(
            kind, turned, rows, form.scale, form.count, count, turned, rows * (4 / numbers.size), part.largest,
            part.totals, (tile + factorsAt).assumingMemoryBound(to: Float.self))
          numbers.multiply(
            turned, stride: rows * (4 / numbers.size), rows: form.count, inner: count, by: packed, columns: dim,
            into: part.sums, stride: dim)
        }
      }
    }
  }
}

/// The picture before and after each layer, and its positions, as rows of pixels.
private struct PictureRows: @unchecked Sendable {
  /// `[B or 1, C, pixels]`.
  let planes, positionPlanes: UnsafePointer<Float>
  let pixels, dim: Int
  /// `[pixels, C]` where prompts share a picture before the first layer; later, or else, each has its own.
  let shared: UnsafeMutablePointer<Float>?
  let own: UnsafeMutablePointer<Float>
  /// `[B or 1, pixels, C]`.
  let positions: UnsafeMutablePointer<Float>
  let sharesPositions: Bool

  /// Before the first layer.
  var isSameForAll: Bool { shared != nil && sharesPositions }

  /// The picture that a pass reads, which is before layer `stage` − 1, or before the first.
  func rows(_ prompt: Int, before stage: Int) -> UnsafeMutablePointer<Float> {
    stage < 2 ? shared ?? own + prompt * pixels * dim : own + prompt * pixels * dim
  }

  func positions(_ prompt: Int) -> UnsafePointer<Float> {
    UnsafePointer(positions + (sharesPositions ? 0 : prompt * pixels * dim))
  }

  /// Makes rows of some pixels' planes, unless that was done for a prompt before.
  func turn(_ range: Range<Int>, for prompt: Int) {
    func turn(_ planes: UnsafePointer<Float>, _ rows: UnsafeMutablePointer<Float>) {
      cvector_transpose(
        planes + range.lowerBound, pixels, rows + range.lowerBound * dim, dim, dim, range.count)
    }
    if prompt == 0 || shared == nil {
      turn(planes + (shared == nil ? prompt * pixels * dim : 0), rows(prompt, before: 0))
    }
    if prompt == 0 || !sharesPositions {
      let place = sharesPositions ? 0 : prompt * pixels * dim
      turn(positionPlanes + place, positions + place)
    }
  }
}

extension AttentionLayers {
  /// Whether its projections take and give rows of so many channels, and heads divide what is between.
  fileprivate func fits(_ dim: Int) -> Bool {
    let inner = q.weight.shape[0]
    return [q, k, v].allSatisfy { $0.weight.shape == [inner, dim] } && out.weight.shape == [dim, inner]
      && heads > 0
      && inner.isMultiple(of: heads)
  }
}
