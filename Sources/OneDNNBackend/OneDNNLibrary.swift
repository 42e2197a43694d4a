// oneDNN itself: loaded, its version, what is wrong with it.
internal import COneDNN

/// oneDNN, once it is loaded: whoever holds this may make products.
public struct OneDNNLibrary: Sendable {
  /// The library's version, such as `2.6.3`.
  public let version: String

  /// Loads oneDNN, unless it is loaded.
  ///
  /// - Throws: `OneDNNError.missing` where there is none.
  public init() throws(OneDNNError) {
    if let reason = conednn_load() { throw .missing(reason: String(cString: reason)) }
    let number = conednn_version()
    version = "\(number.major).\(number.minor).\(number.patch)"
  }
}

/// Why oneDNN can't do what it is asked.
public enum OneDNNError: Error, Equatable, CustomStringConvertible {
  /// There is no library to be loaded. The dynamic linker's words.
  case missing(reason: String)

  /// The library makes no such product, or can't pack its weights. Says which, and its status.
  case refused(reason: String)

  /// One sentence.
  public var description: String {
    switch self {
    case .missing(let reason): "oneDNN can't be loaded: \(reason)"
    case .refused(let reason): reason
    }
  }
}
