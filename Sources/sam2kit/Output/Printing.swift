// Results on stdout, and whether they arrived.

import ArgumentParser
import Files
import Foundation
import Synchronization

/// Prints results: paths in them come out as the bytes that they are, whatever their encoding.
func print(_ text: some CustomStringConvertible) { StandardOutput.write("\(text)\n".fileName) }

/// What takes results.
enum StandardOutput {
  /// What kept results from being taken: then none are written any more.
  private static let failure = Mutex<Int32?>(nil)

  static func write(_ bytes: [UInt8]) {
    failure.withLock { failure in
      bytes.withUnsafeBytes { bytes in
        var rest = bytes[...]
        while failure == nil, !rest.isEmpty {
          let part = UnsafeRawBufferPointer(rebasing: rest)
          let written = Foundation.write(STDOUT_FILENO, part.baseAddress, part.count)
          if written >= 0 { rest = rest.dropFirst(written) } else if errno != EINTR { failure = errno }
        }
      }
    }
  }

  /// Sees that results arrived.
  ///
  /// - Throws: `FileError.unwritable`; `ExitCode`, silently, where nobody reads any more.
  static func check() throws {
    guard let failure = failure.withLock({ $0 }) else { return }
    // As a shell reports a program that the signal ended, which it does unless somebody told it not to.
    if failure == EPIPE { throw ExitCode(128 + SIGPIPE) }
    throw FileError.unwritable(path: "stdout", reason: String(cString: strerror(failure)))
  }
}
