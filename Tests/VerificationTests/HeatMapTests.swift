// Where errors are.
import Taps
import Tensors
import Testing

@testable import Verification

private func map(_ shape: Shape, errors: [Int: Float]) throws -> HeatMap {
  let reference = Tensor(repeating: 1, shape)
  var elements = reference.elements
  for (position, error) in errors { elements[position] += error }
  let comparison = try compared(
    held([("a", reference)]), held([("a", Tensor(shape, elements))]), heatMaps: true)
  return try #require(comparison.arrays[0].heatMap)
}

@Suite struct HeatMapTests {
  @Test func theLastTwoAxesArePooled() throws {
    // Channel 1, row 63, column 2 of 64 × 96: 32 rows of 2, 32 columns of 3.
    let found = try map([1, 2, 64, 96], errors: [64 * 96 + 63 * 96 + 2: 0.5, 0: 0.25, 1: 0.125])
    #expect(found.rows == 32 && found.columns == 32)
    #expect(found.values[31 * 32] == 0.5)
    #expect(found.values[0] == 0.25)
    #expect(found.values.count { $0 > 0 } == 2)
  }

  @Test func channelsThatComeLastAreNotAPlace() throws {
    // Row 1, column 2, channel 3 of [1, 4, 4, 8].
    let found = try map([1, 4, 4, 8], errors: [(1 * 4 + 2) * 8 + 3: 2])
    #expect(found.rows == 4 && found.columns == 4)
    #expect(found.values.enumerated().filter { $0.element > 0 }.map(\.offset) == [6])
    #expect(found.values[6] == 2)
  }

  @Test func sidesThatAreNoMultipleOfTheGridAreCoveredOnce() throws {
    for position in [0, 32, 33, 49, 50 * 50 - 1] {
      let found = try map([50, 50], errors: [position: 1])
      #expect(found.values.count { $0 == 1 } == 1)
      #expect(found.values[(position / 50) * 32 / 50 * 32 + (position % 50) * 32 / 50] == 1)
    }
  }

  @Test func whatIsNotFiniteIsHottest() throws {
    let found = try map([2, 2], errors: [3: .nan])
    #expect(found.values == [0, 0, 0, .infinity])
  }

  @Test func listsAndScalarsAreOneRow() throws {
    #expect(try map([3], errors: [2: 0.5]) == HeatMap(rows: 1, columns: 3, values: [0, 0, 0.5]))
    #expect(try map([], errors: [0: 0.5]) == HeatMap(rows: 1, columns: 1, values: [0.5]))
    #expect(try map([0, 4], errors: [:]).values.isEmpty)
  }
}
