// How many addresses a limit (`ulimit -v`) leaves: libraries of C crash where there are none, or ask for them for ever.
import Foundation

/// The addresses that this process may still take.
package enum AddressSpace {
  /// What a model and the library that computes it take at least, in bytes, beside the library's own buffers.
  package static let least = 192 << 20

  /// How many bytes are left; nil where there is no limit, or nobody says.
  private static var left: Int? {
    guard let limit = number(of: "Max address space", in: "/proc/self/limits"),
      let taken = number(of: "VmSize:", in: "/proc/self/status")
    else { return nil }
    return max(0, limit - taken << 10)
  }

  /// How many bytes are left where those are fewer than so many; nil where there is room.
  package static func shortage(of needed: Int) -> Int? { left.flatMap { $0 < needed ? $0 : nil } }

  /// The first number behind a name at the start of a line of a file; nil where there is none.
  private static func number(of name: String, in path: String) -> Int? {
    let lines = (try? String(contentsOfFile: path, encoding: .utf8))?.split(separator: "\n") ?? []
    let words = lines.first { $0.hasPrefix(name) }?.dropFirst(name.count).split(whereSeparator: \.isWhitespace)
    return words?.first.flatMap { Int($0) }
  }
}
