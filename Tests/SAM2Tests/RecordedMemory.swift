import Architecture
import Checkpoints
import Configurations
import Kernels
import OpenBLASBackend
import Taps
import Tensors
import TestSupport
import Traces
import Verification

@testable import SAM2

/// The memory modules of a very small model, with the calls that tools/fixtures/make_memory.py recorded of the official
/// ones.
struct RecordedMemory {
  let attention: MemoryAttention
  let encoder: MemoryEncoder
  private let reference: TraceReader

  /// - Parameter name: of the fixtures: `memory` or `memory_plain`.
  init(_ name: String) throws {
    reference = try TraceReader(path: TestFiles.fixture("\(name).h5"))
    let configuration = try ModelConfiguration(yaml: reference.provenance.configuration, origin: name)
    let weights = try Checkpoint.open(path: TestFiles.fixture("\(name).pt"))
    let loader = WeightLoader(source: weights, backend: try OpenBLASBackend(), plan: PrecisionPlan())
    let root = Scope(loader: loader)
    attention = try MemoryAttention(configuration.memoryAttention, root("memory_attention"))
    encoder = try MemoryEncoder(configuration.memoryEncoder, root("memory_encoder"))
    try loader.requireAllTaken()
  }

  /// What the official memory attention was given, tokens second.
  func attentionInput() throws -> MemoryAttention.Input {
    let memory = try argument("memory_attention", "memory").permuted(1, 0, 2)
    let curr = try argument("memory_attention", "curr/0").permuted(1, 0, 2)
    return MemoryAttention.Input(
      curr: curr, currPos: try argument("memory_attention", "curr_pos/0").permuted(1, 0, 2), memory: memory,
      memoryPos: try argument("memory_attention", "memory_pos").permuted(1, 0, 2),
      objPtrTokens: memory.shape[1] % curr.shape[1])
  }

  /// What the official memory encoder was given.
  func encoderInput() throws -> MemoryEncoder.Input {
    try .init(
      pixFeat: argument("memory_encoder", "pix_feat"), masks: argument("memory_encoder", "masks"))
  }

  /// Calls the modules as the recording did, recording them too, and compares.
  func compare(_ patterns: String...) throws -> Comparison {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/candidate.h5"
      let taps = Taps(writer: try TraceWriter(path: path, provenance: reference.provenance))
      _ = try attention(attentionInput(), Run(taps: taps))
      _ = try encoder(encoderInput(), Run(taps: taps))
      try taps.finish()
      return try Verdict(
        reference: reference, candidate: TraceReader(path: path), policy: .memories
      ) { id in patterns.contains { id.matches(TapPattern($0)) } }.comparison
    }
  }

  private func argument(_ module: String, _ name: String) throws -> Tensor {
    try reference.tensor(reference.tap("\(module)/0/input/\(name)"))
  }
}
