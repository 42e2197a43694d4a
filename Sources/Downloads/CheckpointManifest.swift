import Files
import Foundation

/// What can be downloaded, and what is known of it: `Weights/manifest.json`, or a file of the same form.
public struct CheckpointManifest: Codable, Equatable, Sendable {
  /// One checkpoint.
  public struct Item: Codable, Equatable, Sendable {
    /// The model, such as `sam2.1_hiera_tiny`.
    public var variant: String
    /// Where it is.
    public var url: String
    /// How long it is, if known.
    public var bytes: Int?
    /// Its SHA-256 in 64 lower-case hexadecimal digits, if known.
    public var sha256: String?

    /// A checkpoint of that variant.
    public init(variant: String, url: String, bytes: Int? = nil, sha256: String? = nil) {
      self.variant = variant
      self.url = url
      self.bytes = bytes
      self.sha256 = sha256
    }
  }

  /// In the order of the file.
  public var checkpoints: [Item]

  /// A manifest of these checkpoints.
  public init(checkpoints: [Item]) { self.checkpoints = checkpoints }

  /// Reads a manifest.
  ///
  /// - Throws: `FileError`, `DownloadError.manifest`.
  public init(path: String) throws {
    try self.init(json: Data(try MappedFile.contents(of: path)), origin: path)
  }

  /// The manifest of this package, `Weights/manifest.json`.
  ///
  /// - Throws: `DownloadError.manifest`.
  public static func official() throws -> CheckpointManifest {
    try CheckpointManifest(json: Data(PackageResources.manifest_json), origin: "the built-in manifest")
  }

  init(json: Data, origin: String) throws {
    do { self = try JSONDecoder().decode(Self.self, from: json) } catch {
      throw DownloadError.manifest(origin: origin, found: Self.reason(error))
    }
    var variants: Set<String> = []
    for item in checkpoints {
      guard variants.insert(item.variant).inserted else {
        throw DownloadError.manifest(origin: origin, found: "'\(item.variant)' twice")
      }
      guard let scheme = URL(string: item.url)?.scheme?.lowercased(), ["http", "https"].contains(scheme) else {
        throw DownloadError.manifest(
          origin: origin, found: "the address '\(item.url)', which is not http or https")
      }
      guard item.bytes.map({ $0 > 0 }) ?? true else {
        throw DownloadError.manifest(origin: origin, found: "\(item.bytes ?? 0) bytes for '\(item.variant)'")
      }
      if let sha256 = item.sha256, sha256.utf8.count != 64 || !sha256.allSatisfy(\.isLowercaseHexDigit) {
        throw DownloadError.manifest(origin: origin, found: "the SHA-256 '\(sha256)'")
      }
    }
  }

  private static func reason(_ error: any Error) -> String {
    switch error {
    case DecodingError.keyNotFound(let key, let context):
      "no '\(key.stringValue)' at \(place(context))"
    case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
      "a value of another type at \(place(context))"
    default: "no JSON"
    }
  }

  private static func place(_ context: DecodingError.Context) -> String {
    context.codingPath.isEmpty
      ? "the top"
      : context.codingPath.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".")
  }

  /// The checkpoint of that variant.
  public subscript(variant: String) -> Item? { checkpoints.first { $0.variant == variant } }

  /// Notes what is now known of a checkpoint.
  public mutating func record(_ item: Item) {
    checkpoints = checkpoints.map { $0.variant == item.variant ? item : $0 }
  }

  /// Writes the manifest as JSON with sorted keys, so that it can be committed.
  ///
  /// - Throws: `FileError.unwritable`.
  public func write(to path: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let output = try OutputFile(path: path)
    try output.write(try encoder.encode(self) + Data("\n".utf8))
    try output.commit()
  }
}

extension Character {
  fileprivate var isLowercaseHexDigit: Bool { isASCII && isHexDigit && !isUppercase }
}
