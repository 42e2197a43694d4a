public import Files

/// The user's folder of released checkpoints: where they are stored if no other place is named, and found by their names.
public struct CheckpointStore: Sendable {
  /// `$XDG_CACHE_HOME/sam2kit`, or `~/.cache/sam2kit`.
  public let folder: String

  /// The folder that an environment says.
  ///
  /// Source: freedesktop.org, XDG Base Directory Specification: a relative path is to be ignored.
  ///
  /// - Parameter environment: Its variables, of which `XDG_CACHE_HOME` and `HOME` count.
  public init(environment: [String: String]) {
    let caches = environment["XDG_CACHE_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
    folder = (caches ?? "\(environment["HOME"] ?? ".")/.cache") + "/sam2kit"
  }

  /// Where a model is stored.
  public func path(of variant: String) -> String { "\(folder)/\(variant).pt" }

  /// Makes the folder, and those that it lies in, unless it is there.
  ///
  /// - Throws: `FileError`.
  public func makeFolder() throws(FileError) { try FilePath.makeFolders(folder) }

  /// The file that a name stands for: what has that name itself, else a released model in the working folder or in the store.
  ///
  /// - Parameters:
  ///   - name: A path, or a model's name such as `sam2.1_hiera_tiny`, with or without `.pt`.
  ///   - known: Which models there are.
  /// - Throws: `NotFetched` for a model that is in neither.
  public func find(_ name: String, among known: CheckpointManifest) throws(NotFetched) -> String {
    guard !FilePath.exists(name) else { return name }
    let variant = name.hasSuffix(".pt") ? String(name.dropLast(3)) : name
    guard known[variant] != nil else { return name }
    for path in ["\(variant).pt", path(of: variant)] where FilePath.exists(path) { return path }
    throw NotFetched(variant: variant, folder: folder)
  }
}

/// A released model that isn't there yet.
public struct NotFetched: Error, Equatable, CustomStringConvertible {
  /// The model's name.
  public let variant: String
  /// The store that was looked into.
  public let folder: String

  /// One sentence with the command that fetches it.
  public var description: String {
    "\(variant): expected this model's checkpoint in the working folder or in \(folder), found none; "
      + "`sam2kit fetch \(variant)` fetches it"
  }
}
