import ArgumentParser
import Kernels
import OpenBLASBackend

/// What computes, and in which element type.
struct BackendOptions: ParsableArguments {
  @Option(name: .long, help: "What computes the heavy operations.")
  var backend = BackendName.openblas

  @Option(name: .long, help: "The element type of the arithmetic.")
  var precision = PrecisionName.float32
}

/// The backends that there are, by the names that traces have for them.
enum BackendName: String, CaseIterable, ExpressibleByArgument {
  case openblas

  /// A backend that computes in an element type.
  func backend(_ precision: PrecisionName) throws -> any Backend {
    switch (self, precision) {
    case (.openblas, .float32): try OpenBLASBackend()
    }
  }
}

/// The element types that backends compute in, by the names that traces have for them.
enum PrecisionName: String, CaseIterable, ExpressibleByArgument {
  case float32
}
