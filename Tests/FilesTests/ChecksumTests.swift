import Files
import Testing

@Test func sha256OfTheStandardsExample() {
  // FIPS 180-2, appendix B.1.
  let abc = Array("abc".utf8).withUnsafeBytes { SHA256.hex(of: $0) }
  #expect(abc == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
}

@Test func sha256InPiecesIsThatOfTheWhole() {
  let bytes = (0..<1000).map { UInt8($0 % 256) }
  var digest = SHA256()
  bytes.withUnsafeBytes { all in
    digest.update(UnsafeRawBufferPointer(rebasing: all[..<333]))
    digest.update(UnsafeRawBufferPointer(rebasing: all[333...]))
  }
  let pieces = digest.finish()
  #expect(bytes.withUnsafeBytes { SHA256.hex(of: $0) } == pieces)
}

@Test func crc32OfTheCatalogueExample() {
  // The check value of CRC-32/ISO-HDLC.
  let bytes = Array("123456789".utf8)
  #expect(bytes.withUnsafeBytes { CRC32.checksum($0) } == 0xCBF4_3926)
  let first = bytes[..<4].withUnsafeBytes { CRC32.checksum($0) }
  #expect(bytes[4...].withUnsafeBytes { CRC32.checksum($0, continuing: first) } == 0xCBF4_3926)
}

@Test(arguments: [0, 1, 2, 3, 255, 4096, 1_000_003])
func zerosNeedNotBeRead(count: Int) {
  let start = CRC32.checksum(UnsafeRawBufferPointer(start: nil, count: 0))
  for before in [start, 0xdead_beef] {
    let read = [UInt8](repeating: 0, count: count).withUnsafeBytes { CRC32.checksum($0, continuing: before) }
    #expect(CRC32.appendingZeros(count, to: before) == read)
  }
}

/// 40 GB of zeros, as Python's zlib.crc32 has them.
@Test func manyZerosTakeNoTime() {
  #expect(CRC32.appendingZeros(40_000_000_000, to: 0) == 0x76b7_0d58)
}
