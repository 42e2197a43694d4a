public import Taps

/// What differs between what two recordings hold, exactly: no tolerance, every bit counts.
public struct TraceDifference: Equatable, Sendable, Codable {
  /// An attribute of the root that differs.
  public struct Attribute: Equatable, Sendable, Codable {
    /// Its name.
    public let attribute: String
    /// Its value in the first recording.
    public let first: String
    /// Its value in the second.
    public let second: String
  }

  /// The first recording's file.
  public let first: String
  /// The second recording's file.
  public let second: String
  /// Where they come from, prompts and input included, and of sketches how they were made.
  public let attributes: [Attribute]
  /// Names of taps that the first alone has.
  public let onlyInFirst: [String]
  /// Names of taps that the second alone has.
  public let onlyInSecond: [String]
  /// How taps differ that both have.
  public let taps: [TapDifference]
  /// How many taps are the same in both.
  public let equalTaps: Int

  /// Whether nothing differs.
  public var isEmpty: Bool { attributes.isEmpty && onlyInFirst.isEmpty && onlyInSecond.isEmpty && taps.isEmpty }

  /// Compares two recordings.
  ///
  /// - Parameters:
  ///   - patterns: Which taps, by module path or whole name; all when there are none.
  ///   - ignoring: Names of attributes that may differ.
  /// - Throws: `HDF5Error` when a file turns out to be damaged, `TraceError.sketchedOtherwise`.
  public init(
    _ first: RecordedRun, _ second: RecordedRun, patterns: [TapPattern] = [], ignoring: Set<String> = []
  ) throws {
    self.first = first.path
    self.second = second.path
    attributes = try Self.attributes(first, second).filter { !ignoring.contains($0.attribute) }
    func kept(_ run: RecordedRun) throws -> [ListedTap] {
      try run.listing().filter { listed in patterns.isEmpty || patterns.contains { listed.tap.matches($0) } }
    }
    let (ours, theirs) = (try kept(first), try kept(second))
    let found = Dictionary(theirs.map { ($0.tap.name, $0) }) { first, _ in first }
    let names = Set(ours.map(\.tap.name))
    onlyInFirst = ours.map(\.tap.name).filter { found[$0] == nil }
    onlyInSecond = theirs.map(\.tap.name).filter { !names.contains($0) }
    var taps: [TapDifference] = []
    var equal = 0
    for listed in ours {
      guard let other = found[listed.tap.name] else { continue }
      let differences = try Self.differences(listed, of: first, other, of: second)
      if differences.isEmpty { equal += 1 }
      taps += differences
    }
    self.taps = taps
    equalTaps = equal
  }

  private static func differences(
    _ one: ListedTap, of first: RecordedRun, _ other: ListedTap, of second: RecordedRun
  ) throws -> [TapDifference] {
    func words(_ number: Int?) -> String { number.map { "\($0)" } ?? "none" }
    let numbers = [
      ("sequence", one.sequence, other.sequence), ("frame", one.tap.place.frame, other.tap.place.frame),
      ("object", one.tap.place.object, other.tap.place.object),
    ]
    var found = numbers.filter { $0.1 != $0.2 }.map { what, before, after in
      TapDifference(name: one.tap.name, of: what, first: words(before), second: words(after))
    }
    if one.tap.shape != other.tap.shape {
      found.append(
        TapDifference(
          name: one.tap.name, of: "shape", first: "\(one.tap.shape)", second: "\(other.tap.shape)"))
    } else if let difference = try TapDifference.between(one.tap, of: first, other.tap, of: second) {
      found.append(difference)
    }
    return found
  }

  /// The attributes that differ, as the format names them.
  static func attributes(_ first: RecordedRun, _ second: RecordedRun) throws -> [Attribute] {
    zip(try first.attributes(), try second.attributes()).filter { $0.value != $1.value }.map {
      Attribute(attribute: $0.name, first: $0.value, second: $1.value)
    }
  }
}

extension RecordedRun {
  /// What the root says, in a fixed order.
  fileprivate func attributes() throws -> [(name: String, value: String)] {
    let own = provenance
    return [
      ("format", sketchParameters == nil ? TraceSchema.format : SketchSchema.format),
      ("producer", own.producer), ("producer_version", own.producerVersion), ("backend", own.backend),
      ("backend_version", own.backendVersion), ("precision", own.precision), ("threads", "\(own.threads)"),
      ("checkpoint_sha256", own.checkpointSHA256),
      ("checkpoint_directory_sha256", own.checkpointDirectorySHA256 ?? ""), ("input_sha256", own.inputSHA256),
      ("input", try JSONText.encode(own.input)), ("prompts", try JSONText.encode(own.prompts)),
      ("configuration", own.configuration),
      ("sketch_seed", sketchParameters.map { "\($0.seed)" } ?? ""),
      ("samples", sketchParameters.map { "\($0.samples)" } ?? ""),
    ]
  }
}
