import Files
import Tensors

/// GGUF's Q8_0: 32 neighbours of a row as whole numbers of 8 bits behind their scale, a float16.
/// Source: ggml-common.h, block_q8_0, and ggml-quants.c, dequantize_row_q8_0, of github.com/ggml-org/ggml.
enum GGUFBlocks {
  /// The type's number.
  static let q8: UInt32 = 8
  /// Its name.
  static let name = "q8_0"

  private static let size = GroupedWeight.groupSize
  private static let scaleBytes = 2

  /// Bytes of so many numbers, which are whole blocks.
  static func byteCount(of count: Int) -> Int { count / size * (size + scaleBytes) }

  /// Whether a shape's rows are whole blocks.
  static func fits(_ shape: Shape) -> Bool { shape.rank >= 1 && shape[-1].isMultiple(of: size) }

  /// The numbers of a tensor's blocks.
  static func read(_ bytes: TensorBytes, _ shape: Shape, name: String) throws(GGUFError) -> GroupedWeight {
    let groups = shape.count / size
    var values: [Int8] = []
    values.reserveCapacity(shape.count)
    var halves: [UInt16] = []
    bytes.withBytes { bytes in
      for group in 0..<groups {
        let start = group * (size + scaleBytes)
        halves.append(UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: UInt16.self)))
        values += bytes[start + scaleBytes..<start + scaleBytes + size].map { Int8(bitPattern: $0) }
      }
    }
    let scales = Tensor([groups], of: .float16, halves).converted(to: .float32).elements
    // A block of zeros may have the scale 0.
    if let place = scales.firstIndex(where: { !($0 >= 0 && $0.isFinite) }) {
      throw .scale(tensor: name, block: place, found: "\(scales[place])")
    }
    return GroupedWeight(.eightBits, shape: shape, values: values, scales: scales)
  }

  /// A tensor's blocks.
  static func bytes(of weight: GroupedWeight) -> [UInt8] {
    let halves = Tensor([weight.scales.count], weight.scales).converted(to: .float16)
      .withElements(of: UInt16.self) { Array($0) }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(byteCount(of: weight.values.count))
    for (group, half) in halves.enumerated() {
      withUnsafeBytes(of: half.littleEndian) { bytes += $0 }
      bytes += weight.values[group * size..<(group + 1) * size].map { UInt8(bitPattern: $0) }
    }
    return bytes
  }
}

/// Writes tensors that are in memory as a GGUF file, some of them as blocks.
enum GGUFOutput {
  static func write(
    _ tensors: [(name: String, content: WholeNumberOutput.Content)], metadata: [String: String],
    to path: String, durable: Bool
  ) throws(CheckpointError) {
    let entries = tensors.map { name, content in
      switch content {
      case .plain(let tensor):
        Checkpoint.Entry(
          name: name, elementType: tensor.elementType, shape: tensor.shape, byteCount: tensor.byteCount,
          isContiguous: true)
      case .whole(let weight):
        Checkpoint.Entry(
          name: name, elementType: .float32, shape: weight.shape,
          byteCount: GGUFBlocks.byteCount(of: weight.shape.count), isContiguous: true,
          encoding: .init(name: GGUFBlocks.name, byteCount: GGUFBlocks.byteCount(of: weight.shape.count)))
      }
    }
    let layout = try naming(path, CheckpointError.gguf) { () throws(GGUFError) in
      try GGUFLayout(entries, metadata: metadata, keepsBlocks: true)
    }
    do {
      let output = try OutputFile(path: path, durable: durable)
      try output.write(layout.header)
      for (tensor, entry) in zip(tensors, entries) {
        switch tensor.content {
        case .plain(let tensor):
          try tensor.withBytes { bytes in Result { () throws(FileError) in try output.write(bytes) } }.get()
        case .whole(.grouped(let weight)) where weight.form == .eightBits:
          try output.write(GGUFBlocks.bytes(of: weight))
        case .whole: preconditionFailure("\(tensor.name): GGUF holds whole numbers in groups of 8 bits")
        }
        try output.write([UInt8](repeating: 0, count: GGUFLayout.padding(behind: entry.byteCount)))
      }
      try output.commit()
    } catch { throw .file(error) }
  }
}
