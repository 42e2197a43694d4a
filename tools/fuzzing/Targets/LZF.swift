// LZF's decompression: as many bytes as were counted, each written once, none read before it was.
@testable import HDF5

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let bytes = input(start, count)
  guard let length = LZF.count(bytes) else { return 0 }
  require(length <= 88 * count + 32, "no more than the format can say")
  let target = UnsafeMutableRawBufferPointer.allocate(byteCount: length, alignment: 1)
  defer { target.deallocate() }
  LZF.decompress(bytes, into: target)
  require(target.reduce(0) { $0 &+ Int($1) } >= 0, "every byte can be read")
  return 0
}
