// What is held against the double-precision reference: backends, and the precisions that each has.
import Kernels
import OneDNNBackend
import OpenBLASBackend
import Tensors
import Testing

/// A backend and how near each of its precisions comes to exact arithmetic.
struct BackendUnderTest: Sendable {
  let name: String
  /// The precisions that it has, with the largest error of an element, in units of `Expected.scale`.
  let tolerances: [Precision: Double]
  /// In what else it has linear layers and convolutions: those of whole numbers, which `WholeNumberTests` holds.
  var wholeNumbers: [Precision] = []
  let make: @Sendable () throws -> any Backend

  /// In what it has linear layers and convolutions.
  var layerPrecisions: [Precision] {
    Precision.allCases.filter { tolerances[$0] != nil || wholeNumbers.contains($0) }
  }

  /// All backends: one line each.
  static let all = [
    BackendUnderTest(name: "openblas", tolerances: [.f32: 5e-6], wholeNumbers: [.w8, .w8a8, .w4]) {
      try OpenBLASBackend()
    },
    BackendUnderTest(
      name: "onednn", tolerances: [.f32: 1e-5, .bf16: 2e-2], wholeNumbers: [.w8, .w8a16, .w8a8, .w4]
    ) { try OneDNNBackend() },
  ]
}

/// One backend in one precision.
struct Setting: Sendable, CustomTestStringConvertible {
  let backend: BackendUnderTest
  let precision: Precision
  let tolerance: Double

  /// Where a layer stands that only a test has.
  var site: Site { Site(ModulePath("layer"), precision: precision) }

  var testDescription: String { "\(backend.name) \(precision.rawValue)" }

  /// Every backend in every precision that it has.
  static let all = BackendUnderTest.all.flatMap { backend in
    Precision.allCases.compactMap { precision in
      backend.tolerances[precision].map {
        Setting(backend: backend, precision: precision, tolerance: $0)
      }
    }
  }
}

/// Numbers in −1 ..< 1 that depend on `seed` and place alone.
func noise(_ shape: Shape, seed: UInt64, times scale: Float = 1, plus shift: Float = 0) -> Tensor {
  let hash = CounterHash(seed: seed, name: "noise")
  return Tensor(shape) { out in
    for index in out.indices { out[index] = (Float(hash[index] >> 40) / Float(1 << 23) - 1) * scale + shift }
  }
}

/// Expects a shape, numbers throughout, and elements as near to the expected ones as the tolerance says.
func expectClose(
  _ found: Tensor, _ shape: Shape, _ expected: [Expected], within tolerance: Double,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(found.shape == shape, sourceLocation: sourceLocation)
  guard found.shape == shape else { return }
  found.withElements { found in
    let isFinite = found.allSatisfy { $0.isFinite }
    #expect(isFinite, "a NaN or an infinity", sourceLocation: sourceLocation)
    var worst = (ratio: 0.0, index: 0, value: 0.0)
    for element in expected {
      let error = abs(Double(found[element.index]) - element.value)
      // Not `>`: a NaN is no small error.
      let ratio = error == 0 ? 0 : error / element.scale
      if !(ratio <= worst.ratio) { worst = (ratio.isNaN ? .infinity : ratio, element.index, element.value) }
    }
    #expect(
      worst.ratio <= tolerance,
      "element \(worst.index): expected \(worst.value), found \(found.isEmpty ? 0 : found[worst.index])",
      sourceLocation: sourceLocation)
  }
}
