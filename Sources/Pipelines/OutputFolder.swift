public import Files
import Foundation
import Masks

/// A folder that results go into, made if it isn't there, and one run's own as long as this lives: another is refused.
public struct OutputFolder: Sendable {
  /// Where it lies.
  public let path: String
  private let lock: FolderLock?

  /// Makes the folder, sees that files can be made in it, and takes it.
  ///
  /// - Throws: `FileError.unwritable`, also where another run has the folder.
  public init(_ path: String) throws(FileError) {
    self.path = path
    try FilePath.makeFolders(path, noting: PartialFiles.addFolder)
    guard FilePath.isFolder(path) else {
      throw FileError.unwritable(path: path, reason: "expected a folder, found a file of that name")
    }
    guard path.withFileName({ access($0, W_OK | X_OK) }) == 0 else {
      throw FileError.unwritable(path: path, reason: systemError())
    }
    lock = try FolderLock(of: path)
  }

  /// A folder within one that was taken.
  fileprivate init(within path: String) throws(FileError) {
    self.path = path
    lock = nil
    try FilePath.makeFolder(path)
  }

  /// The path of a file in it.
  public func file(_ name: String) -> String { path.hasSuffix("/") ? path + name : "\(path)/\(name)" }

  /// The path of a file in it that is to be written. Results take the place of links, and leave alone what those lead to.
  func target(_ name: String) -> String {
    let path = file(name)
    var status = stat()
    if path.withFileName({ lstat($0, &status) }) == 0, status.st_mode & S_IFMT == S_IFLNK {
      _ = path.withFileName { unlink($0) }
    }
    return path
  }
}

// MARK: Results that come together

extension OutputFolder {
  /// What says, in a folder, that the results in it are of two runs, or not all there.
  static let unfinishedName = "UNFINISHED.txt"

  /// Puts results into the folder together: they are made in a hidden folder within it and moved when all are whole.
  ///
  /// The report, which says what the others are, goes first and comes last. Killed at any moment, the program leaves the old
  /// results, the new ones, or a folder that says that it is unfinished. Where something can't be written, the old ones.
  ///
  /// - Parameters:
  ///   - report: The report's name.
  ///   - outdated: Names of old results that go with the old report.
  ///   - make: Writes the results into the folder that it is given.
  /// - Returns: The names of what was written.
  @discardableResult
  func replace(
    report: String, outdated: Set<String> = [], _ make: (OutputFolder) throws -> Void
  ) throws -> [String] {
    let staging = file(".\(UUID().uuidString).partial")
    PartialFiles.add(staging)
    defer {
      FilePath.remove(staging)
      PartialFiles.remove(staging)
    }
    let staged = try OutputFolder(within: staging)
    // Written while there may be no room for it: then nothing has been moved yet.
    let mark = ".\(Self.unfinishedName)"
    try Self.writeMark(to: staged.file(mark))
    try make(staged)
    let names = try Folder.entries(staging)
    for name in names { try prepare(staged.file(name), for: name) }
    try FilePath.move(staged.file(mark), to: file(Self.unfinishedName))
    // While the old report says what they are.
    for name in outdated.subtracting(names) { FilePath.remove(file(name)) }
    if FilePath.exists(file(report)) { try FilePath.move(file(report), to: staged.file(".\(report)")) }
    for name in names where name != report { try FilePath.move(staged.file(name), to: file(name)) }
    if names.contains(report) { try FilePath.move(staged.file(report), to: file(report)) }
    markFinished()
    return names
  }

  /// Says in the folder that it is unfinished.
  func markUnfinished() throws(FileError) { try Self.writeMark(to: target(Self.unfinishedName)) }

  private static func writeMark(to path: String) throws(FileError) {
    let mark = try OutputFile(path: path)
    try mark.write(
      "A run of sam2kit is writing into this folder, or ended while it did: what is here is not all of one run.\n"
        .utf8
    )
    try mark.commit()
  }

  /// Takes that back.
  func markFinished() { _ = file(Self.unfinishedName).withFileName { unlink($0) } }

  /// Sees that a file can take its place, and gives it the permissions of what it replaces.
  private func prepare(_ staged: String, for name: String) throws(FileError) {
    var status = stat()
    guard file(name).withFileName({ lstat($0, &status) }) == 0 else { return }
    switch status.st_mode & S_IFMT {
    case S_IFREG: _ = staged.withFileName { chmod($0, status.st_mode & 0o7777) }
    case S_IFLNK: break
    case S_IFDIR: throw .unwritable(path: file(name), reason: "a folder of that name is in the way")
    default: throw .unwritable(path: file(name), reason: "a device or pipe of that name is in the way")
    }
  }

  /// Whether a file of the folder holds the very bytes that `write` makes: then nothing is lost with it, whoever made it.
  func holds(_ name: String, asWrittenBy write: (String) throws -> Void) -> Bool {
    let twin = file(".\(UInt32.random(in: 0 ... .max)).partial")
    PartialFiles.add(twin)
    defer {
      FilePath.remove(twin)
      PartialFiles.remove(twin)
    }
    guard let found = try? MappedFile(path: file(name)), (try? write(twin)) != nil,
      let made = try? MappedFile(path: twin)
    else { return false }
    return withExtendedLifetime((found, made)) { found.bytes.elementsEqual(made.bytes) }
  }
}

extension RunLengthEncoding {
  /// Whether a mask is small enough to be drawn in order to look at a file: a report may claim anything.
  static func isDrawable(width: Int, height: Int) -> Bool {
    let (area, overflow) = width.multipliedReportingOverflow(by: height)
    return !overflow && (1...1 << 26).contains(area)
  }
}

extension String {
  /// Whether this is a number between two texts, as results of a series are called.
  func isNumbered(_ before: String, _ after: String) -> Bool {
    guard hasPrefix(before), hasSuffix(after), count > before.count + after.count else { return false }
    return dropFirst(before.count).dropLast(after.count).allSatisfy { $0.isASCII && $0.isNumber }
  }
}
