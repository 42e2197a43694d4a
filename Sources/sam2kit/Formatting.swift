import Foundation

extension BinaryFloatingPoint {
  /// With that many decimals.
  func rounded(_ decimals: Int) -> String { String(format: "%.\(decimals)f", Double(self)) }
}

extension Int {
  /// In decimal units, as file managers show bytes.
  var bytes: String {
    switch self {
    case ..<1_000: "\(self) B"
    case ..<1_000_000: "\((Double(self) / 1e3).rounded(1)) kB"
    case ..<1_000_000_000: "\((Double(self) / 1e6).rounded(1)) MB"
    default: "\((Double(self) / 1e9).rounded(2)) GB"
    }
  }
}
