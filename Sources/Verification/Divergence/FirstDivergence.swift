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
    public let tap: String?
    /// The relative error of that tap, alone if the module was isolated, else as it is.
    public let relativeError: Double?
    /// Whether modules were run on recorded inputs to find out.
    public let isIsolated: Bool
  }

  /// One input of the module, held against the recorded one.
  public struct InputAgreement: Equatable, Sendable, Codable {
    /// The tap.
    public let tap: String
    /// Its relative error in the run.
    public let relativeError: Double
    /// Whether it is within the tolerance.
    public let agrees: Bool
  }

  /// The first tap in the order of execution that is past the tolerance.
  public let tap: String
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
  /// How many taps are past the tolerance without their module being off by itself.
  public let carried: Int
  /// Causes that were tested on the tensors and remove the error.
  public let hints: [Hint]
}
