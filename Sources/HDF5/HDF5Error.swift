/// What can go wrong with an HDF5 file, with the file, the object in it and the library's own words.
public enum HDF5Error: Error, Equatable, CustomStringConvertible {
  /// The library refused; `reason` is its own account, such as "truncated file".
  case failed(file: String, object: String, action: String, reason: String)
  /// The object is not there.
  case missing(file: String, object: String)
  /// The object is something else, such as a group where a dataset was expected.
  case wrongKind(file: String, object: String, expected: String, found: String)
  /// The object's data, or an attribute, is encoded in a way that is not read here.
  case unsupported(file: String, object: String, found: String)
  /// The memory or the range of elements given does not fit the dataset.
  case wrongCount(file: String, object: String, expected: String, found: String)

  /// One sentence naming the file, the object and the reason.
  public var description: String {
    switch self {
    case .failed(let file, let object, let action, let reason):
      object == "/" ? "\(file): can't \(action): \(reason)" : "\(file): \(object): can't \(action): \(reason)"
    case .missing(let file, let object):
      "\(file): there is no \(object)"
    case .wrongKind(let file, let object, let expected, let found):
      "\(file): \(object): expected \(expected), found \(found)"
    case .unsupported(let file, let object, let found):
      "\(file): \(object): \(found) is not supported"
    case .wrongCount(let file, let object, let expected, let found):
      "\(file): \(object): expected \(expected), found \(found)"
    }
  }
}

/// An object in a file, to name it in an error.
struct Place: Sendable {
  let file: String
  /// The path within the file; `/` for the root.
  let object: String

  /// The object called `name` below this one.
  func child(_ name: String) -> Place {
    Place(file: file, object: name.hasPrefix("/") ? name : object == "/" ? "/\(name)" : "\(object)/\(name)")
  }
}
