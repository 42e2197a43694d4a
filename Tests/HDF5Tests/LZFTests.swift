import CHDF5Server
import Foundation
import HDF5
import Tensors
import Testing
import TestSupport

/// Streams by hand, after liblzf's description.
@Suite struct LZFTests {
  private func decompressed(_ bytes: [UInt8]) -> [UInt8]? {
    let count = Int(chdf5server_lzf_count(bytes, bytes.count))
    guard count >= 0 else { return nil }
    var result = [UInt8](repeating: 0, count: count)
    chdf5server_lzf_decompress(bytes, bytes.count, &result)
    return result
  }

  @Test func copiesRuns() {
    #expect(decompressed([2, 1, 2, 3]) == [1, 2, 3])
    #expect(decompressed([]) == [])
    #expect(decompressed([31] + [UInt8](0..<32)) == [UInt8](0..<32))
  }

  @Test func repeatsWhatWasWritten() {
    // 1 2 3, then 3 bytes from 3 back; then 5 from 1 back, which reach into themselves.
    #expect(decompressed([2, 1, 2, 3, 0x20, 2]) == [1, 2, 3, 1, 2, 3])
    #expect(decompressed([2, 1, 2, 3, 0x60, 0]) == [1, 2, 3, 3, 3, 3, 3, 3])
    // 7 + 10 + 2 bytes from 1 back.
    #expect(decompressed([0, 9, 0xe0, 10, 0]) == [UInt8](repeating: 9, count: 20))
    // 3 bytes from 257 back, of 288 that count 0 to 8 in runs of 32: the distance's upper bits stand in the first byte.
    var long: [UInt8] = []
    for start in 0..<9 { long += [31] + [UInt8](repeating: UInt8(start), count: 32) }
    #expect(decompressed(long + [0x21, 0])?.suffix(3) == [0, 1, 1])
  }

  @Test func refusesWhatIsBroken() {
    // Cut in a run, behind a copy's first byte, before a long count; a copy from before the beginning.
    for bytes: [UInt8] in [
      [2, 1, 2], [0, 1, 0x20], [0, 1, 0xe0, 1], [0, 1, 0xe0], [0x20, 0], [0, 1, 0x20, 1],
    ] {
      #expect(decompressed(bytes) == nil, "\(bytes)")
    }
  }

  /// Whatever the bytes: as many as were counted, or none.
  @Test func survivesAnyBytes() {
    var state = UInt64(1)
    for _ in 0..<20_000 {
      var bytes: [UInt8] = []
      for _ in 0..<Int(state >> 40) % 24 + 1 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        bytes.append(UInt8(truncatingIfNeeded: state >> 33) & (state >> 50 & 1 == 0 ? 0x3f : 0xff))
      }
      guard let result = decompressed(bytes) else { continue }
      #expect(result.count <= 88 * bytes.count + 32)
    }
  }

  /// A chunk of 96 bytes that is changed into three runs of 92 together: the library would read what lies behind them.
  /// Written with h5py by tools/fixtures/make_brought.py.
  @Test func aChunkThatIsTooSmallIsRefused() throws {
    var file = try Data(
      contentsOf: URL(fileURLWithPath: TestFiles.package("Tests/CheckpointsTests/Fixtures/brought/lzf.h5")))
    let chunk = 3845..<3940
    try #require(decompressed(Array(file[chunk]))?.count == 96)
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/x.h5"
      try file.write(to: URL(fileURLWithPath: path))
      let name = "image_encoder/trunk/pos_embed"
      #expect(try HDF5File.open(path).root().dataset(name).tensor().count == 24)
      file.replaceSubrange(
        chunk, with: [32, 32, 28].flatMap { [UInt8($0 - 1)] + [UInt8](repeating: 0, count: $0) })
      try file.write(to: URL(fileURLWithPath: path))
      #expect(throws: HDF5Error.self) { try HDF5File.open(path).root().dataset(name).tensor() }
    }
  }
}
