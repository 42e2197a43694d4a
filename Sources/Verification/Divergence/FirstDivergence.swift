public import Taps
import Tensors

/// Where a run first leaves its reference, what brings that about, and what merely carries it on.
public struct FirstDivergence: Equatable, Sendable, Codable {
  /// What brings the error about.
  public struct Origin: Equatable, Sendable, Codable {
    /// The sort of thing.
    public enum Kind: String, Sendable, Codable {
      /// A module's own arithmetic: its inputs agree, its output doesn't.
      case module
      /// What is done before a module is called: its input is off though all that came before agrees.
      case glue
      /// Nothing is off by itself; errors that each pass add up.
      case accumulation
      /// What was recorded doesn't tell.
      case unknown
    }

    /// The sort of thing.
    public let kind: Kind
    /// The module that brings it about, or before whose call it happens; nil where nothing is named.
    public let module: String?
    /// The module inside which it happens, if it happens between the modules inside one.
    public let inside: String?
    /// The tap that shows it first.
    public let tap: TapID?
    /// The relative error of that tap, alone if the module was isolated, else as it is.
    public let relativeError: Double?
    /// Whether modules were run on recorded inputs to find out.
    public let isIsolated: Bool
  }

  /// One input of the module, held against the recorded one.
  public struct InputAgreement: Equatable, Sendable, Codable {
    /// The tap.
    public let tap: TapID
    /// Its relative error in the run.
    public let relativeError: Double
    /// Whether it is within the tolerance.
    public let agrees: Bool
  }

  /// The first tap in the order of execution that is past the tolerance.
  public let tap: TapID
  /// Its relative error.
  public let relativeError: Double
  /// Its element furthest off.
  public let worst: WorstElement?
  /// What brings the error about.
  public let origin: Origin
  /// The inputs of the call that brings it about, or that it is first seen in.
  public let inputs: [InputAgreement]
  /// All modules that are off by themselves, in order; of a module that is off in several calls, once.
  public let introducing: [String]
  /// How many taps beside the first are past the tolerance without their module being off by itself.
  public let carried: Int
  /// Causes that were tested on the tensors and remove the error.
  public let hints: [Hint]
}

extension FirstDivergence {
  /// What there is to say, a sentence each: the tap, its worst element, the origin, its inputs, what carries the error,
  /// and what removes it.
  public var sentences: [String] {
    var sentences = [
      "First divergence: \(tap), relative error \(scientific(relativeError))"
        + (worst.map { "; worst at \($0.index): expected \($0.reference), found \($0.candidate)" } ?? "")
    ]
    sentences.append(origin.sentence)
    if !inputs.isEmpty {
      let off = inputs.filter { !$0.agrees }
      let largest = inputs.map(\.relativeError).filter { !$0.isNaN }.max() ?? 0
      sentences.append(
        off.isEmpty
          ? "Its inputs agree (relative error \(scientific(largest)) at most)."
          : "Of its inputs "
            + off.map { "\($0.tap) is off by \(scientific($0.relativeError))" }
            .joined(separator: ", ") + ".")
    }
    if introducing.count > 1 {
      sentences.append("Off by themselves: \(introducing.listed(Self.mostModules)).")
    }
    if carried > 0 {
      sentences.append(
        carried == 1
          ? "1 tap is off as well but only carries it." : "\(carried) taps are off as well but only carry it.")
    }
    sentences += hints.map {
      "Hint: \($0.claim). Undone, the error of \(scientific($0.errorBefore)) is "
        + "\(scientific($0.errorAfter))."
    }
    return sentences
  }

  private static let mostModules = 8
}

extension FirstDivergence.Origin {
  fileprivate var sentence: String {
    let how =
      relativeError.map {
        isIsolated
          ? " (off by \(scientific($0)) when fed what was recorded)"
          : " (by what agrees; isolation was not tried there)"
      } ?? ""
    switch kind {
    case .module: return "Introduced by \(module ?? "an unnamed module")\(how)."
    case .glue:
      let place = inside.map { " inside \($0)" } ?? ""
      return
        "Introduced before \(module ?? "a module") is called\(place): its input \(tap?.name ?? "") is off\(how)."
    case .accumulation:
      return "No module is off by itself: errors that each pass add up. A wider tolerance may be due."
    case .unknown: return "What was recorded doesn't tell what introduces it."
    }
  }
}
