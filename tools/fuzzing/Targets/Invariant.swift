// What fuzz targets share: the input as bytes or as a file, and how they say that an invariant does not hold.
import Glibc

/// Ends the program, which libFuzzer reports together with the input, unless `holds`.
func require(_ holds: Bool, _ invariant: @autoclosure () -> String) {
  if !holds { fatalError("invariant: \(invariant())") }
}

/// The input, valid while the target runs.
func input(_ start: UnsafePointer<UInt8>, _ count: Int) -> UnsafeRawBufferPointer {
  UnsafeRawBufferPointer(start: start, count: count)
}

/// A file without a name, written anew for every input.
private let descriptor = {
  var name = Array("/dev/shm/sam2kit-fuzz-XXXXXX".utf8CString)
  let descriptor = mkstemp(&name)
  require(descriptor >= 0, "/dev/shm takes a file")
  unlink(name)
  return descriptor
}()

/// The path of a file that holds the input until the next one.
func inputFile(_ start: UnsafePointer<UInt8>, _ count: Int) -> String {
  require(ftruncate(descriptor, off_t(count)) == 0, "the file has the input's length")
  require(pwrite(descriptor, start, count, 0) == count, "the file holds the input")
  return "/proc/self/fd/\(descriptor)"
}
