// Views, and tensors that let go of what is larger than they.
import Tensors
import Testing

private let cube = Tensor([2, 3, 4], (0..<24).map(Float.init))

@Suite struct TensorViewTests {
  @Test func axesInAnotherOrder() {
    let view = cube.permutedView(2, 0, 1)
    #expect(view.shape == [4, 2, 3] && view.strides == [1, 12, 4] && !view.isContiguous)
    // numpy: np.arange(24).reshape(2, 3, 4).transpose(2, 0, 1).ravel()
    #expect(
      view.contiguous().elements == [
        0, 4, 8, 12, 16, 20, 1, 5, 9, 13, 17, 21, 2, 6, 10, 14, 18, 22, 3, 7, 11, 15, 19, 23,
      ])
    #expect(view.permutedView(1, 2, 0).isContiguous)
    #expect(view.permutedView(1, 2, 0).elements == cube.elements)
  }

  @Test func partsOfAnyAxis() {
    let part = cube.slicedView(axis: -1, 1..<3)
    #expect(part.shape == [2, 3, 2] && part.strides == [12, 4, 1] && !part.isContiguous)
    #expect(part.elements == [1, 2, 5, 6, 9, 10, 13, 14, 17, 18, 21, 22])
    #expect(part[1].elements == [13, 14, 17, 18, 21, 22])
    #expect(part[1][2].isContiguous && part[1][2].elements == [21, 22])
    #expect(part[1..<2].elements == [13, 14, 17, 18, 21, 22])
    #expect(part.permutedView(2, 1, 0)[1].contiguous().elements == [2, 14, 6, 18, 10, 22])
    #expect(cube.slicedView(axis: 0, 1..<2).isContiguous)
  }

  @Test func viewsOfOtherTypes() {
    let bytes = Tensor([2, 3], of: .int8, [1, 2, 3, 4, 5, 6] as [Int8]).permutedView(1, 0)
    #expect(bytes.contiguous().withElements(of: Int8.self) { Array($0) } == [1, 4, 2, 5, 3, 6])
    #expect(bytes.converted(to: .float32).elements == [1, 4, 2, 5, 3, 6])
    let wide = Tensor([2, 2], of: .float64, [1, 2, 3, 4] as [Double]).permutedView(1, 0).contiguous()
    #expect(wide.withElements(of: Double.self) { Array($0) } == [1, 3, 2, 4])
    let pairs: [UInt8] = (0..<64).map { UInt8($0) }
    let complex = pairs.withUnsafeBytes { Tensor([2, 2], of: .complex128, copying: $0) }
    #expect(complex.permutedView(1, 0).contiguous().withBytes { Array($0[16..<32]) } == Array(pairs[32..<48]))
  }

  @Test func axesOfOneEntryKeepAViewContiguous() {
    let row = Tensor([1, 4], [1, 2, 3, 4])
    #expect(row.permutedView(1, 0).isContiguous)
    #expect(row.permutedView(1, 0).elements == [1, 2, 3, 4])
    #expect(Tensor([2, 0, 3], []).permutedView(2, 1, 0).contiguous().elements.isEmpty)
  }

  @Test func aViewSharesMemoryAndIsLeftWhenTheOriginalIsWritten() {
    var original = Tensor([2, 2], [1, 2, 3, 4])
    let view = original.permutedView(1, 0)
    original.withMutableElements { $0[1] = 9 }
    #expect(view.elements == [1, 3, 2, 4])
    #expect(original.elements == [1, 9, 3, 4])
  }

  /// Whoever keeps it keeps no more than its own memory.
  @Test func compactingLetsGoOfWhatIsLarger() {
    final class Owner: Sendable {
      nonisolated(unsafe) let memory: UnsafeMutablePointer<Float>
      init() {
        memory = .allocate(capacity: 4)
        memory.initialize(repeating: 7, count: 4)
      }
      deinit { memory.deallocate() }
    }
    weak var borrowed: Owner?
    var kept: Tensor?
    do {
      let owner = Owner()
      borrowed = owner
      let tensor = Tensor(borrowing: owner.memory, [2, 2], owner: owner)
      kept = tensor[1]
      #expect(borrowed != nil)
      kept = kept?.compacted()
    }
    #expect(borrowed == nil)
    #expect(kept?.elements == [7, 7])
  }

  @Test func whatIsCompactStaysWhereItIs() {
    // Smaller than what is kept for others, so that its memory is no larger than it.
    let large = Tensor(repeating: 1, [3, 1_000])
    let base = large.withBytes { $0.baseAddress }
    #expect(large.compacted().withBytes { $0.baseAddress } == base)
    let entry = large[0]
    #expect(entry.withBytes { $0.baseAddress } == base)
    #expect(entry.compacted().withBytes { $0.baseAddress } != base)
    #expect(entry.compacted().elements == entry.elements)
    #expect(cube.permutedView(2, 1, 0).compacted().isContiguous)
  }
}
