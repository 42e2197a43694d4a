// File names are bytes, of whatever encoding, where Swift's text is Unicode. Bytes that are no UTF-8 are carried in text as
// characters of their own, in a range of private use, and come out as the bytes that they were.

import Foundation

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

extension String {
  /// The character that stands for byte 0x80; the others follow it.
  private static let firstEscape: UInt32 = 0xEF80

  /// A file's name out of its bytes. Bytes that are no UTF-8, and those of characters that would be taken for such a byte,
  /// become U+EF80 to U+EFFF, so that every name has a text of its own.
  package init(fileName bytes: some Collection<UInt8>) {
    if let text = String(validating: bytes, as: UTF8.self),
      !text.unicodeScalars.contains(where: \.isEscapedByte)
    {
      self = text
      return
    }
    var scalars = String.UnicodeScalarView()
    var rest = Array(bytes)[...]
    while let first = rest.first {
      let length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
      let next = String(validating: rest.prefix(length), as: UTF8.self)?.unicodeScalars
      if let scalar = next?.first, next?.count == 1, !scalar.isEscapedByte {
        scalars.append(scalar)
        rest = rest.dropFirst(length)
      } else {
        if let escape = Unicode.Scalar(Self.firstEscape + UInt32(first & 0x7F)) { scalars.append(escape) }
        rest = rest.dropFirst()
      }
    }
    self = String(scalars)
  }

  /// The bytes of a file's name.
  package var fileName: [UInt8] {
    guard unicodeScalars.contains(where: \.isEscapedByte) else { return Array(utf8) }
    return unicodeScalars.flatMap { scalar -> [UInt8] in
      scalar.isEscapedByte ? [UInt8(scalar.value - Self.firstEscape) | 0x80] : Array(scalar.utf8)
    }
  }

  /// Calls `body` with a file's name as the system takes it.
  package func withFileName<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
    body(fileName.map { CChar(bitPattern: $0) } + [0])
  }
}

extension Unicode.Scalar {
  fileprivate var isEscapedByte: Bool { (0xEF80...0xEFFF).contains(value) }

  fileprivate var utf8: String.UTF8View { String(self).utf8 }
}

/// What the system says of files by their names, whose bytes need not be Unicode.
package enum FilePath {
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

  /// Whether two paths lead to one thing.
  package static func isSame(_ one: String, _ other: String) -> Bool {
    var (first, second) = (stat(), stat())
    return one.withFileName { stat($0, &first) } == 0 && other.withFileName { stat($0, &second) } == 0
      && first.st_dev == second.st_dev && first.st_ino == second.st_ino
  }

  /// Makes a folder within one that is there.
  ///
  /// - Throws: `FileError.unwritable`, also where something of that name is there.
  package static func makeFolder(_ path: String) throws(FileError) {
    guard path.withFileName({ mkdir($0, 0o755) }) != 0 else { return }
    throw .unwritable(path: path, reason: systemError())
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
}
