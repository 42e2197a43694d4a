// How many threads there are, in a process of its own since all share the number; and which rows a resized picture's depend
// on.
import Foundation
import Kernels
import Tensors
import Testing

@Suite struct ThreadCountTests {
  @Test func theCountIsWhatWasSetAndAtLeastOne() async {
    await #expect(processExitsWith: .success) {
      guard Parallelism.threads == Parallelism.defaultThreads, Parallelism.threads >= 1 else { exit(3) }
      for (asked, expected) in [(5, 5), (1, 1), (0, 1), (-3, 1), (2, 2)] {
        Parallelism.threads = asked
        guard Parallelism.threads == expected else { exit(Int32(10 + expected)) }
      }
    }
  }

  /// More threads than tiles, and one, do all of it.
  @Test func everyNumberOfThreadsDoesAllTheWork() async {
    await #expect(processExitsWith: .success) {
      for threads in [1, 2, 3, 64] {
        Parallelism.threads = threads
        let ones = Tensor([37]) { memory in
          let base = memory.start
          parallelFor(37, grain: 5) { range in for index in range { base[index] = 1 } }
        }
        guard ones.elements == [Float](repeating: 1, count: 37) else { exit(3) }
      }
    }
  }
}

@Suite struct TouchedRowsTests {
  /// Every row and column of the result that changes with a row of the source is among those that it touches, and what is
  /// beside them by two or more isn't.
  @Test(arguments: [(4, 9), (9, 4), (5, 5), (3, 24), (16, 7)], [Interpolation.nearest, .bilinear, .bicubic])
  func whatChangesIsTouched(sizes: (source: Int, target: Int), rule: Interpolation) {
    let (source, target) = sizes
    let rows = ResizedRows(from: (source, source), to: (target, target), by: rule)
    for row in 0..<source {
      for last in row..<min(source, row + 2) {
        let lit = Tensor(
          [1, 1, source, source], (0..<source * source).map { (row...last).contains($0 / source) ? 1 : 0 })
        let changed = lit.resized(to: (target, target), by: rule).elements
        let seen = (0..<target).filter { changed[$0 * target] != 0 }
        let touched = rows.rowsTouched(by: row..<last + 1)
        #expect(seen.allSatisfy(touched.contains), "\(row)...\(last): \(seen) \(touched)")
        #expect(rows.columnsTouched(by: row..<last + 1) == touched)
        guard let first = seen.first, let end = seen.last else { continue }
        let slack = rule == .nearest ? 0 : 2 * max(1, target / source)
        #expect(touched.lowerBound >= first - slack && touched.upperBound <= end + 1 + slack)
      }
    }
  }
}
