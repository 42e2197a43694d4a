import Files
public import Tensors

/// Writes tensors that are in memory as a safetensors file.
public enum SafetensorsOutput {
  /// Writes contiguous tensors, each as its own type, and words to `path`, which replaces what is there when it is whole.
  ///
  /// - Parameter durable: Wait until the file is on the disk before it replaces what is there.
  /// - Throws: `CheckpointError` where the file can't be written.
  public static func write(
    _ tensors: [String: Tensor], metadata: [String: String] = [:], to path: String, durable: Bool = false
  ) throws(CheckpointError) {
    let sorted = tensors.sorted { $0.key < $1.key }
    let entries = sorted.map { name, tensor in
      Checkpoint.Entry(
        name: name, elementType: tensor.elementType, shape: tensor.shape, byteCount: tensor.byteCount,
        isContiguous: true)
    }
    let layout: SafetensorsLayout
    do { layout = try SafetensorsLayout(entries, metadata: metadata) } catch {
      throw .safetensors(path: path, error)
    }
    do {
      let output = try OutputFile(path: path, durable: durable)
      try output.write(layout.header)
      for index in layout.order {
        let result = sorted[index].value.withBytes { bytes in
          Result { () throws(FileError) in try output.write(bytes) }
        }
        try result.get()
      }
      try output.commit()
    } catch { throw .file(error) }
  }
}

/// Where each tensor will stand in a safetensors file, and the header that says so: by descending element size,
/// then name, so that every tensor is aligned to its elements and the buffer to 64 bytes.
/// Source: the safetensors format description, README.md of github.com/huggingface/safetensors.
struct SafetensorsLayout {
  /// The entries' numbers in the order of the buffer.
  let order: [Int]
  /// Length, JSON and padding: all that comes before the buffer.
  let header: [UInt8]

  private static let alignment = 64

  init(_ entries: [Checkpoint.Entry], metadata: [String: String]) throws(SafetensorsError) {
    order = entries.indices.sorted { left, right in
      let (a, b) = (entries[left], entries[right])
      guard a.elementType.byteCount == b.elementType.byteCount else {
        return a.elementType.byteCount > b.elementType.byteCount
      }
      return a.name.utf8.lexicographicallyPrecedes(b.name.utf8)
    }
    var members: [String] = []
    if !metadata.isEmpty {
      let pairs = metadata.sorted { $0.key < $1.key }.map { "\(quoted($0.key)):\(quoted($0.value))" }
      members.append("\"__metadata__\":{\(pairs.joined(separator: ","))}")
    }
    var offset = 0
    for index in order {
      let entry = entries[index]
      guard let type = Self.names[entry.elementType] else {
        throw .elementType(tensor: entry.name, found: entry.elementType.rawValue)
      }
      guard entry.name != "__metadata__" else { throw .duplicate(entry.name) }
      let extents = entry.shape.extents.map(String.init).joined(separator: ",")
      let range = "\(offset),\(offset + entry.byteCount)"
      members.append(
        "\(quoted(entry.name)):{\"dtype\":\"\(type)\",\"shape\":[\(extents)],\"data_offsets\":[\(range)]}")
      offset += entry.byteCount
    }
    var json = Array("{\(members.joined(separator: ","))}".utf8)
    let end = 8 + json.count
    json += [UInt8](repeating: 0x20, count: (Self.alignment - end % Self.alignment) % Self.alignment)
    header = withUnsafeBytes(of: UInt64(json.count).littleEndian) { Array($0) } + json
  }

  private static let names = Dictionary(
    uniqueKeysWithValues: SafetensorsHeader.elementTypes.map { ($0.value, $0.key) })
}

/// A JSON string.
private func quoted(_ text: String) -> String {
  var quoted = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"", "\\": quoted += "\\\(scalar)"
    case _ where scalar.value < 0x20:
      let digits = String(scalar.value, radix: 16)
      quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    default: quoted.unicodeScalars.append(scalar)
    }
  }
  return quoted + "\""
}
