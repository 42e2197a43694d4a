// Whether there are addresses enough for OpenBLAS, which asks for them for ever where the system refuses.
// Source: OpenBLAS, driver/others/memory.c, blas_memory_alloc (one buffer for each thread that multiplies at a time, never
// given back); common_x86_64.h and common_arm64.h, BUFFER_SIZE.

import Foundation
import Kernels

/// The addresses that this process may still take.
enum AddressSpace {
  /// What one buffer takes at most.
  private static let buffer = 128 << 20
  /// The library itself, and what else a model takes at least.
  private static let rest = 192 << 20

  /// Sees that every thread can have its buffer.
  ///
  /// - Throws: `OpenBLASError.noRoom`.
  static func check() throws(OpenBLASError) {
    guard let left else { return }
    let needed = Parallelism.threads * buffer + rest
    guard left >= needed else { throw .noRoom(needed: needed, found: max(0, left)) }
  }

  /// How many bytes the limit leaves; nil where there is none, or nobody says.
  private static var left: Int? {
    guard let limit = number(of: "Max address space", in: "/proc/self/limits"),
      let taken = number(of: "VmSize:", in: "/proc/self/status")
    else { return nil }
    return limit - taken << 10
  }

  /// The first number of a line of a file that begins so; nil where there is none.
  private static func number(of name: String, in path: String) -> Int? {
    let lines = (try? String(contentsOfFile: path, encoding: .utf8))?.split(separator: "\n") ?? []
    return lines.first { $0.hasPrefix(name) }?.dropFirst(name.count).split(separator: " ").first.flatMap {
      Int($0)
    }
  }
}
