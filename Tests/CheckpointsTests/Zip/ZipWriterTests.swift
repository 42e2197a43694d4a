// Records of archives too large to be written in a test.
import Testing

@testable import Checkpoints

private func word(_ bytes: [UInt8], _ offset: Int) -> UInt32? {
  bytes.withUnsafeBytes { ByteView(bytes: $0).integer(at: offset) }
}

private func long(_ bytes: [UInt8], _ offset: Int) -> UInt64? {
  bytes.withUnsafeBytes { ByteView(bytes: $0).integer(at: offset) }
}

@Test func sizesBeyond32BitsGoToZip64() {
  let size: UInt64 = 5 << 30
  let member = ZipMember(name: "a/data/0", checksum: 7, size: size, headerOffset: 6 << 30)
  let local = member.localHeader
  #expect(word(local, 18) == 0xffff_ffff && word(local, 22) == 0xffff_ffff)
  // Behind 30 bytes and the name: field 1 of 16 bytes, size and size in the archive.
  #expect(word(local, 38) == UInt32(1 | 16 << 16))
  #expect(long(local, 42) == size && long(local, 50) == size)
  #expect((6 << 30 + local.count) % 64 == 0)
  let central = member.directoryRecord
  #expect(
    word(central, 20) == 0xffff_ffff && word(central, 24) == 0xffff_ffff && word(central, 42) == 0xffff_ffff)
  #expect(word(central, 54) == UInt32(1 | 24 << 16))
  #expect(long(central, 58) == size && long(central, 66) == size && long(central, 74) == 6 << 30)
}

@Test func aLateSmallEntryHasOnlyItsOffsetInZip64() {
  let member = ZipMember(name: "a/data/1", checksum: 7, size: 4, headerOffset: 0xffff_ffff)
  #expect(word(member.localHeader, 22) == 4)
  let central = member.directoryRecord
  #expect(word(central, 24) == 4 && word(central, 42) == 0xffff_ffff)
  #expect(word(central, 54) == UInt32(1 | 8 << 16))
  #expect(long(central, 58) == 0xffff_ffff)
}

@Test func theEndNeedsZip64OnlyWhereANumberDoesNotFit() {
  #expect(ZipMember.end(count: 0xfffe, size: 100, offset: 0xffff_fffe).count == 22)
  for (count, size, offset) in [(0xffff, 100, 100), (2, 0xffff_ffff, 100), (2, 100, 0xffff_ffff)]
    as [(UInt64, UInt64, UInt64)]
  {
    let end = ZipMember.end(count: count, size: size, offset: offset)
    #expect(end.count == 56 + 20 + 22)
    #expect(
      long(end, 24) == count && long(end, 32) == count && long(end, 40) == size && long(end, 48) == offset)
    // The locator says where the record stands: behind the directory.
    #expect(long(end, 64) == offset + size)
  }
}
