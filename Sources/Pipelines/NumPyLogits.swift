// Low-resolution logits as NumPy's files, out and in again, as the official predictor hands them out and takes them.
// Source: NumPy's format description, numpy/lib/format.py, version 1.0.

import Files
import Foundation
import Prompts
import Tensors

/// An array of logits: `[h, w]` or `[n, h, w]`, in Float32.
struct NumPyLogits {
  private let path: String
  /// `[n, h, w]`.
  private let logits: Tensor

  /// Reads a `.npy` file of Float32.
  ///
  /// - Throws: `FileError`, `PromptError` for any other array.
  init(path: String) throws {
    self.path = path
    let bytes = try MappedFile.contents(of: path)
    func problem(_ found: String) -> PromptError {
      PromptError(
        place: path,
        problem:
          "expected logits as --logits writes them, a .npy of float32 in rows of 2 or 3 axes, found \(found)")
    }
    guard bytes.count > 10, bytes.starts(with: [0x93] + Array("NUMPY".utf8)) else {
      throw problem("no .npy file")
    }
    let start = bytes[6] == 1 ? 10 : 12
    let length = (8..<start).reversed().reduce(0) { $0 << 8 | Int(bytes[$1]) }
    guard start + length <= bytes.count else { throw problem("one that is cut off") }
    let header = String(decoding: bytes[start..<start + length], as: UTF8.self)
    guard header.contains("'<f4'"), header.contains("False") else {
      throw problem("another type, \(header.prefix(80))")
    }
    let extents =
      header.split(separator: "(").last?.split(separator: ")").first?.split(separator: ",")
      .compactMap { Int($0.trimmingCharacters(in: .whitespaces)) } ?? []
    let count = extents.reduce(1) { $0.multipliedReportingOverflow(by: $1).partialValue }
    guard (2...4).contains(extents.count), extents.allSatisfy({ $0 > 0 }),
      count == (bytes.count - start - length) / 4,
      extents.count < 4 || extents[1] == 1
    else { throw problem("the shape \(extents)") }
    let floats = stride(from: start + length, to: bytes.count - 3, by: 4).map { place in
      Float(bitPattern: (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[place + $1]) << UInt32(8 * $1) })
    }
    guard floats.allSatisfy(\.isFinite) else { throw problem("NaN or infinities") }
    let (height, width) = (extents[extents.count - 2], extents[extents.count - 1])
    logits = Tensor([count / (height * width), height, width], floats)
  }

  /// How many objects there are.
  var count: Int { logits.shape[0] }

  /// The logits in an object's place, counted from 1; of a single one whatever the object. `[1, h, w]`.
  ///
  /// - Parameter chosen: The place that was asked for; nil for the object's own.
  /// - Throws: `PromptError` where there is no such place.
  func logits(of object: Int, chosen: Int?) throws(PromptError) -> Tensor {
    if count == 1, chosen == nil { return logits }
    let place = chosen ?? object
    guard (1...count).contains(place) else {
      throw PromptError(
        place: path,
        problem: "expected logits of object \(place), found those of \(count); FILE.npy#N takes the N-th")
    }
    return logits[place - 1..<place]
  }

  /// Writes logits of every object, `[n, h, w]`.
  ///
  /// - Throws: `FileError`.
  static func write(_ logits: Tensor, to path: String) throws {
    let shape = logits.shape.extents.map(String.init).joined(separator: ", ")
    var header = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(shape)), }"
    // The data begin at a multiple of 64 bytes.
    header += String(repeating: " ", count: (64 - (10 + header.utf8.count + 1) % 64) % 64) + "\n"
    let file = try OutputFile(path: path)
    try file.write(
      [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.utf8.count & 0xFF), UInt8(header.utf8.count >> 8)])
    try file.write(header.utf8)
    try file.write(
      logits.elements.flatMap { value in
        (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> UInt32(8 * $0)) }
      })
    try file.commit()
  }
}
