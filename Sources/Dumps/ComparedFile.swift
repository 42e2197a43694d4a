import Files
import Foundation
import Tensors
public import Taps
public import Traces
public import Verification

/// A side of a comparison, as its file says: the recording of a run, or what another program dumped.
public enum ComparedFile: Sendable {
  /// A trace or a sketch.
  case recording(Recording)
  /// Arrays that say nothing of where they come from.
  case dump(ForeignArrays)

  /// Opens the side that is taken to be right; a dump's arrays keep their names.
  ///
  /// - Throws: As `Recording.open` and `ForeignArrays`.
  public static func reference(path: String) throws -> ComparedFile {
    try recording(path: path).map(ComparedFile.recording) ?? .dump(ForeignArrays(path: path, reference: nil))
  }

  /// Opens the side that is held against a reference. With a map or a layout a trace is a dump like any other.
  ///
  /// - Throws: As `Recording.open` and `ForeignArrays`.
  public static func candidate(
    path: String, map: NameMap? = nil, layout: AxisLayout? = nil, of reference: ComparedFile
  ) throws -> ComparedFile {
    if case .recording = reference, map == nil, layout == nil, let run = try recording(path: path) {
      return .recording(run)
    }
    return .dump(try ForeignArrays(path: path, map: map, layout: layout, reference: reference.shapes))
  }

  /// The trace or sketch that a file is; nil where it is anything else.
  private static func recording(path: String) throws -> Recording? {
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue { return nil }
    return try DumpFormat.isHDF5(path: path) ? Recording.openIfRecorded(path: path) : nil
  }

  /// Its arrays; nil for a sketch, which has none.
  public var arrays: (any NamedArrays)? {
    switch self {
    case .recording(.trace(let reader)): TraceArrays(reader)
    case .recording(.sketch): nil
    case .dump(let arrays): arrays
    }
  }

  /// Whether this and a candidate are of the same thing; nil where one doesn't say what it is of.
  ///
  /// - Parameter configuration: Reads a configuration's settings, those that matter for such an input.
  /// - Throws: What `configuration` throws.
  public func agreement(
    with candidate: ComparedFile,
    configuration: (_ text: String, _ input: TraceInput) throws -> [String: String]
  ) throws -> Agreement? {
    guard case (.recording(let reference), .recording(let candidate)) = (self, candidate) else { return nil }
    return try Agreement(reference.provenance, candidate.provenance, configuration: configuration)
  }

  /// Names and shapes of its arrays.
  private var shapes: [(name: String, shape: Shape)] {
    switch self {
    case .recording(let run): run.taps.map { ($0.name, $0.shape) }
    case .dump(let arrays): arrays.arrays
    }
  }

  /// Holds a candidate against this reference.
  ///
  /// - Parameters:
  ///   - patterns: Which taps, by module path or whole name; all, or those that the candidate's map names, when there are
  ///     none.
  ///   - policy: What is near enough.
  ///   - heatMaps: Whether to find out where the errors are.
  ///   - agreement: Whether both are of the same thing, if that is known already.
  /// - Throws: What reading either throws.
  public func comparison(
    with candidate: ComparedFile, patterns: [TapPattern] = [], policy: TolerancePolicy = .fp32,
    heatMaps: Bool = false, agreement: Agreement? = nil
  ) throws -> Verdict {
    switch (self, candidate) {
    case (.recording(let reference), .recording(let candidate)):
      return try Verdict(
        reference: reference, candidate: candidate, patterns: patterns, policy: policy, heatMaps: heatMaps,
        agreement: agreement)
    case (.recording(let reference), .dump(let dump)):
      return try Verdict(
        reference: reference, candidate: dump, path: dump.path, precision: dump.precision,
        keeps: { tap in
          [patterns, dump.scope].allSatisfy { $0.isEmpty || $0.contains { tap.matches($0) } }
        }, policy: policy, heatMaps: heatMaps)
    case (.dump(let reference), .dump(let dump)):
      return try Verdict(
        reference: reference, at: reference.path, candidate: dump, at: dump.path, precision: dump.precision,
        keeps: { name in [patterns, dump.scope].allSatisfy { $0.isEmpty || $0.contains { $0.matches(name) } } },
        policy: policy, heatMaps: heatMaps)
    case (.dump(let reference), .recording(let candidate)):
      let dump = try ForeignArrays(path: candidate.path, reference: reference.arrays)
      return try self.comparison(with: .dump(dump), patterns: patterns, policy: policy, heatMaps: heatMaps)
    }
  }
}
