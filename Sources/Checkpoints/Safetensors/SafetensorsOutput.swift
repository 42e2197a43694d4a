import Files
public import Tensors

/// Writes tensors that are in memory as a safetensors file.
public enum SafetensorsOutput {
  /// Writes Float32 tensors and words to `path`, which replaces what is there when it is whole.
  ///
  /// - Parameter durable: Wait until the file is on the disk before it replaces what is there.
  /// - Throws: `CheckpointError` where the file can't be written.
  public static func write(
    _ tensors: [String: Tensor], metadata: [String: String] = [:], to path: String, durable: Bool = false
  ) throws(CheckpointError) {
    let sorted = tensors.sorted { $0.key < $1.key }
    let entries = sorted.map { name, tensor in
      Checkpoint.Entry(
        name: name, elementType: .float32, shape: tensor.shape,
        byteCount: tensor.count * MemoryLayout<Float>.stride, isContiguous: true)
    }
    let layout: SafetensorsLayout
    do { layout = try SafetensorsLayout(entries, metadata: metadata) } catch {
      throw .safetensors(path: path, error)
    }
    do {
      let output = try OutputFile(path: path, durable: durable)
      try output.write(layout.header)
      for index in layout.order {
        let result = sorted[index].value.withElements { elements in
          Result { () throws(FileError) in try output.write(UnsafeRawBufferPointer(elements)) }
        }
        try result.get()
      }
      try output.commit()
    } catch { throw .file(error) }
  }
}
