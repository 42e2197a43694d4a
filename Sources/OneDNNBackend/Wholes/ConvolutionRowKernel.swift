// Convolutions in a row with normalisations and activations between them, stage by stage, each in tiles of some pixels. A
// stage of few channels works on planes, where vectors run along pixels; later ones have a pixel's channels together, where
// what a convolution sees are a few runs of numbers.
import CVector
import Kernels
import Tensors

/// `[B, in, H, W]` to `[B, out, H′, W′]`.
final class ConvolutionRowKernel: Kernel {
  /// As many channels at most make planes.
  private static let channelsOfPlanes = 16

  private let path: String
  private let inputs: Int
  private let numbers: Numbers
  private let planar: [PlanarStage]
  private let deep: [DeepStage]
  private let last: LastStage

  /// Nil where layers have different precisions or groups, or the last convolution sees more than a pixel.
  init?(_ row: ConvolutionRow, by multiplier: Multiplier) throws(OneDNNError) {
    let convolutions = row.stages.map(\.convolution) + [row.last]
    guard let numbers = Numbers(common: convolutions.map(\.site)), convolutions.allSatisfy({ $0.groups == 1 }),
      ConvolutionGeometry(row.last).isPointwise
    else { return nil }
    path = convolutions[0].site.path.name
    inputs = convolutions[0].weight.shape[1]
    self.numbers = numbers
    let planes = row.stages.prefix { $0.convolution.weight.shape[0] <= Self.channelsOfPlanes }
    planar = planes.map { PlanarStage($0, row.activation, numbers) }
    deep = try row.stages.dropFirst(planes.count).map { stage throws(OneDNNError) in
      try DeepStage(stage, row.activation, numbers, by: multiplier)
    }
    last = try LastStage(row.last, numbers, by: multiplier)
  }

  /// What the stages make of a picture, and where in the call's scratch memory.
  private struct Places {
    /// What each stage on planes does to sizes.
    var planes: [ConvolutionPlane] = []
    var planesAt: [Int] = []
    var pictures: [PaddedPicture] = []
    var picturesAt: [Int] = []
    var plan = ScratchPlan()
  }

  private func places(height: Int, width: Int) -> Places {
    var places = Places()
    var (size, channels) = ((height: height, width: width), inputs)
    for stage in planar {
      let plane = stage.seen.plane(height: size.height, width: size.width)
      (size, channels) = ((plane.outHeight, plane.outWidth), stage.seen.outputs)
      places.planes.append(plane)
      places.planesAt.append(places.plan.room(channels * plane.outPixels * 4))
    }
    for index in 0...deep.count {
      let next = index < deep.count ? deep[index].seen : nil
      let picture = PaddedPicture(
        height: size.height, width: size.width, channels: channels, padding: next?.padding ?? 0, numbers)
      places.pictures.append(picture)
      places.picturesAt.append(places.plan.room(picture.bytes))
      if let next {
        let plane = next.plane(height: size.height, width: size.width)
        (size, channels) = ((plane.outHeight, plane.outWidth), next.outputs)
      }
    }
    return places
  }

  func callAsFunction(_ x: consuming Tensor) -> Tensor {
    let x = x
    precondition(
      x.shape.rank == 4 && x.shape[1] == inputs, "\(path): a row for \(inputs) channels on \(x.shape)")
    let places = places(height: x.shape[2], width: x.shape[3])
    let result = places.pictures[deep.count]
    let pixels = result.height * result.width
    let workspace = Workspace(bytes: places.plan.bytes)
    defer { withExtendedLifetime(workspace) {} }
    return Tensor([x.shape[0], last.channels, result.height, result.width]) { out in
      x.withElements { source in
        for entry in 0..<x.shape[0] {
          run(
            source.start + entry * inputs * x.shape[2] * x.shape[3], places, workspace.start,
            into: out.start + entry * last.channels * pixels)
        }
      }
    }
  }

  private func run(
    _ source: UnsafePointer<Float>, _ places: Places, _ memory: UnsafeMutableRawPointer,
    into out: UnsafeMutablePointer<Float>
  ) {
    var planes = source
    for (index, stage) in planar.enumerated() {
      let target = (memory + places.planesAt[index]).assumingMemoryBound(to: Float.self)
      stage(planes, places.planes[index], into: target)
      planes = UnsafePointer(target)
    }
    places.pictures[0].fill(memory + places.picturesAt[0], from: planes)
    for (index, stage) in deep.enumerated() {
      stage(
        memory + places.picturesAt[index], places.pictures[index], into: memory + places.picturesAt[index + 1],
        places.pictures[index + 1])
    }
    last(memory + places.picturesAt[deep.count], places.pictures[deep.count], into: out)
  }
}

/// A stage on planes: weights times columns of pixels.
private struct PlanarStage: Sendable {
  /// About how many pixels a tile computes.
  private static let tilePixels = 512

  let seen: ConvolutionGeometry
  private let weights: LeftOperand
  private let bias, scale, shift: [Float]
  private let epsilon: Float
  private let activation: Activation
  private let numbers: Numbers

  init(_ stage: ConvolutionRow.Stage, _ activation: Activation, _ numbers: Numbers) {
    seen = ConvolutionGeometry(stage.convolution)
    weights = LeftOperand(stage.convolution.weight, rows: seen.outputs, inner: seen.inner, numbers)
    bias = stage.convolution.bias?.elements ?? []
    (scale, shift) = (stage.norm.weight.elements, stage.norm.bias.elements)
    epsilon = stage.norm.epsilon
    self.activation = activation
    self.numbers = numbers
  }

  func callAsFunction(
    _ x: UnsafePointer<Float>, _ plane: ConvolutionPlane, into out: UnsafeMutablePointer<Float>
  ) {
    let lines = max(1, Self.tilePixels / plane.outWidth)
    let channels = seen.outputs
    var plan = ScratchPlan()
    let columnsAt = plan.room(seen.inner * lines * plane.outWidth * 4)
    let packedAt = plan.room(cvector_packed_bytes(numbers.kind, seen.inner, lines * plane.outWidth))
    let productsAt = plan.room(channels * lines * plane.outWidth * 4)
    parallelFor(plane.outHeight, grain: lines, scratch: plan.floats) { rows, scratch in
      let memory = UnsafeMutableRawPointer(scratch)
      let columns = (memory + columnsAt).assumingMemoryBound(to: Float.self)
      let products = (memory + productsAt).assumingMemoryBound(to: Float.self)
      let count = rows.count * plane.outWidth
      plane.gather(x, rows: rows, seen, into: columns)
      cvector_pack(numbers.kind, cvector_f32, columns, count, seen.inner, count, memory + packedAt)
      weights.multiply(
        from: 0, rows: channels, inner: seen.inner, memory + packedAt, columns: count, bias: bias,
        into: products, stride: count)
      cvector_normalise_planes_tile(
        activation.kind, products, count, scale, shift, epsilon, out + rows.lowerBound * plane.outWidth,
        plane.outPixels,
        channels, count)
    }
  }
}

/// A stage on pixels with their channels together: rows of what a pixel sees times weights.
private struct DeepStage: Sendable {
  private static let tilePixels = PaddedPicture.tilePixels

  let seen: ConvolutionGeometry
  private let linear: TileLinear
  private let norm: NormTile
  private let activation: Activation
  private let numbers: Numbers

  init(
    _ stage: ConvolutionRow.Stage, _ activation: Activation, _ numbers: Numbers, by multiplier: Multiplier
  ) throws(OneDNNError) {
    seen = ConvolutionGeometry(stage.convolution)
    linear = try TileLinear(
      weight: stage.convolution.weight.permuted(0, 2, 3, 1).reshaped([seen.outputs, seen.inner]),
      bias: stage.convolution.bias, .init(input: numbers, output: .f32), rows: [Self.tilePixels], by: multiplier
    )
    norm = NormTile(stage.norm)
    self.activation = activation
    self.numbers = numbers
  }

  func callAsFunction(
    _ x: UnsafeRawPointer, _ picture: PaddedPicture, into out: UnsafeMutableRawPointer, _ result: PaddedPicture
  ) {
    let (size, channels) = (numbers.size, seen.outputs)
    var plan = ScratchPlan()
    let rowsAt = plan.room((Self.tilePixels * seen.inner + 2) * size)
    let productsAt = plan.room(Self.tilePixels * channels * 4)
    let besidesAt = plan.room(linear.scratchBytes)
    let run = seen.kernelWidth * picture.channels * size
    result.clearBorder(out)
    parallelFor(result.height * result.width, grain: Self.tilePixels, scratch: plan.floats) { range, scratch in
      let memory = UnsafeMutableRawPointer(scratch)
      let products = (memory + productsAt).assumingMemoryBound(to: Float.self)
      var target = memory + rowsAt
      result.forEachLine(range) { row, columns, _ in
        for column in columns {
          for ky in 0..<seen.kernelHeight {
            let corner = picture.offset(
              row * seen.stride + ky - seen.padding, column * seen.stride - seen.padding)
            target.copyMemory(from: x + corner * size, byteCount: run)
            target += run
          }
        }
      }
      // A number after the last row may be read, and multiplied by zero.
      target.initializeMemory(as: UInt8.self, repeating: 0, count: 2 * size)
      linear(rows: range.count, memory + rowsAt, into: products, scratch: memory + besidesAt)
      norm(.f32, products, stride: channels, into: products, stride: channels, rows: range.count)
      result.forEachLine(range) { row, columns, index in
        cvector_activate_tile(
          numbers.kind, activation.kind, products + index * channels, channels,
          out + result.offset(row, columns.lowerBound) * size, channels, columns.count, channels, channels)
      }
    }
  }
}

/// The last convolution: pixels are rows already, and become planes again.
private struct LastStage: Sendable {
  private static let tilePixels = PaddedPicture.tilePixels

  let channels: Int
  private let linear: TileLinear
  private let numbers: Numbers

  init(_ layer: ConvolutionLayer, _ numbers: Numbers, by multiplier: Multiplier) throws(OneDNNError) {
    channels = layer.weight.shape[0]
    linear = try TileLinear(
      weight: layer.weight.reshaped([channels, layer.weight.shape[1]]), bias: layer.bias,
      .init(input: numbers, output: .f32), rows: [Self.tilePixels], by: multiplier)
    self.numbers = numbers
  }

  func callAsFunction(
    _ x: UnsafeRawPointer, _ picture: PaddedPicture, into planes: UnsafeMutablePointer<Float>
  ) {
    let pixels = picture.height * picture.width
    var plan = ScratchPlan()
    let productsAt = plan.room(Self.tilePixels * channels * 4)
    let besidesAt = plan.room(linear.scratchBytes)
    parallelFor(pixels, grain: Self.tilePixels, scratch: plan.floats) { range, scratch in
      let memory = UnsafeMutableRawPointer(scratch)
      let products = (memory + productsAt).assumingMemoryBound(to: Float.self)
      linear(
        rows: range.count, x + range.lowerBound * picture.channels * numbers.size, into: products,
        scratch: memory + besidesAt)
      cvector_transpose(products, channels, planes + range.lowerBound, pixels, range.count, channels)
    }
  }
}
