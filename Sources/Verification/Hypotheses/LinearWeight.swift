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
