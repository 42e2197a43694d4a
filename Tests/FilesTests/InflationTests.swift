import Files
import Testing

@Suite struct InflationTests {
  /// zlib.compressobj(9, zlib.DEFLATED, -15) of b"a" * 100
  private let hundred: [UInt8] = [0x4b, 0x4c, 0xa4, 0x3d, 0x00, 0x00]

  private func inflate(_ bytes: [UInt8], room: Int) -> [UInt8]? {
    var memory = [UInt8](repeating: 0, count: room)
    let count = bytes.withUnsafeBytes { bytes in
      memory.withUnsafeMutableBytes { Inflation.inflate(bytes, into: $0) }
    }
    return count.map { Array(memory.prefix($0)) }
  }

  @Test func inflates() {
    #expect(inflate(hundred, room: 1000) == [UInt8](repeating: 0x61, count: 100))
    #expect(inflate(hundred + [1, 2, 3], room: 100) == [UInt8](repeating: 0x61, count: 100))
  }

  @Test func givesNothingWhereItDoesNotFitOrIsBroken() {
    #expect(inflate(hundred, room: 99) == nil)
    #expect(inflate([0xff, 0xff], room: 100) == nil)
    #expect(inflate([], room: 100) == nil)
  }
}
