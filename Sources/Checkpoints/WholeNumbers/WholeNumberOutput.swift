public import Tensors

/// Writes weights of whole numbers, beside tensors as they are.
public enum WholeNumberOutput {
  /// What a tensor is to be written as.
  public enum Content: Sendable {
    /// As it is.
    case plain(Tensor)
    /// As whole numbers and their scales.
    case whole(StoredWeight)

    /// Bytes that it takes.
    public var byteCount: Int {
      switch self {
      case .plain(let tensor): tensor.byteCount
      case .whole(.perChannel(let weight)): weight.values.count + 4 * weight.scales.count
      case .whole(.grouped(let weight)):
        weight.form == .fourBits
          ? weight.values.count / 2 + 4 * weight.scales.count : weight.values.count + 2 * weight.scales.count
      }
    }
  }

  /// The formats that hold whole numbers.
  public static let formats: [Checkpoint.Format] = [.safetensors, .gguf]

  /// Writes tensors to `path`, which replaces what is there when it is whole.
  ///
  /// - Parameters:
  ///   - tensors: by their official names; for GGUF whole numbers in groups of 8 bits, for safetensors all others.
  ///   - format: one of `formats`.
  ///   - durable: Wait until the file is on the disk before it replaces what is there.
  /// - Throws: `CheckpointError` where the file can't be written.
  public static func write(
    _ tensors: [(name: String, content: Content)], metadata: [String: String], to path: String,
    as format: Checkpoint.Format, durable: Bool = false
  ) throws(CheckpointError) {
    guard format == .gguf else {
      var parts: [String: Tensor] = [:]
      for (name, content) in tensors {
        switch content {
        case .plain(let tensor): parts[name] = tensor
        case .whole(.perChannel(let weight)):
          parts[name] = Tensor(weight.shape, of: .int8, weight.values)
          parts["\(name).scale"] = Tensor([weight.scales.count], weight.scales)
        case .whole(.grouped(let weight)):
          let (shape, scales) = (weight.shape, weight.shape[1] / GroupedWeight.groupSize)
          precondition(weight.form == .fourBits, "\(name): groups of 8 bits are GGUF's")
          parts[name] = Tensor(
            Shape([shape[0], shape[1] / 2] + shape.extents.dropFirst(2)), of: .uint8, weight.pairs)
          parts["\(name).scale"] = Tensor([shape[0], scales], weight.scales)
        }
      }
      return try SafetensorsOutput.write(parts, metadata: metadata, to: path, durable: durable)
    }
    try GGUFOutput.write(tensors, metadata: metadata, to: path, durable: durable)
  }
}

extension GroupedWeight {
  /// Two numbers of 4 bits in each byte, the earlier one in the lower bits, 8 added to both.
  fileprivate var pairs: [UInt8] {
    stride(from: 0, to: values.count, by: 2).map {
      UInt8(values[$0] + 8) | UInt8(values[$0 + 1] + 8) << 4
    }
  }
}
