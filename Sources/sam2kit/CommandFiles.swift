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

  /// The files to read; folders stand for the pictures and arrays in them and below.
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
    let inputs = Inputs(read)
    for (place, output) in written.enumerated() {
      if let input = inputs.replaced(by: output) {
        throw FileError.unwritable(
          path: output.path, reason: "it would replace \(input), which is read; name another")
      }
      for earlier in written[..<place] where Self.collide(earlier, output) {
        throw ValidationError(
          "two results would be one file, \(output.path) and \(earlier.path); name another for one of them")
      }
    }
  }

  /// Whether two outputs are, or will be, one file.
  private static func collide(_ one: Output, _ other: Output) -> Bool {
    switch (one, other) {
    case (.file(let one), .file(let other)): FilePath.willBeSame(one, other)
    case (.file(let file), .folder(let folder, let names)),
      (.folder(let folder, let names), .file(let file)):
      FilePath.willBeSame(FilePath.folder(of: file), folder) && names(FilePath.name(of: file))
    case (.folder, .folder): false
    }
  }
}

/// What is read, to be looked up by what it is and not by what it is called.
private struct Inputs {
  private var files: [FilePath.Identity: String] = [:]
  private var folders: [FilePath.Identity: String] = [:]
  /// Files by the folders that hold them, or links to them.
  private var contents: [FilePath.Identity: [String]] = [:]

  init(_ paths: [String]) {
    for path in paths {
      guard let identity = FilePath.identity(of: path) else { continue }
      guard !FilePath.isFolder(path) else {
        folders[identity] = path
        continue
      }
      files[identity] = path
      for place in Set([path, FilePath.followingLinks(path)]) {
        if let folder = FilePath.identity(of: FilePath.folder(of: place)) {
          contents[folder, default: []].append(place)
        }
      }
    }
  }

  /// What writing an output takes away, if anything. In folders of results links are replaced themselves.
  func replaced(by output: CommandFiles.Output) -> String? {
    switch output {
    case .file(let path): FilePath.identity(of: path).flatMap { files[$0] } ?? held(path)
    case .folder(let path, let names):
      FilePath.identity(of: path).flatMap { contents[$0] }?.first { names(FilePath.name(of: $0)) }
    }
  }

  /// Endings of what is read in a folder, or below it; results that aren't of them may lie there.
  private static let endings: Set = [
    "jpg", "jpeg", "jpe", "jfif", "png", "webp", "tif", "tiff", "bmp", "dib", "ppm", "pgm", "pbm", "pnm", "npy",
    "npz",
  ]

  /// A path as it is, where it leads to a file of a folder that is read.
  private func held(_ path: String) -> String? {
    let file = FilePath.followingLinks(path)
    guard !folders.isEmpty, FilePath.exists(file), Self.endings.contains(FilePath.ending(of: file) ?? "") else {
      return nil
    }
    var folder = FilePath.folder(of: file)
    var last: FilePath.Identity?
    while let identity = FilePath.identity(of: folder), identity != last {
      if folders[identity] != nil { return file }
      (last, folder) = (identity, "\(folder)/..")
    }
    return nil
  }
}
