// What is held back from the system, and what serves whom.
import Foundation
import Testing

@testable import Tensors

#if canImport(Glibc)
  import Glibc

  /// How many bytes of addresses this process has, by the kernel.
  private func mappedBytes() -> Int {
    let words = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " ")
    return (words?.first).flatMap { Int($0) }.map { $0 * Int(sysconf(Int32(_SC_PAGESIZE))) } ?? 0
  }
#endif

@Suite struct StoragePoolTests {
  @Test func sizesAreRoundedUpToAGrain() {
    let sizes = [0, 1, 64, 65, 65535, 65536, 65537, 131072, 1 << 30]
    let expected = [64, 64, 64, 128, 65536, 65536, 131072, 131072, 1 << 30]
    #expect(sizes.map(StoragePool.blockBytes) == expected)
  }

  /// What is kept for long takes no more than it needs.
  @Test func compactedTensorsFillTheirBlocks() {
    for count in [1, 16, 17, 20_000, 100_000] {
      let whole = Tensor(repeating: 1, [2, count])
      let part = whole[0].compacted()
      #expect(part.elements == [Float](repeating: 1, count: count))
      #expect(part.compacted().withBytes { $0.baseAddress } == part.withBytes { $0.baseAddress })
    }
  }

  #if canImport(Glibc)
    /// Five blocks of 300 MiB, none of whose pages is touched: at most 1 GiB stays, which is three of them.
    @Test func noMoreThanTheLimitIsHeldBack() async {
      await #expect(processExitsWith: .success) {
        let (size, before) = (300 << 20, mappedBytes())
        guard before > 0 else { exit(0) }
        do {
          let blocks = (0..<5).map { _ in TensorStorage(byteCount: size) }
          guard mappedBytes() - before >= 5 * size else { exit(3) }
          withExtendedLifetime(blocks) {}
        }
        let kept = mappedBytes() - before
        guard kept >= 3 * size, kept < 4 * size else { exit(4) }
        // What is there serves again, in no more memory.
        let again = (0..<3).map { _ in TensorStorage(byteCount: size) }
        guard mappedBytes() - before - kept < size / 2 else { exit(5) }
        withExtendedLifetime(again) {}
      }
    }

    @Test func anotherLimitIsKept() async {
      await #expect(processExitsWith: .success) {
        let (size, before) = (300 << 20, mappedBytes())
        guard before > 0 else { exit(0) }
        StoragePool.limit(bytes: 2 * size)
        do {
          let blocks = (0..<4).map { _ in TensorStorage(byteCount: size) }
          withExtendedLifetime(blocks) {}
        }
        let kept = mappedBytes() - before
        // As much as the limit itself stays.
        guard kept >= 2 * size, kept < 3 * size else { exit(4) }
        StoragePool.limit(bytes: 0)
        withExtendedLifetime(TensorStorage(byteCount: size)) {}
        guard mappedBytes() - before < size else { exit(5) }
      }
    }

    /// A block serves what fills half of it, and nothing smaller; of several the smallest.
    @Test func aBlockServesWhatFillsHalfOfIt() async {
      await #expect(processExitsWith: .success) {
        let grain = 1 << 16
        func address(_ storage: TensorStorage) -> UnsafeMutableRawPointer { storage.base }
        var large: TensorStorage? = TensorStorage(byteCount: 100 * grain)
        let place = large.map(address)
        large = nil
        // 49 of 100 is less than half: a block of its own, so that the large one stays idle.
        let small = TensorStorage(byteCount: 49 * grain)
        guard address(small) != place else { exit(3) }
        let half = TensorStorage(byteCount: 50 * grain)
        guard address(half) == place, !half.isJust(50 * grain) else { exit(4) }
        // Exactly means no block that is larger.
        var other: TensorStorage? = TensorStorage(byteCount: 300 * grain)
        let there = other.map(address)
        other = nil
        let exact = TensorStorage(byteCount: 299 * grain, exactly: true)
        guard address(exact) != there, exact.isJust(299 * grain) else { exit(5) }
        let same = TensorStorage(byteCount: 300 * grain, exactly: true)
        guard address(same) == there else { exit(6) }
      }
    }
  #endif
}
