// What a run offers and what is kept of it.
import Tensors
import Testing
import TestSupport

import Taps
@testable import Traces

private let one = Tensor([1], [1])

@Test func recordsEveryCallWithoutPatterns() throws {
  try TestFiles.withTemporaryFolder { folder in
    let taps = Taps(writer: try TraceWriter(path: folder + "/x.h5", provenance: sample))
    taps.record(path: ModulePath("b"), inputs: [("x", one)], output: one)
    taps.record(path: ModulePath("a"), inputs: [], output: one)
    taps.record(path: ModulePath("b"), inputs: [], output: one)
    try taps.finish()
    let names = try TraceReader(path: folder + "/x.h5").taps.map(\.name)
    #expect(names == ["b/0/input/x", "b/0/output", "a/0/output", "b/1/output"])
  }
}

@Test func recordsOnlyWhatFitsAPattern() throws {
  try TestFiles.withTemporaryFolder { folder in
    let taps = Taps(
      writer: try TraceWriter(path: folder + "/x.h5", provenance: sample),
      patterns: ["*.attn", "neck", "blokcs.*"])
    for path in ["trunk.blocks.0.attn", "trunk.blocks.0", "neck.convs", "neck", "trunk.blocks.0.attn"] {
      taps.record(path: ModulePath(path), inputs: [], output: one)
    }
    #expect(taps.unmatchedPatterns == ["blokcs.*"])
    try taps.finish()
    let names = try TraceReader(path: folder + "/x.h5").taps.map(\.name)
    #expect(names == ["trunk.blocks.0.attn/0/output", "neck/0/output", "trunk.blocks.0.attn/1/output"])
  }
}

@Test func finishThrowsWhatWentWrongWhileRecording() throws {
  try TestFiles.withTemporaryFolder { folder in
    let path = folder + "/x.h5"
    let taps = Taps(writer: try TraceWriter(path: path, provenance: sample))
    taps.record(path: ModulePath(), inputs: [], output: one)
    taps.record(path: ModulePath("fine"), inputs: [], output: one)
    #expect(throws: TraceError.badName(file: path, name: "")) { try taps.finish() }
  }
}

@Test func patternsMatchAsShellsDo() {
  #expect(TapPattern("*").matches("a.b/0/output"))
  #expect(TapPattern("*.attn.*").matches("trunk.blocks.3.attn.qkv"))
  #expect(TapPattern("blocks.[0-2].*").matches("blocks.2.norm"))
  #expect(!TapPattern("blocks.[0-2].*").matches("blocks.3.norm"))
  #expect(!TapPattern("blocks").matches("blocks.3"))
}
