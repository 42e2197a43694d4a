import Dispatch
import Synchronization
import Testing

@testable import Threads

@Test(arguments: [0, 1, 2, 100]) func everyIterationIsDoneOnce(count: Int) {
  let done = Mutex([Int](repeating: 0, count: count))
  Threads.perform(count) { index in done.withLock { $0[index] += 1 } }
  #expect(done.withLock { $0 } == [Int](repeating: 1, count: count))
}

private let isBegun = Mutex(false)

@Test func whatIsBegunIsDoneWhenTheGroupIs() {
  let group = DispatchGroup()
  Threads.begin(group) { isBegun.withLock { $0 = true } }
  group.wait()
  #expect(isBegun.withLock { $0 })
}

#if os(Linux)
  @Test func aFewThreadsCanBeMade() { #expect(Threads.canMake(3)) }
#endif
