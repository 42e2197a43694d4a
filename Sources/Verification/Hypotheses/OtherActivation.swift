import Foundation
import Tensors

/// An activation of another form: above all GELU by tanh where it should be by the error function.
struct OtherActivation: Hypothesis {
  private static let forms: [(name: String, apply: @Sendable (Double) -> Double)] = [
    ("GELU by erf", { 0.5 * $0 * (1 + erf($0 / 2.0.squareRoot())) }),
    (
      "GELU by tanh",
      { 0.5 * $0 * (1 + tanh((2 / Double.pi).squareRoot() * ($0 + 0.044715 * $0 * $0 * $0))) }
    ),
    ("GELU by sigmoid", { $0 / (1 + exp(-1.702 * $0)) }),
    ("ReLU", { max($0, 0) }),
    ("SiLU", { $0 / (1 + exp(-$0)) }),
    ("nothing", { $0 }),
  ]

  func hints(for evidence: Evidence) -> [Hint] {
    // What has parameters is no activation.
    guard evidence.weights.isEmpty,
      let input = evidence.inputs.first(where: { $0.tensor.shape == evidence.reference.shape })?.tensor
    else { return [] }
    let positions = Array(evidence.positions)
    let values = input.withElements { elements in positions.map { Double(elements[$0]) } }
    let forms = AlternativeForms(
      positions: positions, forms: Self.forms.map { .init(name: $0.name, values: values.map($0.apply)) })
    return forms.hint(.activation, "activation", evidence).map { [$0] } ?? []
  }
}
