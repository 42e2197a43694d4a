import Dispatch
import Foundation
internal import Synchronization
import Threads

/// Temporary files and folders that are not whole yet, so that an interrupted program leaves none behind.
public enum PartialFiles {
  private static let paths = Mutex<Set<String>>([])
  /// New folders, outer ones first, that are of no use while nothing is in them.
  private static let folders = Mutex<[String]>([])
  private static let interruption = Mutex(Interruption())
  /// Programs that this one started and that are to end with it.
  private static let children = Mutex<Set<Int32>>([])

  private struct Interruption {
    var isAwaited = false
    var signal: Int32?
  }

  /// From now on the first interrupt is only noted, so that the program can end in good order; a second one ends it
  /// at once.
  public static func awaitInterrupt() { interruption.withLock { $0.isAwaited = true } }

  /// The signal that asked the program to end, if one has come since `awaitInterrupt`.
  public static var interrupt: Int32? { interruption.withLock { $0.signal } }

  /// Notes that `path` is to be removed if the program is interrupted.
  public static func add(_ path: String) {
    paths.withLock { _ = $0.insert(path) }
    ShrinkingFiles.partial.add(path)
  }

  /// Forgets `path`, which was removed or renamed.
  public static func remove(_ path: String) {
    paths.withLock { _ = $0.remove(path) }
    ShrinkingFiles.partial.remove { record in
      path.withFileName { name in record.path.map { strcmp($0, name) } } == 0
    }
  }

  /// Notes that the folder `path` was made, after those that it lies in, and is to be removed if the program ends early and
  /// nothing is in it.
  public static func addFolder(_ path: String) { folders.withLock { $0.append(path) } }

  /// Starts a program that an interrupt ends with this one, also one that comes meanwhile.
  ///
  /// - Parameter start: Starts it, and gives the process's number.
  /// - Throws: What `start` throws.
  package static func addChild(_ start: () throws -> Int32) throws {
    try children.withLock { children in _ = children.insert(try start()) }
  }

  /// Forgets a program that has ended.
  package static func removeChild(_ process: Int32) { children.withLock { _ = $0.remove(process) } }

  /// Removes the new folders that nothing was put into.
  public static func removeEmptyFolders() {
    folders.withLock { folders in
      for path in folders.reversed() { _ = path.withFileName { rmdir($0) } }
      folders = []
    }
  }

  /// From now on an interrupt (Ctrl-C), a hang-up or a request to terminate removes partial files, then ends the
  /// program as it would have; and a file grown past the system's limit is an error instead of an end.
  ///
  /// For programs, which own their signals; a library leaves them alone.
  public static func removeOnInterrupt() {
    signal(SIGXFSZ, SIG_IGN)
    // Without a thread that waits for them, or the files that Dispatch waits with, signals end the program as they always did.
    guard Threads.canBeMade, Threads.canOpenFiles else { return }
    let queue = DispatchQueue(label: "partial files")
    for number in [SIGINT, SIGTERM, SIGHUP] {
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler {
        // The handler keeps its source. The lock is held to the end: no new file is noted, and writers wait.
        withExtendedLifetime(source) {}
        let isNoted = interruption.withLock { interruption in
          guard interruption.isAwaited, interruption.signal == nil else { return false }
          interruption.signal = number
          return true
        }
        if isNoted { return }
        paths.withLock { paths in
          for path in paths { FilePath.remove(path) }
          removeEmptyFolders()
          // Programs have groups of their own, which the terminal's interrupt doesn't reach.
          children.withLock { for child in $0 { kill(child, SIGKILL) } }
          // As a shell reports a program that the signal ended.
          _exit(128 + number)
        }
      }
      source.resume()
    }
  }
}
