import Tensors
import Testing

@testable import Checkpoints

@Suite struct TorchTensorTests {
  static let refusals: [(String, TensorGeometryError)] = [
    ("18_negative_offset", .negative(storage: "0", field: "offset", found: -1)),
    ("18_negative_stride", .negative(storage: "0", field: "stride", found: -1)),
    ("18_negative_extent", .negative(storage: "0", field: "extent", found: -4)),
    ("18_offset", .outside(storage: "0", count: 4, offset: 1, extents: [4], strides: [1])),
    ("18_stride", .outside(storage: "0", count: 4, offset: 0, extents: [4], strides: [2])),
    ("18_stride_overflow", .outside(storage: "0", count: 4, offset: 0, extents: [3], strides: [.max])),
    ("18_offset_overflow", .outside(storage: "0", count: 4, offset: .max, extents: [4], strides: [1])),
    ("18_stride_count", .strideCount(storage: "0", expected: 2, found: 1)),
    ("19_overflow", .overflow(storage: "0", extents: [1 << 40, 1 << 40])),
    ("19_hidden_overflow", .overflow(storage: "0", extents: [0, 1 << 62, 1 << 62])),
    ("19_rank", .rank(storage: "0", found: 65, limit: 64)),
  ]

  @Test(arguments: refusals) func refuses(_ file: String, _ expected: TensorGeometryError) {
    let name = "hostile/\(file).pt"
    #expect(Fixtures.refusal(of: name) == .pickle(path: Fixtures.path(name), .geometry(expected)))
  }

  @Test func toleratesAnyStrideOfAnAxisOfOne() throws {
    let storage = TorchStorage(key: "0", elementType: .float32, count: 2)
    let tensor = try TorchTensor(
      storage: storage, elementType: .float32, offset: 0, extents: [1, 2, 1], strides: [.max, 1, .max],
      maximumRank: 64)
    #expect(tensor.isContiguous)
    let reversed = try TorchTensor(
      storage: TorchStorage(key: "0", elementType: .uint8, count: 3), elementType: .uint8, offset: 0,
      extents: [2, 1], strides: [2, .max], maximumRank: 64)
    #expect(!reversed.isContiguous)
    let block = ByteBlock(count: 3)
    block.bytes.copyBytes(from: [5, 6, 7])
    #expect(gathered(reversed, from: TensorBytes(block)).withBytes { Array($0) } == [5, 7])
  }
}
