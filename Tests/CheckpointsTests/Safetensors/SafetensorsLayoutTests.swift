import Tensors
import Testing

@testable import Checkpoints

@Suite struct SafetensorsLayoutTests {
  @Test func alignsTheBufferAndOrdersByElementSize() throws {
    let entries = [("b", ElementType.bool), ("a", .float32), ("c", .int64), ("A", .float32)].map {
      Checkpoint.Entry(
        name: $0.0, elementType: $0.1, shape: [2], byteCount: 2 * $0.1.byteCount, isContiguous: true)
    }
    let layout = try SafetensorsLayout(entries, metadata: [:])
    #expect(layout.order.map { entries[$0].name } == ["c", "A", "a", "b"])
    #expect(layout.header.count.isMultiple(of: 64))
    let header = try SafetensorsHeader(Array(layout.header[8...]), bufferLength: 34, limits: ReadingLimits())
    #expect(header.records.map(\.range) == [0..<16, 16..<24, 24..<32, 32..<34])
  }

  @Test func refusesATensorThatIsNamedLikeTheMetadata() {
    let entry = Checkpoint.Entry(
      name: "__metadata__", elementType: .bool, shape: [1], byteCount: 1, isContiguous: true)
    #expect(throws: SafetensorsError.duplicate("__metadata__")) {
      try SafetensorsLayout([entry], metadata: [:])
    }
  }
}
