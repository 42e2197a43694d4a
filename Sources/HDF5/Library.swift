import CHDF5
import Synchronization

/// The one way into the C library: distributions build it without thread safety, so calls go through one lock,
/// and its habit of printing errors is turned into thrown ones.
enum Library {
  private static let gate: Mutex<Void> = {
    // At exit the library closes what is open, and crashes on a file that a full disk has kept from closing. Nothing
    // is owed to it: files are committed or dropped before.
    H5dont_atexit()
    // A file from elsewhere must not have the library look for a filter's code and load it, in a child either.
    H5PLset_loading_state(0)
    return Mutex(())
  }()

  /// Calls the library; a negative status is thrown with the library's own words.
  @discardableResult
  static func call<Status: SignedInteger & Sendable>(
    _ action: String, _ place: Place, _ body: () -> Status
  ) throws(HDF5Error) -> Status {
    let (status, reason) = gate.withLock { _ in
      // Thread-safe builds keep this setting for each thread, so it is made at every call.
      H5Eset_auto2(chdf5_error_stack(), nil, nil)
      let status = body()
      return (status, status < 0 ? errorStack() : "")
    }
    guard status >= 0 else {
      throw .failed(file: place.file, object: place.object, action: action, reason: reason)
    }
    return status
  }

  /// Asks the library for what it can't fail to know.
  static func value<Value: Sendable>(_ body: () -> Value) -> Value { gate.withLock { _ in body() } }

  /// Lets go of an identifier of any kind.
  static func release(_ id: hid_t) {
    gate.withLock { _ in
      H5Eset_auto2(chdf5_error_stack(), nil, nil)
      _ = H5Idec_ref(id)
    }
  }

  /// What the library says about its last failure: the general account, then the cause.
  private static func errorStack() -> String {
    var words: [String] = []
    withUnsafeMutablePointer(to: &words) { words in
      _ = H5Ewalk2(
        chdf5_error_stack(), H5E_WALK_DOWNWARD,
        { _, error, context in
          guard let text = error?.pointee.desc, let context else { return 0 }
          context.assumingMemoryBound(to: [String].self).pointee.append(String(cString: text))
          return 0
        }, words)
    }
    guard let general = words.first, let cause = words.last else { return "no reason given" }
    return reason(general: general, cause: cause)
  }

  /// The general account of a failure and its cause, in one line.
  static func reason(general: String, cause: String) -> String {
    general.isEmpty || general == cause ? plain(cause) : "\(plain(general)): \(plain(cause))"
  }

  /// The cause on one line. Where the library quotes the system among a dozen numbers, the system's words alone.
  static func plain(_ cause: String) -> String {
    let mark = "error message = '"
    guard let quote = cause.firstRange(of: mark) else {
      return cause.split(separator: "\n").joined(separator: " ")
    }
    return String(cause[quote.upperBound...].prefix { $0 != "'" })
  }
}

/// An identifier of the library, let go at the end of its life.
struct Handle: ~Copyable, Sendable {
  let id: hid_t

  /// Takes over the identifier that `open` returns.
  init(_ action: String, _ place: Place, _ open: () -> hid_t) throws(HDF5Error) {
    id = try Library.call(action, place, open)
  }

  /// Closes a file now, to learn whether its last bytes could be written.
  consuming func closeFile(_ place: Place) throws(HDF5Error) {
    let id = id
    discard self
    try Library.call("write the end of the file", place) { H5Fclose(id) }
  }

  /// The identifier, which is never let go.
  consuming func kept() -> hid_t {
    let id = id
    discard self
    return id
  }

  deinit { Library.release(id) }
}

extension HDF5Error {
  /// What was expected and found where a file is no HDF5 file or cut short; nil for other reasons.
  fileprivate static func plainWords(_ reason: String) -> String? {
    if reason.contains("file signature not found") { return "an HDF5 file, found one of another kind" }
    guard reason.contains("truncated file") else { return nil }
    let numbers = reason.matches(of: /(?:\beof|stored_eof) = ([0-9]+)/).map { $0.1 }
    guard numbers.count == 2 else { return "a whole HDF5 file, found one that is cut short: fetch it again" }
    return "an HDF5 file of \(numbers[1]) bytes, found \(numbers[0]): it is cut short, fetch it again"
  }
}

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
  /// The library would crash on the object, or take longer or more memory than any honest file makes it.
  case harmful(file: String, object: String, found: String)
  /// An array claims more elements than its bytes can stand for.
  case excessive(file: String, object: String, expected: String, found: String)
  /// The memory or the range of elements given does not fit the dataset.
  case wrongCount(file: String, object: String, expected: String, found: String)

  /// One sentence naming the file, the object and the reason.
  public var description: String {
    switch self {
    case .failed(let file, let object, let action, let reason):
      Self.plainWords(reason).map { "\(file): expected \($0)" }
        ?? (object == "/"
          ? "\(file): can't \(action): \(reason)" : "\(file): \(object): can't \(action): \(reason)")
    case .missing(let file, let object):
      "\(file): there is no \(object)"
    case .wrongKind(let file, let object, let expected, let found):
      "\(file): \(object): expected \(expected), found \(found)"
    case .unsupported(let file, let object, let found):
      "\(file): \(object): \(found) is not supported"
    case .harmful(let file, let object, let found):
      "\(file): \(object): expected what the HDF5 library can read, found what \(found): the file is damaged, fetch or "
        + "make it again"
    case .wrongCount(let file, let object, let expected, let found),
      .excessive(let file, let object, let expected, let found):
      "\(file): \(object): expected \(expected), found \(found)"
    }
  }
}

/// An object in a file, to name it in an error.
struct Place: Sendable {
  let file: String
  /// The path within the file; `/` for the root.
  var object: String

  /// The object called `name` below this one.
  func child(_ name: String) -> Place {
    Place(
      file: file, object: name.hasPrefix("/") ? name : object == "/" ? "/\(name)" : "\(object)/\(name)")
  }
}
