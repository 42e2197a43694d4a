import Kernels
import Synchronization
import Testing

@Test(arguments: [(0, 1), (1, 4), (1000, 1), (1000, 7), (1000, 1000), (1000, 5000)])
func everyItemIsDoneOnce(count: Int, grain: Int) {
  let done = Mutex([Int](repeating: 0, count: count))
  parallelFor(count, grain: grain) { range in
    #expect(range.count <= grain && range.lowerBound % grain == 0)
    done.withLock { done in for item in range { done[item] += 1 } }
  }
  #expect(done.withLock { $0 } == [Int](repeating: 1, count: count))
}

@Test func workersDontShareScratch() {
  let clean = Mutex(true)
  parallelFor(64, grain: 1, scratch: 100) { range, scratch in
    for i in 0..<100 { scratch[i] = Float(range.lowerBound) }
    let kept = (0..<100).allSatisfy { scratch[$0] == Float(range.lowerBound) }
    if !kept { clean.withLock { $0 = false } }
  }
  #expect(clean.withLock { $0 })
}
