// oneDNN itself: loaded, its version, what is wrong with it.
internal import COneDNN
internal import Foundation

/// oneDNN, once it is loaded: whoever holds this may make products.
public struct OneDNNLibrary: Sendable {
  /// The library's version, such as `2.6.3`.
  public let version: String

  /// Loads oneDNN, unless it is loaded. It keeps to the instruction sets that `SAM2KIT_MAX_ISA` allows, as CVector does; where
  /// that says nothing, to those of its own `ONEDNN_MAX_CPU_ISA`.
  ///
  /// - Throws: `OneDNNError.missing` where there is none.
  public init() throws(OneDNNError) {
    let most = ProcessInfo.processInfo.environment["SAM2KIT_MAX_ISA"].flatMap { Self.instructions[$0] }
    if let most { conednn_keep_to(Int32(most)) }
    if let reason = conednn_load() { throw .missing(reason: String(cString: reason)) }
    let number = conednn_version()
    version = "\(number.major).\(number.minor).\(number.patch)"
  }

  /// Those of CVector, as oneDNN calls them.
  private static let instructions = [
    "portable": CONEDNN_SSE41, "avx2": CONEDNN_AVX2, "avx512": CONEDNN_AVX512,
    "avx512_bf16": CONEDNN_AVX512_BF16,
  ]
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
