// The six modules that a backend may run as one, composed in double precision as PyTorch's `forward` has them. Tokens and
// pixels are rows of channels; an entry of a batch is computed by itself.
import Foundation
import Kernels
import Tensors

/// Rows of channels.
typealias Rows = [[Double]]

/// An image, row by row of pixels.
struct Pixels {
  var rows: Rows
  let height: Int
  let width: Int

  /// Entry `index` of `[B, C, H, W]`, or the only one of `[1, C, H, W]`.
  init(_ image: Tensor, entry index: Int) {
    let entry = image[image.shape[0] == 1 ? 0 : index]
    (height, width) = (entry.shape[1], entry.shape[2])
    let (elements, pixels) = (entry.elements, height * width)
    rows = (0..<pixels).map { pixel in (0..<entry.shape[0]).map { Double(elements[$0 * pixels + pixel]) } }
  }

  init(_ rows: Rows, height: Int, width: Int) {
    (self.rows, self.height, self.width) = (rows, height, width)
  }

  /// Channels first, as a tensor has them.
  var elements: [Double] { (0..<(rows.first?.count ?? 0)).flatMap { channel in rows.map { $0[channel] } } }

  /// The largest of each square, channel by channel; what is left over at the edges is dropped.
  func pooled(_ side: Int) -> Pixels {
    let (down, across) = (height / side, width / side)
    var cells = Rows(repeating: [], count: down * across)
    for cell in cells.indices {
      let (top, left) = (cell / across * side, cell % across * side)
      var largest = rows[top * width + left]
      for tap in 1..<max(1, side * side) {
        let row = rows[(top + tap / side) * width + left + tap % side]
        for channel in row.indices { largest[channel] = max(largest[channel], row[channel]) }
      }
      cells[cell] = largest
    }
    return Pixels(cells, height: down, width: across)
  }
}

/// Entry `index` of `[B, N, C]`, or the only one of `[1, N, C]`.
func tokens(_ x: Tensor, entry index: Int) -> Rows {
  let entry = x[x.shape[0] == 1 ? 0 : index]
  let (elements, channels) = (entry.elements, entry.shape[1])
  return (0..<entry.shape[0]).map { row in elements[row * channels..<(row + 1) * channels].map(Double.init) }
}

/// Elementwise.
func sum(_ a: Rows, _ b: Rows) -> Rows { zip(a, b).map { zip($0, $1).map { $0 + $1 } } }

private func product(_ a: some Sequence<Double>, _ b: some Sequence<Double>) -> Double {
  zip(a, b).reduce(0) { sum, pair in sum + pair.0 * pair.1 }
}

extension LinearLayer {
  func callAsFunction(_ x: Rows) -> Rows {
    let outputs = weight.shape[0]
    let matrix = tokens(weight.reshaped([1, outputs, weight.shape[1]]), entry: 0)
    let x = inSteps(x)
    let shifts = bias?.elements ?? [Float](repeating: 0, count: outputs)
    return x.map { row in zip(matrix, shifts).map { Double($1) + product(row, $0) } }
  }
}

extension LinearLayer {
  /// In whole numbers, what the nearest of the 256 steps stand for.
  private func inSteps(_ x: Rows) -> Rows {
    guard site.precision == .w8a8, let range = site.input else { return x }
    let (scale, zeroPoint) = (Double(range.scale), Double(range.zeroPoint))
    return x.map { row in
      row.map { value in
        let step = (value / scale).rounded(.toNearestOrEven) + zeroPoint
        return (max(0, min(255, step)) - zeroPoint) * scale
      }
    }
  }
}

extension NormLayer {
  func callAsFunction(_ x: Rows) -> Rows {
    let (w, b) = (weight.elements.map(Double.init), bias.elements.map(Double.init))
    return x.map { row in
      let mean = row.reduce(0, +) / Double(row.count)
      let centred = row.map { $0 - mean }
      let variance = product(centred, centred) / Double(row.count)
      let deviation = (variance + Double(epsilon)).squareRoot()
      return row.indices.map { centred[$0] / deviation * w[$0] + b[$0] }
    }
  }
}

extension ConvolutionLayer {
  func callAsFunction(_ image: Pixels) -> Pixels {
    let (w, b) = (weight.elements, bias?.elements)
    let (outputs, inputs, kh, kw) = (weight.shape[0], weight.shape[1], weight.shape[2], weight.shape[3])
    let height = (image.height + 2 * padding - kh) / stride + 1
    let width = (image.width + 2 * padding - kw) / stride + 1
    var rows = Rows(repeating: [], count: height * width)
    for (pixel, output) in rows.indices.flatMap({ pixel in (0..<outputs).map { (pixel, $0) } }) {
      let (row, column) = pixel.quotientAndRemainder(dividingBy: width)
      let first = output / (outputs / groups) * inputs
      var sum = Double(b?[output] ?? 0)
      for ky in 0..<kh {
        for kx in 0..<kw {
          let (y, x) = (row * stride + ky - padding, column * stride + kx - padding)
          guard y >= 0, y < image.height, x >= 0, x < image.width else { continue }
          for i in 0..<inputs {
            let factor = Double(w[((output * inputs + i) * kh + ky) * kw + kx])
            sum += image.rows[y * image.width + x][first + i] * factor
          }
        }
      }
      rows[pixel].append(sum)
    }
    return Pixels(rows, height: height, width: width)
  }
}

extension TransposedConvolutionLayer {
  func callAsFunction(_ image: Pixels) -> Pixels {
    let (w, b) = (weight.elements, bias?.elements)
    let (inputs, outputs, k) = (weight.shape[0], weight.shape[1], weight.shape[2])
    let (height, width) = (image.height * k, image.width * k)
    var rows = Rows(repeating: [], count: height * width)
    for (pixel, output) in rows.indices.flatMap({ pixel in (0..<outputs).map { (pixel, $0) } }) {
      let (y, x) = pixel.quotientAndRemainder(dividingBy: width)
      var sum = Double(b?[output] ?? 0)
      for i in 0..<inputs {
        let factor = Double(w[((i * outputs + output) * k + y % k) * k + x % k])
        sum += image.rows[y / k * image.width + x / k][i] * factor
      }
      rows[pixel].append(sum)
    }
    return Pixels(rows, height: height, width: width)
  }
}

extension Activation {
  func callAsFunction(_ x: Rows) -> Rows {
    x.map { row in
      row.map { value in
        switch self {
        case .gelu: value * 0.5 * erfc(-value / 2.0.squareRoot())
        case .relu: max(value, 0)
        }
      }
    }
  }
}

extension FeedForward {
  func callAsFunction(_ x: Rows) -> Rows {
    var x = x
    for (index, layer) in layers.enumerated() {
      x = layer(x)
      if index < layers.count - 1 { x = activation(x) }
    }
    return x
  }
}

/// softmax(q · kᵀ / √d) · v, head by head.
func attend(_ q: Rows, _ k: Rows, _ v: Rows, heads: Int) -> Rows {
  q.map { query in
    let size = query.count / heads
    return (0..<heads).flatMap { head -> [Double] in
      let channels = head * size..<(head + 1) * size
      let scale = 1 / Double(size).squareRoot()
      let powers: [Double] = k.map { key in exp(product(query[channels], key[channels]) * scale) }
      let total = powers.reduce(0, +)
      return channels.map { channel in product(powers, v.map { $0[channel] }) / total }
    }
  }
}

extension AttentionLayers {
  /// - Parameters:
  ///   - turns: cosine and sine by which pairs of channels are turned, `[tokens][d]`, the same for every head.
  ///   - turnedKeys: how many keys have a place; turns repeat over them.
  func callAsFunction(_ queries: Rows, _ keys: Rows, _ values: Rows, turns: Rows = [], turnedKeys: Int = 0)
    -> Rows
  {
    out(
      attend(
        turned(q(queries), turns, turns.isEmpty ? 0 : queries.count), turned(k(keys), turns, turnedKeys),
        v(values),
        heads: heads))
  }

  private func turned(_ x: Rows, _ turns: Rows, _ count: Int) -> Rows {
    x.enumerated().map { token, row in
      guard token < count else { return row }
      let turn = turns[token % turns.count]
      var turned = row
      for pair in stride(from: 0, to: row.count, by: 2) {
        let (cosine, sine) = (turn[pair % turn.count], turn[pair % turn.count + 1])
        turned[pair] = row[pair] * cosine - row[pair + 1] * sine
        turned[pair + 1] = row[pair] * sine + row[pair + 1] * cosine
      }
      return turned
    }
  }
}

extension HieraBlock {
  func callAsFunction(_ x: Pixels) -> Pixels {
    let normed = norm1(x.rows)
    let pool = self.pool ?? 1
    let (height, width) = (x.height / pool, x.width / pool)
    let channels = proj.weight.shape[0]
    var attended = Rows(repeating: [], count: height * width)
    let (windowHeight, windowWidth) = window > 0 ? (window, window) : (x.height, x.width)
    for top in stride(from: 0, to: x.height, by: windowHeight) {
      for left in stride(from: 0, to: x.width, by: windowWidth) {
        let inside = (0..<windowHeight * windowWidth).map { token -> [Double] in
          let (y, column) = (top + token / windowWidth, left + token % windowWidth)
          return y < x.height && column < x.width
            ? normed[y * x.width + column] : [Double](repeating: 0, count: normed[0].count)
        }
        let projected = qkv(inside)
        let part = { (index: Int) in projected.map { Array($0[index * channels..<(index + 1) * channels]) } }
        let queries = Pixels(part(0), height: windowHeight, width: windowWidth).pooled(pool)
        let out = proj(attend(queries.rows, part(1), part(2), heads: heads))
        for (token, row) in out.enumerated() {
          let (y, column) = (top / pool + token / queries.width, left / pool + token % queries.width)
          if y < height && column < width { attended[y * width + column] = row }
        }
      }
    }
    let skipped = Pixels(shortcut.map { $0(normed) } ?? x.rows, height: x.height, width: x.width).pooled(pool)
    let both = sum(skipped.rows, attended)
    return Pixels(sum(both, mlp(norm2(both))), height: height, width: width)
  }
}

extension MemoryLayer {
  func callAsFunction(_ input: Input, entry: Int) -> Rows {
    let (tgt, memory) = (tokens(input.tgt, entry: entry), tokens(input.memory, entry: entry))
    func placed(_ x: Rows, _ adds: Bool) -> Rows {
      adds ? input.queryPos.map { sum(x, tokens($0, entry: entry)) } ?? x : x
    }
    func turns(_ make: (Int) -> Tensor) -> Rows {
      let made = make(tgt.count)
      return tokens(made.reshaped(Shape([1] + made.shape.extents)), entry: 0)
    }
    let normed = norm1(tgt)
    let own = placed(normed, adds.selfAttention)
    let first = sum(tgt, selfAttention(own, own, normed, turns: turns(selfTurns), turnedKeys: tgt.count))
    let keys = adds.keys ? sum(memory, tokens(input.pos, entry: entry)) : memory
    let second = sum(
      first,
      crossAttention(
        placed(norm2(first), adds.queries), keys, memory, turns: turns(crossTurns),
        turnedKeys: memory.count - input.pointerTokens))
    return sum(second, mlp(norm3(second)))
  }
}

extension ConvNeXtBlock {
  func callAsFunction(_ x: Pixels) -> Pixels {
    let mixed = mlp(norm(depthwise(x).rows))
    let scales = gamma?.elements.map(Double.init)
    let scaled = mixed.map { row in row.indices.map { row[$0] * (scales?[$0] ?? 1) } }
    return Pixels(sum(x.rows, scaled), height: x.height, width: x.width)
  }
}

extension ConvolutionRow {
  func callAsFunction(_ x: Pixels) -> Pixels {
    last(
      stages.reduce(x) { x, stage in
        let convolved = stage.convolution(x)
        return Pixels(activation(stage.norm(convolved.rows)), height: convolved.height, width: convolved.width)
      })
  }
}

extension TwoWay {
  func callAsFunction(_ input: Input, entry: Int) -> (tokens: Rows, image: Rows) {
    let positions = tokens(input.tokens, entry: entry)
    let places = Pixels(input.imagePositions, entry: entry).rows
    var (queries, keys) = (positions, Pixels(input.imageEmbedding, entry: entry).rows)
    for layer in layers {
      if layer.skipsPositions {
        queries = layer.selfAttention(queries, queries, queries)
      } else {
        let placed = sum(queries, positions)
        queries = sum(queries, layer.selfAttention(placed, placed, queries))
      }
      queries = layer.norm1(queries)
      let placedKeys = sum(keys, places)
      queries = layer.norm2(sum(queries, layer.tokensToImage(sum(queries, positions), placedKeys, keys)))
      queries = layer.norm3(sum(queries, layer.mlp(queries)))
      keys = layer.norm4(sum(keys, layer.imageToTokens(placedKeys, sum(queries, positions), queries)))
    }
    queries = finalNorm(
      sum(queries, finalAttention(sum(queries, positions), sum(keys, places), keys)))
    return (queries, keys)
  }
}

extension MaskUpscaling {
  /// `[M][4h · 4w]`.
  func callAsFunction(_ input: Input, entry: Int) -> Rows {
    let gelu = Activation.gelu
    var doubled = conv0(Pixels(input.picture, entry: entry))
    if let finer = input.finer { doubled.rows = sum(doubled.rows, Pixels(finer, entry: 0).rows) }
    doubled.rows = gelu(norm1(doubled.rows))
    var quadrupled = conv3(doubled)
    if let finest = input.finest { quadrupled.rows = sum(quadrupled.rows, Pixels(finest, entry: 0).rows) }
    let picture = gelu(quadrupled.rows)
    return tokens(input.weights, entry: entry).map { weights in
      picture.map { product(weights, $0) }
    }
  }
}
