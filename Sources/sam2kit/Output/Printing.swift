// Results on stdout, and whether they arrived.

import ArgumentParser
import Files
import Foundation
import Synchronization

/// Prints a line of results. Paths come out as the bytes that they are, whatever their encoding, but for what would end the
/// line or be acted on by a terminal.
func print(_ line: some CustomStringConvertible) { StandardOutput.write("\("\(line)".shown())\n".fileName) }

/// Prints lines of results.
func print(_ lines: [String]) { StandardOutput.write(lines.map { $0.shown() + "\n" }.joined().fileName) }

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

  /// Writes lines that hold nothing that can't be shown, but for the program's own colours.
  static func write(shown lines: String) { write("\(lines)\n".fileName) }

  /// Writes JSON and ends its line. What has no shape, and what stands for a name's bytes, is written as JSON's escapes: values
  /// stay exact, the text is UTF-8, and a terminal acts on none of it.
  static func write(json: some Sequence<UInt8>) {
    let text = String(decoding: Array(json), as: UTF8.self)
    if text.utf8.allSatisfy({ 0x20..<0x7F ~= $0 || $0 == 0x0A }) { return write(Array(text.utf8) + [0x0A]) }
    var written: [UInt8] = []
    written.reserveCapacity(text.utf8.count + 1)
    for scalar in text.unicodeScalars {
      if scalar == "\n" || scalar.isShown && scalar.properties.generalCategory != .privateUse {
        written += String(scalar).utf8
      } else {
        for unit in String(scalar).utf16 { written += "\\u\("000\(String(unit, radix: 16))".suffix(4))".utf8 }
      }
    }
    write(written + [0x0A])
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
