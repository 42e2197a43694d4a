/// What can go wrong with a trace, beyond what HDF5 and the file system say themselves.
public enum TraceError: Error, Equatable, CustomStringConvertible {
  /// An HDF5 file, but no trace; `found` is what its `format` attribute says.
  case notATrace(file: String, found: String)
  /// An HDF5 file, but no sketch of a trace; `found` likewise.
  case notASketch(file: String, found: String)
  /// A trace of a version that is not read here.
  case unsupportedVersion(file: String, expected: Int, found: Int64)
  /// A root attribute of the provenance is missing or is not what it should be.
  case badAttribute(file: String, attribute: String, expected: String, found: String)
  /// Something in the file does not follow the schema.
  case malformed(file: String, object: String, expected: String, found: String)
  /// A module, parameter or key has a name that HDF5 can't take as one link.
  case badName(file: String, name: String)
  /// There is no such tap in the trace.
  case noSuchTap(file: String, name: String)
  /// Two sketches that kept other elements can't be compared.
  case sketchedOtherwise(file: String, expected: String, found: String)
  /// What was asked for is of no tap.
  case unmatched(file: String, asked: String)
  /// Of a recording nothing was to be kept.
  case nothingLeft(file: String)
  /// A recording is of another run than those that it is merged with.
  case otherRun(file: String, attribute: String, expected: String, found: String)
  /// Two recordings of one run say something different of a tap or call.
  case conflict(file: String, name: String, expected: String, found: String)
  /// Something was written to a trace that is finished.
  case finished(file: String)

  /// One sentence naming the file, what was expected and what was found.
  public var description: String {
    switch self {
    case .notATrace(let file, let found):
      "\(file): expected a trace, with the attribute format = \(TraceSchema.format), found \(found)"
    case .notASketch(let file, let found):
      "\(file): expected a sketch, with the attribute format = \(SketchSchema.format), found \(found)"
    case .unsupportedVersion(let file, let expected, let found):
      "\(file): expected version \(expected) of the trace format, found \(found)"
    case .badAttribute(let file, let attribute, let expected, let found):
      "\(file): attribute \(attribute): expected \(expected), found \(found)"
    case .malformed(let file, let object, let expected, let found):
      "\(file): \(object): expected \(expected), found \(found)"
    case .badName(let file, let name):
      "\(file): expected a name without slashes that is neither empty nor a dot, found \"\(name)\""
    case .noSuchTap(let file, let name):
      "\(file): there is no tap \(name)"
    case .sketchedOtherwise(let file, let expected, let found):
      "\(file): expected a sketch of \(expected), found one of \(found)"
    case .unmatched(let file, let asked):
      "\(file): expected taps of \(asked), found none"
    case .nothingLeft(let file):
      "\(file): expected taps that fit the patterns, frames and objects given, found none"
    case .otherRun(let file, let attribute, let expected, let found):
      "\(file): expected a recording of the same run, with \(attribute) = \(expected), found \(found)"
    case .conflict(let file, let name, let expected, let found):
      "\(file): \(name): expected \(expected), found \(found)"
    case .finished(let file):
      "\(file): the trace is finished, nothing more can be written to it"
    }
  }
}
