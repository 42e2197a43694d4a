// The index of a model in several files: no name leads out of its folder.
@testable import Checkpoints
import Files
import Glibc

private let descriptor = {
  var name = Array("/dev/shm/sam2kit-fuzz-XXXXXX".utf8CString)
  let descriptor = mkstemp(&name)
  require(descriptor >= 0, "/dev/shm takes a file")
  unlink(name)
  return descriptor
}()

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  guard ShardIndex.begins(ByteView(bytes: input(start, count))) else { return 0 }
  require(ftruncate(descriptor, off_t(count)) == 0, "the file has the input's length")
  require(pwrite(descriptor, start, count, 0) == count, "the file holds the input")
  guard let file = try? MappedFile(path: "/proc/self/fd/\(descriptor)") else { return 0 }
  do {
    let index = try ShardIndex(file)
    for name in index.files {
      require(!name.contains("/") && !name.hasPrefix("."), "'\(name)' lies in the index's folder")
    }
  } catch {
    require(!error.description.contains("\n"), "a refusal is one line: \(error)")
  }
  return 0
}
