public import Foundation

extension TolerancePolicy {
  /// The preset of that name, or the policy in the JSON file of that path.
  ///
  /// - Throws: `PolicyError`.
  public init(named name: String) throws {
    if let preset = Self.presets[name] {
      self = preset
      return
    }
    guard let json = FileManager.default.contents(atPath: name) else {
      throw PolicyError.unknown(name: name, presets: Self.presets.keys.sorted())
    }
    try self.init(json: json, file: name)
  }

  /// Reads a policy; `file` is what errors call it.
  ///
  /// - Throws: `PolicyError.malformed`.
  public init(json: Data, file: String) throws {
    do {
      self = try ReportCoding.decode(json)
    } catch let error as DecodingError {
      throw PolicyError.malformed(file: file, place: error.account.place, problem: error.account.problem)
    }
  }

  /// The policy as JSON, for people to edit.
  ///
  /// - Throws: `EncodingError`.
  public func json() throws -> Data { try ReportCoding.encode(self) }
}
