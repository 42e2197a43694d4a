// Ranges of elements as rectangles.
import Tensors
import Testing

@testable import HDF5

@Test func blocksCoverTheRangeInOrder() {
  let shape: Shape = [3, 4, 5]
  let strides = shape.strides
  for lower in 0...shape.count {
    for upper in lower...shape.count {
      var visited: [Int] = []
      let blocks = ElementBlock.covering(lower..<upper, of: shape)
      #expect(blocks.count <= 2 * shape.rank - 1)
      for block in blocks {
        for element in 0..<block.count {
          let inner = Shape(block.extent).strides
          let index = (0..<3).map { block.start[$0] + element / inner[$0] % block.extent[$0] }
          visited.append(zip(index, strides).map(*).reduce(0, +))
        }
      }
      #expect(visited == Array(lower..<upper))
    }
  }
}

@Test func chunksAreWholeRowsOfAboutAMebibyte() {
  #expect(HDF5NewDataset.chunk(of: [1, 256, 256, 144], bytes: 4) == [1, 7, 256, 144])
  #expect(HDF5NewDataset.chunk(of: [10, 10], bytes: 4) == [10, 10])
  #expect(HDF5NewDataset.chunk(of: [2, 1 << 20], bytes: 4) == [1, 1 << 18])
}
