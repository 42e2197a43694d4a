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

/// Sets what is called when the sanitizer ends a process: libFuzzer, which stores the input.
@_silgen_name("__sanitizer_set_death_callback")
private func setDeathCallback(_ callback: (@convention(c) () -> Void)?)

/// A file in memory, written anew for every input. HDF5 asks for a name.
private let file: (descriptor: CInt, path: String) = {
  var name = Array("/dev/shm/sam2kit-fuzz-XXXXXX".utf8CString)
  let descriptor = mkstemp(&name)
  require(descriptor >= 0, "/dev/shm takes a file")
  atexit { unlink(file.path) }
  // A child that reads the file first may end as it likes.
  pthread_atfork(nil, nil) { setDeathCallback(nil) }
  return (descriptor: descriptor, path: String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self))
}()

private nonisolated(unsafe) var inputs = 0

/// The path of a file that holds the input until the next one, and has a time of its own, by which files are told apart.
func inputFile(_ start: UnsafePointer<UInt8>, _ count: Int) -> String {
  require(ftruncate(file.descriptor, off_t(count)) == 0, "the file has the input's length")
  require(pwrite(file.descriptor, start, count, 0) == count, "the file holds the input")
  inputs += 1
  let times = [timespec(tv_sec: inputs, tv_nsec: 0), timespec(tv_sec: inputs, tv_nsec: 0)]
  require(futimens(file.descriptor, times) == 0, "the file has a time")
  return file.path
}
