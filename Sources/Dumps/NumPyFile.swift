import Files
package import Tensors

/// A single array of Float32 as a `.npy` file, read whole and written.
/// Source: NumPy Enhancement Proposal 1, version 1.0 of the format.
package enum NumPyFile {
  /// Reads an array of Float32 in C order; either byte order will do.
  ///
  /// - Throws: `FileError`, `NumPyError` for any other file or array.
  package static func tensor(path: String) throws -> Tensor {
    let file = try MappedFile(path: path)
    defer { withExtendedLifetime(file) {} }
    let header = try NumPyHeader(Array(file.bytes.prefix(NumPyHeader.longest)), fileCount: file.bytes.count)
    guard header.type == .numbers(.float32), !header.isFortranOrder || header.shape.rank < 2 else {
      throw NumPyError.elementType(found: "\(header.type)\(header.isFortranOrder ? " in Fortran order" : "")")
    }
    return Tensor(header.shape) { elements in
      for place in elements.indices {
        let bits = file.bytes.loadUnaligned(fromByteOffset: header.dataOffset + 4 * place, as: UInt32.self)
        elements[place] = Float(
          bitPattern: header.isBigEndian ? UInt32(bigEndian: bits) : UInt32(littleEndian: bits))
      }
    }
  }

  /// Writes an array.
  ///
  /// - Throws: `FileError`.
  package static func write(_ tensor: Tensor, to path: String) throws {
    let extents = tensor.shape.extents.map(String.init).joined(separator: ", ")
    let shape = tensor.shape.rank == 1 ? "(\(extents),)" : "(\(extents))"
    var text = "{'descr': '<f4', 'fortran_order': False, 'shape': \(shape), }"
    // The elements begin at a multiple of 64 bytes.
    text += String(repeating: " ", count: (64 - (10 + text.utf8.count + 1) % 64) % 64) + "\n"
    let file = try OutputFile(path: path)
    try file.write(
      NumPyHeader.magic + [1, 0, UInt8(text.utf8.count & 0xFF), UInt8(text.utf8.count >> 8)])
    try file.write(text.utf8)
    try file.write(
      tensor.elements.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } })
    try file.commit()
  }
}
