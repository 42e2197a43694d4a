import Foundation

extension BinaryFloatingPoint {
  /// With that many decimals.
  func rounded(_ decimals: Int) -> String { String(format: "%.\(decimals)f", Double(self)) }

  /// With five significant digits.
  var significant: String { String(format: "%.5g", Double(self)) }
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

  /// With commas between thousands.
  var grouped: String {
    String(
      String(self).reversed().enumerated().flatMap { $0 > 0 && $0 % 3 == 0 ? [",", $1] : [$1] }.reversed())
  }
}

/// Columns of text.
enum TextTable {
  /// Rows with their cells padded to the widest of each column, the first two columns to the left.
  static func aligned(_ rows: [[String]]) -> [String] {
    let columns = rows.map(\.count).max() ?? 0
    let widths = (0..<columns).map { column in rows.map { $0.count > column ? $0[column].count : 0 }.max() ?? 0
    }
    return rows.map { row in
      let cells = row.enumerated().map { column, cell in
        let padding = String(repeating: " ", count: widths[column] - cell.count)
        return column < 2 ? cell + padding : padding + cell
      }
      return cells.joined(separator: "  ")
    }
  }
}
