// oneDNN itself: loaded, its version, what is wrong with it.
internal import COneDNN
internal import Foundation
import Kernels

/// oneDNN, once it is loaded: whoever holds this may make products.
public struct OneDNNLibrary: Sendable {
  /// The library's version, such as `2.6.3`.
  public let version: String

  /// Loads oneDNN, unless it is loaded. It keeps to the instruction sets that `SAM2KIT_MAX_ISA` allows, as CVector does; where
  /// that says nothing, to those of its own `ONEDNN_MAX_CPU_ISA`.
  ///
  /// - Throws: `OneDNNError.missing` where there is none, `.noRoom`, `.unknownInstructions`.
  public init() throws(OneDNNError) {
    if let named = ProcessInfo.processInfo.environment[Self.variable] {
      guard let most = Self.instructions[named] else { throw .unknownInstructions(found: named) }
      conednn_keep_to(Int32(most))
    }
    if let left = Self.shortage { throw .noRoom(found: left) }
    if let reason = conednn_load() { throw .missing(reason: String(cString: reason)) }
    let number = conednn_version()
    version = "\(number.major).\(number.minor).\(number.patch)"
  }

  /// The addresses that were left before it was loaded, where it would crash for lack of them. Looked at once: what a model
  /// that runs has taken since is no reason to refuse the next.
  private static let shortage = AddressSpace.shortage(of: AddressSpace.least)

  fileprivate static let variable = "SAM2KIT_MAX_ISA"

  /// Those of CVector, as oneDNN calls them.
  fileprivate static let instructions = [
    "portable": CONEDNN_SSE41, "avx2": CONEDNN_AVX2, "avx512": CONEDNN_AVX512,
    "avx512_bf16": CONEDNN_AVX512_BF16, "amx": CONEDNN_ALL,
  ]
}

/// Why oneDNN can't do what it is asked.
public enum OneDNNError: Error, Equatable, CustomStringConvertible {
  /// There is no library to be loaded. The dynamic linker's words.
  case missing(reason: String)

  /// A limit leaves too few addresses.
  case noRoom(found: Int)

  /// The library makes no such product, or can't pack its weights. Says which, and its status.
  case refused(reason: String)

  /// An environment variable names instruction sets that there aren't.
  case unknownInstructions(found: String)

  /// One sentence.
  public var description: String {
    switch self {
    case .unknownInstructions(let found):
      "\(OneDNNLibrary.variable): expected \(OneDNNLibrary.instructions.keys.sorted().joined(separator: ", ")), "
        + "found \(found)"
    case .missing(let reason): "oneDNN can't be loaded: \(reason)"
    case .noRoom(let found):
      "oneDNN needs \(AddressSpace.least >> 20) MB of addresses, found \(found >> 20) MB left: raise the limit (ulimit -v)"
    case .refused(let reason): reason
    }
  }
}
