import Tensors

/// A linear layer whose weight lies the other way round in memory, or whose bias is missing.
struct LinearWeight: Hypothesis {
  private static let mostRows = 32

  func hints(for evidence: Evidence) -> [Hint] {
    guard evidence.hasOneShape, let weight = evidence.weights["weight"], weight.shape.rank == 2,
      let input = evidence.inputs.first?.tensor, input.shape.rank >= 1
    else { return [] }
    let (outputs, inputs) = (weight.shape[0], weight.shape[1])
    guard input.shape[-1] == inputs, evidence.reference.shape[-1] == outputs,
      input.count / inputs == evidence.reference.count / outputs
    else { return [] }
    let spread = Array(SpreadPositions(of: input.count / inputs, atMost: Self.mostRows))
    let rows = spread.count < input.count / inputs ? spread + [evidence.worst / outputs] : spread
    let bias = evidence.weights["bias"]?.elements.map(Double.init) ?? [Double](repeating: 0, count: outputs)
    guard bias.count == outputs else { return [] }
    /// The product of some rows with the weight, whose entry for an output and an input is at `place`.
    func products(_ place: (_ output: Int, _ input: Int) -> Int) -> [Double] {
      weight.withElements { weight in
        input.withElements { input in
          rows.flatMap { row in
            (0..<outputs).map { output in
              (0..<inputs).reduce(bias[output]) {
                $0 + Double(input[row * inputs + $1]) * Double(weight[place(output, $1)])
              }
            }
          }
        }
      }
    }
    let forms = AlternativeForms(
      positions: rows.flatMap { row in (0..<outputs).map { row * outputs + $0 } },
      forms: [
        .init(name: "the weight as it is", values: products { $0 * inputs + $1 }),
        .init(name: "the weight transposed", values: products { $1 * outputs + $0 }),
      ])
    return forms.hint(.weightLayout, "x · weightᵀ + bias", evidence).map { [$0] } ?? []
  }
}

/// A convolution whose kernel is transposed, turned, or has its input and output channels exchanged. Stride and padding
/// are what the shapes allow and one of the two arrays confirms.
struct ConvolutionWeight: Hypothesis {
  private static let mostPositions = 256

  func hints(for evidence: Evidence) -> [Hint] {
    guard evidence.hasOneShape, let weight = evidence.weights["weight"], weight.shape.rank == 4,
      let input = evidence.inputs.first?.tensor, input.shape.rank == 4, evidence.reference.shape.rank == 4
    else { return [] }
    let bias = evidence.weights["bias"]?.elements ?? []
    let positions = evidence.somePositions(atMost: Self.mostPositions)
    for sampler in ConvolutionSampler.all(
      weight: weight, bias: bias, input: input, output: evidence.reference.shape)
    {
      let forms = sampler.layouts.map { layout in
        AlternativeForms.Form(name: layout.name, values: positions.map { sampler.value(at: $0, layout) })
      }
      if let hint = AlternativeForms(positions: positions, forms: forms)
        .hint(.weightLayout, "convolution", evidence)
      {
        return [hint]
      }
    }
    return []
  }
}

/// Works out single elements of a convolution's result.
private struct ConvolutionSampler {
  /// How a kernel is read.
  struct Layout {
    let name: String
    var isTransposed = false
    var isTurned = false
    var exchangesChannels = false
    var reversesInputs = false
  }

  let weight: Tensor
  let bias: [Float]
  let input: Tensor
  let output: Shape
  let stride: Int
  let padding: Int
  let groups: Int
  /// Whether every input element spreads over a square of the output.
  let isTransposedConvolution: Bool

  /// A sampler for every stride and padding that fits the shapes.
  static func all(weight: Tensor, bias: [Float], input: Tensor, output: Shape) -> [ConvolutionSampler] {
    let (shape, kernel) = (weight.shape, weight.shape[2])
    guard shape[3] == kernel, kernel > 0, output.rank == 4, input.shape[0] == output[0] else { return [] }
    func sampler(_ stride: Int, _ padding: Int, _ groups: Int, transposed: Bool) -> ConvolutionSampler {
      ConvolutionSampler(
        weight: weight, bias: bias, input: input, output: output, stride: stride, padding: padding,
        groups: groups, isTransposedConvolution: transposed)
    }
    var found: [ConvolutionSampler] = []
    if shape[0] == output[1], shape[1] > 0, input.shape[1] % shape[1] == 0,
      bias.isEmpty || bias.count == output[1]
    {
      let groups = input.shape[1] / shape[1]
      for stride in 1...kernel {
        for padding in 0..<kernel
        where (2...3).allSatisfy({
          input.shape[$0] + 2 * padding >= kernel
            && (input.shape[$0] + 2 * padding - kernel) / stride + 1 == output[$0]
        }) && output[1] % groups == 0 {
          found.append(sampler(stride, padding, groups, transposed: false))
        }
      }
    }
    if shape[0] == input.shape[1], shape[1] == output[1], bias.isEmpty || bias.count == output[1],
      (2...3).allSatisfy({ input.shape[$0] * kernel == output[$0] }), kernel > 1
    {
      found.append(sampler(kernel, 0, 1, transposed: true))
    }
    return found
  }

  var layouts: [Layout] {
    var layouts = [Layout(name: "the kernel as it is")]
    if weight.shape[2] > 1 {
      layouts.append(Layout(name: "the kernel's rows and columns exchanged", isTransposed: true))
      layouts.append(Layout(name: "the kernel turned by 180°", isTurned: true))
    }
    if weight.shape[1] == 3, !isTransposedConvolution {
      layouts.append(
        Layout(name: "the kernel's three input channels the other way round, BGR for RGB", reversesInputs: true)
      )
    }
    if weight.shape[0] == weight.shape[1], weight.shape[0] > 1 {
      layouts.append(Layout(name: "the kernel's input and output channels exchanged", exchangesChannels: true))
    }
    return layouts
  }

  /// The result's element at a position.
  func value(at position: Int, _ layout: Layout) -> Double {
    let strides = output.strides
    let (batch, channel) = (position / strides[0], position / strides[1] % output[1])
    let (row, column) = (position / strides[2] % output[2], position % output[3])
    let kernel = weight.shape[2]
    var sum = bias.isEmpty ? 0 : Double(bias[channel])
    weight.withElements { weight in
      input.withElements { input in
        func add(_ source: Int, _ first: Int, _ second: Int, _ y: Int, _ x: Int, _ ky: Int, _ kx: Int) {
          sum +=
            Double(
              input[
                ((batch * self.input.shape[1] + source) * self.input.shape[2] + y) * self.input.shape[3] + x])
            * Double(weight[place(first, second, ky, kx, layout)])
        }
        if isTransposedConvolution {
          for source in 0..<input.count / (self.input.shape[0] * self.input.shape[2] * self.input.shape[3]) {
            add(source, source, channel, row / kernel, column / kernel, row % kernel, column % kernel)
          }
          return
        }
        let perGroup = self.weight.shape[1]
        let group = channel / (output[1] / groups)
        for offset in 0..<perGroup {
          for ky in 0..<kernel {
            let y = row * stride - padding + ky
            guard y >= 0, y < self.input.shape[2] else { continue }
            for kx in 0..<kernel {
              let x = column * stride - padding + kx
              guard x >= 0, x < self.input.shape[3] else { continue }
              add(group * perGroup + offset, channel, offset, y, x, ky, kx)
            }
          }
        }
      }
    }
    return sum
  }

  /// Where the kernel's entry lies under a layout.
  private func place(_ first: Int, _ second: Int, _ ky: Int, _ kx: Int, _ layout: Layout) -> Int {
    let kernel = weight.shape[2]
    var (row, column) = layout.isTransposed ? (kx, ky) : (ky, kx)
    if layout.isTurned { (row, column) = (kernel - 1 - row, kernel - 1 - column) }
    let turned = layout.reversesInputs ? weight.shape[1] - 1 - second : second
    let (outer, inner) = layout.exchangesChannels ? (turned, first) : (first, turned)
    return ((outer * weight.shape[1] + inner) * kernel + row) * kernel + column
  }
}
