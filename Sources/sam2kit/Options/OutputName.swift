import ArgumentParser
import Files

/// What the name of a file to write has to end in, so that nothing bears the name of what it isn't.
enum OutputName {
  static let recording = ["h5", "hdf5"]
  static let json = ["json"]
  static let page = ["html", "htm"]
  static let xml = ["xml"]

  /// Refuses a name that says something else than what is written.
  ///
  /// - Throws: `ValidationError`.
  static func check(_ path: String?, _ option: String, is endings: [String]) throws {
    guard let path, let ending = FilePath.ending(of: path), !endings.contains(ending) else { return }
    throw ValidationError("\(option) writes a file that ends in .\(endings[0]), found \(path); rename it")
  }
}
