import Foundation

/// Files that tests read: fixtures beside the test's own source, and the package's folders.
public enum TestFiles {
  /// The file `name` in the `Fixtures` folder beside the calling test's source.
  public static func fixture(_ name: String, from source: String = #filePath) -> String {
    URL(fileURLWithPath: source).deletingLastPathComponent().appendingPathComponent("Fixtures/\(name)").path
  }

  /// A path relative to the package's root.
  public static func package(_ path: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent(path).path
  }

  /// A new empty folder, removed after `body`.
  @discardableResult
  public static func withTemporaryFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("sam2kit-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder.path)
  }
}

/// Waits until something holds, two minutes at most: whoever waited in vain finds it in what is expected next.
public func wait(until isSo: () -> Bool) {
  for _ in 0..<12_000 {
    if isSo() { return }
    usleep(10_000)
  }
}
