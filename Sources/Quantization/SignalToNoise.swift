// How far numbers are from exact ones, summed up piece by piece.
import Foundation
import Tensors

/// The squares of exact numbers, and of what others are off them.
struct SignalToNoise: Sendable {
  private(set) var signal = 0.0
  private(set) var noise = 0.0

  /// Adds what is known of some numbers.
  mutating func add(signal: Double, noise: Double) {
    self.signal += signal
    self.noise += noise
  }

  /// Adds numbers that stand beside exact ones.
  mutating func add(_ exact: Tensor, _ found: Tensor) {
    var (signal, noise) = (0.0, 0.0)
    exact.withElements { exact in
      found.withElements { found in
        for (a, b) in zip(exact, found) {
          let off = Double(a) - Double(b)
          signal += Double(a) * Double(a)
          noise += off * off
        }
      }
    }
    add(signal: signal, noise: noise)
  }

  /// 10 · log₁₀(Σ x² / Σ (x − x̂)²), in dB: infinite where nothing is off, nil where nothing was added but zeros.
  var decibels: Double? {
    if noise == 0 { return signal == 0 ? nil : .infinity }
    return 10 * log10(signal / noise)
  }
}

extension SignalToNoise {
  /// Numbers that stand beside exact ones.
  init(_ exact: Tensor, _ found: Tensor) {
    self.init()
    add(exact, found)
  }
}

/// What rounding does, in dB, by what is rounded; nil where nothing is.
public struct SQNRByRounding: Hashable, Sendable, Codable {
  /// With rounded weights and exact inputs.
  public var weights: Double?
  /// With exact weights and rounded inputs.
  public var inputs: Double?
  /// With both as the plan has them.
  public var both: Double?

  /// Nothing known, unless told.
  public init(weights: Double? = nil, inputs: Double? = nil, both: Double? = nil) {
    (self.weights, self.inputs, self.both) = (weights, inputs, both)
  }
}
