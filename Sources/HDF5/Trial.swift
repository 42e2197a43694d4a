import CTrial
import Files
import Synchronization

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Files that a child process has read to their end without a crash, so that this one may.
enum Trial {
  /// What a file was when it was read; another one of its name is tried again.
  private struct Version: Hashable {
    let device: UInt64
    let file: UInt64
    let byteCount: Int
    let seconds: Int
    let nanoseconds: Int

    init?(_ path: String) {
      var status = stat()
      guard path.withFileName({ stat($0, &status) }) == 0 else { return nil }
      #if canImport(Darwin)
        let time = status.st_mtimespec
      #else
        let time = status.st_mtim
      #endif
      device = UInt64(truncatingIfNeeded: status.st_dev)
      file = UInt64(status.st_ino)
      byteCount = Int(status.st_size)
      (seconds, nanoseconds) = (Int(time.tv_sec), Int(time.tv_nsec))
    }
  }

  private static let passed = Mutex<Set<Version>>([])
  /// Versions remembered at most.
  private static let mostPassed = 1024

  /// Seconds of the processor that any file may cost, and so many more for each of its bytes: a run's recording has an
  /// object or two in a kilobyte.
  private static let seconds = (least: 5.0, perByte: 0.25e-6)
  /// Bytes of memory that any file may cost, and so many more for each of its own.
  private static let memory = (least: 192 << 20, perByte: 2)

  /// Has a child read the structure of a file, unless one has.
  ///
  /// - Throws: `HDF5Error.harmful` where the child didn't get to the end, `HDF5Error.failed` where there can't be one.
  static func require(_ path: String) throws(HDF5Error) {
    guard let version = Version(path), !passed.withLock({ $0.contains(version) }) else { return }
    let seconds = seconds.least + seconds.perByte * Double(version.byteCount)
    let memory = memory.least + memory.perByte * version.byteCount
    let child = Library.value { path.withFileName { ctrial_start($0, seconds, memory) } }
    var report = ctrial_report()
    ctrial_finish(child, &report)
    let object = withUnsafeBytes(of: report.place) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    func harmful(_ found: String) -> HDF5Error {
      .harmful(file: path, object: object.isEmpty ? "/" : object, found: found)
    }
    switch Int(report.outcome) {
    case ctrial_fine:
      passed.withLock { passed in
        if passed.count >= mostPassed { passed = [] }
        passed.insert(version)
      }
    case ctrial_slow:
      throw harmful("keeps it busy for more than \(Int(seconds)) seconds")
    case ctrial_large:
      throw harmful("takes it more than \(memory >> 20) MiB of memory")
    case ctrial_impossible:
      throw .failed(
        file: path, object: "/", action: "start the process that reads it first",
        reason: String(cString: strerror(report.code)))
    default:
      throw harmful("makes it crash\(report.code == 0 ? "" : " (signal \(report.code))")")
    }
  }
}
