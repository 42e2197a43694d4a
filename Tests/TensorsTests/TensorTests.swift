import Tensors
import Testing

@Test func writingToACopyLeavesTheOriginal() {
  let original = Tensor([2, 2], [1, 2, 3, 4])
  var copy = original
  copy.withMutableElements { $0[0] = 9 }
  #expect(original.elements == [1, 2, 3, 4])
  #expect(copy.elements == [9, 2, 3, 4])
}

@Test func writingToASliceLeavesTheWhole() {
  let whole = Tensor([2, 2], [1, 2, 3, 4])
  var slice = whole[1]
  slice.withMutableElements { $0[0] = 9 }
  #expect(whole.elements == [1, 2, 3, 4])
  #expect(slice.elements == [9, 4])
}

@Test func aUniqueTensorIsWrittenInPlace() {
  var tensor = Tensor(repeating: 0, [1000])
  let before = tensor.withElements { $0.baseAddress }
  tensor.withMutableElements { $0[0] = 1 }
  #expect(tensor.withElements { $0.baseAddress } == before)
}

@Test func rewritingGoesToFreshMemoryWhereShared() {
  var unique = Tensor([2], [1, 2])
  unique.rewriteElements { source, target in #expect(source.baseAddress == UnsafePointer(target.baseAddress)) }
  var shared = Tensor([2], [1, 2])
  let original = shared
  let base = original.withElements { $0.baseAddress }
  shared.rewriteElements { source, target in
    // Nothing is copied first: what is read are the original's elements.
    #expect(source.baseAddress == base)
    #expect(source.baseAddress != UnsafePointer(target.baseAddress))
    for i in 0..<2 { target[i] = source[i] * 10 }
  }
  #expect(shared.elements == [10, 20])
  #expect(original.elements == [1, 2])
}

@Test func slicesAndReshapesShareMemory() {
  let tensor = Tensor([3, 2], [0, 1, 2, 3, 4, 5])
  let base = tensor.withElements { $0.baseAddress }
  #expect(tensor[1..<3].withElements { $0.baseAddress } == base.map { $0 + 2 })
  #expect(tensor[1..<3].shape == [2, 2])
  #expect(tensor.reshaped([6]).withElements { $0.baseAddress } == base)
  #expect(tensor[2].elements == [4, 5])
}

@Test func borrowedMemoryIsNeverWritten() {
  final class Owner: Sendable {
    nonisolated(unsafe) let memory: UnsafeMutablePointer<Float>
    init() {
      memory = .allocate(capacity: 2)
      memory.initialize(repeating: 7, count: 2)
    }
    deinit { memory.deallocate() }
  }
  let owner = Owner()
  var tensor = Tensor(borrowing: owner.memory, [2], owner: owner)
  #expect(tensor.withElements { $0.baseAddress } == UnsafePointer(owner.memory))
  tensor.withMutableElements { $0[0] = 1 }
  #expect(tensor.elements == [1, 7])
  #expect(owner.memory[0] == 7)
}

@Test func memoryIsAligned() {
  for count in [1, 17, 100_000] {
    let tensor = Tensor(repeating: 0, [count])
    #expect(tensor.withElements { UInt(bitPattern: $0.baseAddress) % 64 } == 0)
  }
}

@Test func anEmptyTensorHasNoElements() {
  #expect(Tensor([2, 0, 3], []).elements.isEmpty)
}
