import ArgumentParser
import Files

/// What a command reads and what it writes, known before it does either: nothing that is read is replaced, and no two
/// results are one file.
struct CommandFiles {
  /// Something to write.
  enum Output {
    /// A file.
    case file(String)
    /// A folder's files of certain names.
    case folder(String, names: (String) -> Bool)

    /// The output as an argument named it.
    var path: String {
      switch self {
      case .file(let path), .folder(let path, _): path
      }
    }
  }

  /// The files to read; folders stand for what lies in them.
  var read: [String] = []
  /// The files to write.
  var written: [Output] = []

  init(read: [String?] = [], written: [String?] = []) {
    self.read = read.compactMap { $0 }
    self.written = written.compactMap { $0 }.map(Output.file)
  }

  /// These and others.
  func and(_ others: CommandFiles) -> CommandFiles {
    var files = self
    files.read += others.read
    files.written += others.written
    return files
  }

  /// Sees that nothing would be lost.
  ///
  /// - Throws: `FileError.unwritable`, `ValidationError` for two outputs.
  func check() throws {
    for (place, output) in written.enumerated() {
      for input in read where Self.replaces(input, output) {
        throw FileError.unwritable(
          path: output.path, reason: "it would replace \(input), which is read; name another")
      }
      for earlier in written[..<place] where Self.collide(earlier, output) {
        throw ValidationError(
          "two results would be one file, \(output.path) and \(earlier.path); name another for one of them")
      }
    }
  }

  /// Whether writing an output takes away something that is read.
  private static func replaces(_ input: String, _ output: Output) -> Bool {
    switch output {
    case .file(let path): FilePath.isSame(input, path)
    case .folder(let folder, let names):
      FilePath.isSame(FilePath.folder(of: input), folder) && names(FilePath.name(of: input))
    }
  }

  /// Whether two outputs are, or will be, one file.
  private static func collide(_ one: Output, _ other: Output) -> Bool {
    switch (one, other) {
    case (.file(let one), .file(let other)): FilePath.willBeSame(one, other)
    case (.file(let file), .folder(let folder, let names)),
      (.folder(let folder, let names), .file(let file)):
      FilePath.isSame(FilePath.folder(of: file), folder) && names(FilePath.name(of: file))
    case (.folder, .folder): false
    }
  }
}
