import Files
public import Tensors

/// Writes tensors that are in memory as a safetensors file.
public enum SafetensorsOutput {
  /// Writes contiguous tensors, each as its own type, and words to `path`, which replaces what is there when it is whole.
  ///
  /// - Throws: `CheckpointError` where the file can't be written.
  public static func write(
    _ tensors: [String: Tensor], metadata: [String: String] = [:], to path: String
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
      let output = try OutputFile(path: path)
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
