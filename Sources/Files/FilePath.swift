#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// What paths say, and what the system says of files by their names, whose bytes need not be Unicode.
package enum FilePath {
  /// A file's name without folder and extension.
  package static func stem(of path: String) -> String { String(parts(of: path).stem) }

  /// The extension of a file's name in lower case; nil where it has none, as `.hidden` hasn't.
  package static func ending(of path: String) -> String? { parts(of: path).ending?.lowercased() }

  private static func parts(of path: String) -> (stem: Substring, ending: Substring?) {
    let name = path.split(separator: "/").last ?? ""
    guard let dot = name.lastIndex(of: "."), dot > name.startIndex else { return (name, nil) }
    return (name[..<dot], name[name.index(after: dot)...])
  }

  /// The program's arguments without its name.
  package static var arguments: [String] {
    (1..<max(1, Int(CommandLine.argc))).compactMap { index in
      CommandLine.unsafeArgv[index].map {
        String(fileName: UnsafeRawBufferPointer(start: $0, count: strlen($0)))
      }
    }
  }

  /// The folder that relative paths begin in.
  package static var currentFolder: String {
    guard let path = getcwd(nil, 0) else { return "." }
    defer { free(path) }
    return String(fileName: UnsafeRawBufferPointer(start: path, count: strlen(path)))
  }

  /// Whether there is anything at a path.
  package static func exists(_ path: String) -> Bool { path.withFileName { access($0, F_OK) } == 0 }

  /// Whether there is a folder at a path.
  package static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return path.withFileName { stat($0, &status) } == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// What tells one thing from another, whatever paths lead to it.
  package struct Identity: Hashable {
    private let device: UInt64
    private let inode: UInt64

    fileprivate init(_ status: stat) {
      (device, inode) = (UInt64(truncatingIfNeeded: status.st_dev), UInt64(status.st_ino))
    }
  }

  /// What a path leads to; nil where there is nothing.
  package static func identity(of path: String) -> Identity? {
    var status = stat()
    return path.withFileName { stat($0, &status) } == 0 ? Identity(status) : nil
  }

  /// What is at a path that is no file, in words.
  package static func kind(of path: String) -> String {
    var status = stat()
    guard path.withFileName({ stat($0, &status) }) == 0 else { return "a folder or a device" }
    return switch status.st_mode & S_IFMT {
    case S_IFDIR: "a folder"
    case S_IFIFO: "a pipe; save what comes of it as a file"
    case S_IFSOCK: "a socket"
    default: "a device"
    }
  }

  /// Whether two paths lead to one thing.
  package static func isSame(_ one: String, _ other: String) -> Bool {
    guard let identity = identity(of: one) else { return false }
    return identity == self.identity(of: other)
  }

  /// Makes a folder within one that is there.
  ///
  /// - Throws: `FileError.unwritable`, also where something of that name is there.
  package static func makeFolder(_ path: String) throws(FileError) {
    guard path.withFileName({ mkdir($0, 0o755) }) != 0 else { return }
    throw .unwritable(path: path, reason: systemError())
  }

  /// Makes a folder and those that it lies in, unless they are there.
  ///
  /// - Parameter noting: Is told of each that was made, the outermost first.
  /// - Throws: `FileError.unwritable`.
  package static func makeFolders(_ path: String, noting: (String) -> Void = { _ in }) throws(FileError) {
    func make(_ path: String) throws(FileError) {
      if path.withFileName({ mkdir($0, 0o755) }) == 0 { return noting(path) }
      if errno == EEXIST { return }
      if errno == ENOTDIR {
        throw .unwritable(path: path, reason: "a part of it is a file, where a folder was expected")
      }
      throw .unwritable(path: path, reason: "the folder can't be made: \(systemError())")
    }
    for end in path.indices where path[end] == "/" && end != path.startIndex { try make(String(path[..<end])) }
    try make(path)
  }

  /// Puts what is at one path at another, in place of a file there.
  ///
  /// - Throws: `FileError.unwritable`.
  package static func move(_ source: String, to target: String) throws(FileError) {
    let status = source.withFileName { source in target.withFileName { rename(source, $0) } }
    guard status == 0 else { throw .unwritable(path: target, reason: systemError()) }
  }

  /// Removes a file, or a folder and what is in it, if it is there.
  package static func remove(_ path: String) {
    var status = stat()
    guard path.withFileName({ lstat($0, &status) }) == 0 else { return }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      _ = path.withFileName { unlink($0) }
      return
    }
    for name in (try? Folder.allEntries(path)) ?? [] { remove("\(path)/\(name)") }
    _ = path.withFileName { rmdir($0) }
  }

  /// Whether two paths lead to one thing, or will once there is something.
  package static func willBeSame(_ one: String, _ other: String) -> Bool {
    isSame(one, other) || plain(one) == plain(other)
      || name(of: one) == name(of: other) && isSame(folder(of: one), folder(of: other))
  }

  /// The parts of a path from the root, without those that lead nowhere else.
  private static func plain(_ path: String) -> [Substring] {
    let whole = path.hasPrefix("/") ? path : "\(currentFolder)/\(path)"
    return whole.split(separator: "/").reduce(into: []) { parts, part in
      if part == ".." { parts = parts.dropLast() } else if part != "." { parts.append(part) }
    }
  }

  /// Where a path leads that may be a link, or a link to one; there need be nothing.
  package static func followingLinks(_ path: String) -> String {
    var path = path
    // As many as the system follows.
    for _ in 0..<40 {
      var bytes = [CChar](repeating: 0, count: Int(PATH_MAX))
      let count = path.withFileName { readlink($0, &bytes, bytes.count) }
      guard count > 0 else { return path }
      let link = String(fileName: bytes.prefix(count).map { UInt8(bitPattern: $0) })
      path = link.hasPrefix("/") ? link : "\(folder(of: path))/\(link)"
    }
    return path
  }

  /// What stands behind a path's last slash.
  package static func name(of path: String) -> String {
    path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
  }

  /// The folder that a path's last part is in.
  package static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}
