import Checkpoints
import Tensors

/// Tensors of any file that weights come in too: safetensors, what `torch.save` wrote of a dictionary, GGUF.
struct CheckpointDump: DumpContents {
  let arrays: [DumpedArray]
  private let checkpoint: Checkpoint

  init(path: String) throws(CheckpointError) {
    let checkpoint = try Checkpoint.open(path: path)
    self.checkpoint = checkpoint
    arrays = checkpoint.entries.map {
      DumpedArray(name: $0.name, shape: $0.shape, type: .numbers($0.elementType))
    }
  }

  func bytes(at index: Int) throws -> TensorBytes { try checkpoint.bytes(of: arrays[index].name) }
}
