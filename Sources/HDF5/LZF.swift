/// LZF, a fast compression that h5py has built in: runs of bytes as they are, and copies of what was written before.
/// Source: liblzf's format description, in the comments of lzf_d.c.
enum LZF {
  /// What one instruction says.
  private enum Instruction {
    case literal(Range<Int>)
    case copy(distance: Int, count: Int)
  }

  /// The next instruction, or nil where it is cut short.
  private static func next(_ bytes: UnsafeRawBufferPointer, at offset: inout Int) -> Instruction? {
    let control = Int(bytes[offset])
    if control < 32 {
      let start = offset + 1
      offset = start + control + 1
      return offset <= bytes.count ? .literal(start..<offset) : nil
    }
    var count = control >> 5 + 2
    if control >> 5 == 7 {
      guard offset + 1 < bytes.count else { return nil }
      count += Int(bytes[offset + 1])
      offset += 1
    }
    guard offset + 1 < bytes.count else { return nil }
    defer { offset += 2 }
    return .copy(distance: (control & 31) << 8 + Int(bytes[offset + 1]) + 1, count: count)
  }

  /// How many bytes there will be, or nil where the compressed ones are broken: at most 88 for each of these.
  static func count(_ bytes: UnsafeRawBufferPointer) -> Int? {
    var (offset, written) = (0, 0)
    while offset < bytes.count {
      switch next(bytes, at: &offset) {
      case .literal(let range): written += range.count
      case .copy(let distance, let count):
        guard distance <= written else { return nil }
        written += count
      case nil: return nil
      }
    }
    return written
  }

  /// Fills `target`, which has `count(bytes)` bytes.
  static func decompress(_ bytes: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer) {
    var (offset, written) = (0, 0)
    while offset < bytes.count, let instruction = next(bytes, at: &offset) {
      switch instruction {
      case .literal(let range):
        UnsafeMutableRawBufferPointer(rebasing: target[written..<written + range.count])
          .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[range]))
        written += range.count
      case .copy(let distance, let count):
        // One at a time: a copy may reach into what it writes.
        for index in written..<written + count { target[index] = target[index - distance] }
        written += count
      }
    }
  }
}
