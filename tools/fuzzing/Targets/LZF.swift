// LZF's decompression: as many bytes as were counted, each written once, none read before it was.
import CHDF5Server

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let bytes = input(start, count)
  let length = Int(chdf5server_lzf_count(bytes.baseAddress, count))
  guard length >= 0 else { return 0 }
  require(length <= 88 * count + 32, "no more than the format can say")
  let target = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: length)
  defer { target.deallocate() }
  chdf5server_lzf_decompress(bytes.baseAddress, count, target.baseAddress)
  require(target.reduce(0) { $0 &+ Int($1) } >= 0, "every byte can be read")
  return 0
}
