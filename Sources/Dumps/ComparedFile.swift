public import Checkpoints
import Files
import Foundation
public import Taps
import Tensors
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
  /// - Parameter limits: What a dump may make its reader do.
  /// - Throws: As `Recording.open` and `ForeignArrays`.
  public static func reference(
    path: String, limits: ReadingLimits = ReadingLimits()
  ) throws -> ComparedFile {
    try recording(path: path).map(ComparedFile.recording)
      ?? .dump(ForeignArrays(path: path, reference: nil, limits: limits))
  }

  /// Opens the side that is held against a reference. With a map or a layout a trace is a dump like any other.
  ///
  /// - Parameter limits: What a dump may make its reader do.
  /// - Throws: As `Recording.open` and `ForeignArrays`.
  public static func candidate(
    path: String, map: NameMap? = nil, layout: AxisLayout? = nil, of reference: ComparedFile,
    limits: ReadingLimits = ReadingLimits()
  ) throws -> ComparedFile {
    if case .recording = reference, map == nil, layout == nil, let recording = try recording(path: path) {
      return .recording(recording)
    }
    return .dump(
      try ForeignArrays(
        path: path, map: map, layout: layout, reference: reference.source.arrays, limits: limits))
  }

  /// The trace or sketch that a file is; nil where it is anything else.
  private static func recording(path: String) throws -> Recording? {
    if FilePath.isFolder(path) { return nil }
    return try DumpFormat.isHDF5(path: path) ? Recording.openIfRecorded(path: path) : nil
  }

  /// What it holds, as one side of a comparison.
  public var source: any TapSource {
    switch self {
    case .recording(let recording): recording.source
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
    guard let expected = source.side.provenance, let found = candidate.source.side.provenance else {
      return nil
    }
    return try Agreement(expected, found, configuration: configuration)
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
    with candidate: ComparedFile, patterns: [TapPattern] = [], policy: TolerancePolicy,
    heatMaps: Bool = false, agreement: Agreement? = nil
  ) throws -> Verdict {
    let scopes = [patterns, candidate.scope].filter { !$0.isEmpty }
    return try Verdict(
      reference: source, candidate: candidate.source, policy: policy, heatMaps: heatMaps, agreement: agreement,
      wholes: candidate.wholes
    ) { id in scopes.allSatisfy { $0.contains { id.matches($0) } } }
  }

  /// The modules that its maker ran as one, so that nothing inside them could be recorded.
  private var wholes: Set<ModulePath> {
    guard case .recording(let recording) = self else { return [] }
    return Set(recording.provenance.wholes.map { ModulePath($0) })
  }

  /// What of the reference a dump's map says that it has to hold; everything when there are none.
  private var scope: [TapPattern] { if case .dump(let arrays) = self { arrays.scope } else { [] } }
}
