#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// A folder's contents.
package enum Folder {
  /// The names of a folder's visible entries in order.
  ///
  /// - Throws: `FileError.unreadable`.
  package static func entries(_ path: String) throws(FileError) -> [String] {
    try allEntries(path).filter { !$0.hasPrefix(".") }.sorted()
  }

  /// The names of a folder's entries, hidden ones included, as the system lists them.
  ///
  /// - Throws: `FileError.unreadable`.
  static func allEntries(_ path: String) throws(FileError) -> [String] {
    guard let folder = path.withFileName({ opendir($0) }) else {
      throw .unreadable(path: path, reason: systemError())
    }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { name in
        String(
          fileName: UnsafeRawBufferPointer(
            start: name, count: name.withMemoryRebound(to: CChar.self, capacity: 1) { strlen($0) }))
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names
  }
}
