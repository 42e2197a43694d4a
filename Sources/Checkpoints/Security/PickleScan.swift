/// What a pickle would have used, found by walking its instructions without carrying one out.
public struct PickleScan: Sendable, Equatable, Encodable {
  /// An opcode and how often it stands in the pickle.
  public struct Opcode: Sendable, Equatable, Encodable {
    /// Python's name for it.
    public let name: String
    /// How often.
    public internal(set) var count: Int
    /// Whether a checkpoint of protocol 2 to 5 needs it.
    public let isAllowed: Bool
    /// Where it stands first, in bytes from the pickle's start.
    public let firstOffset: Int
  }

  /// What may be said about a global.
  public enum Verdict: String, Sendable, Encodable {
    /// Checkpoints need it, and the reader has a fixed rule for it.
    case allowed
    /// The class of an element type that PyTorch has and this package doesn't read. It does nothing.
    case unsupported
    /// Off the allow-list: unpickling would import it, and could call it.
    case forbidden
  }

  /// A class or function that unpickling would import.
  public struct Global: Sendable, Equatable, Encodable {
    /// `module.name`, or what is known of it where the pickle computes it.
    public let name: String
    /// Whether it is on the allow-list.
    public let verdict: Verdict
    /// How often it is named.
    public internal(set) var count: Int
    /// How often it would be called, as far as the stack shows it.
    public internal(set) var calls: Int
    /// The first places where it is named, in bytes from the pickle's start; at most eight.
    public internal(set) var offsets: [Int]

    /// Whether the name is one that a program's text could have: identifiers with dots between them.
    var isIdentifier: Bool {
      name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { part in
        !part.isEmpty && part.unicodeScalars.allSatisfy { $0 == "_" || $0.properties.isXIDContinue }
      }
    }
  }

  /// Where the walk ended, and why.
  public struct Stop: Sendable, Equatable, Encodable, CustomStringConvertible {
    enum Reason: Error, Equatable {
      case stop
      case end
      case cut(String)
      case unknownOpcode(UInt8)
      case limit(Int)
    }

    /// Bytes from the pickle's start, behind the last instruction that was walked.
    public let offset: Int
    let reason: Reason

    /// Whether the walk came to STOP, so that nothing of the pickle is unknown.
    public var isComplete: Bool { reason == .stop }

    /// Where and why, in words.
    public var description: String {
      switch reason {
      case .stop: "STOP, \(offset) bytes"
      case .end: "the end of the data at byte \(offset), without STOP"
      case .cut(let opcode): "byte \(offset), where the argument of \(opcode) is cut short"
      case .unknownOpcode(let byte): "byte \(offset), where \(byte) is no opcode"
      case .limit(let count): "byte \(offset), after \(count) instructions"
      }
    }

    /// Writes the offset, whether the walk was complete, and why it ended.
    public func encode(to encoder: any Encoder) throws {
      enum Key: String, CodingKey { case offset, isComplete, reason }
      var container = encoder.container(keyedBy: Key.self)
      try container.encode(offset, forKey: .offset)
      try container.encode(isComplete, forKey: .isComplete)
      try container.encode(description, forKey: .reason)
    }
  }

  /// The member of the file, or the part of it, in which the pickle stands.
  public let place: String
  /// Where it begins, in bytes from the start of that place.
  public let start: Int
  /// The protocol that it declares, or nil where it begins without.
  public let protocolVersion: Int?
  /// Every opcode, the most frequent first.
  public let opcodes: [Opcode]
  /// Every global, in the order in which they are named first.
  public let globals: [Global]
  /// Where the walk ended.
  public let stop: Stop
  /// Whether it holds more than the reading limits let a walk keep in mind.
  public let isBeyondLimits: Bool

  /// How many instructions were walked.
  public var instructionCount: Int { opcodes.reduce(0) { $0 + $1.count } }
  /// Whether all it would have used is on the allow-list, and nothing of it is unknown.
  public var isSafe: Bool {
    stop.isComplete && !isBeyondLimits && opcodes.allSatisfy(\.isAllowed) && !hasForbiddenGlobal
  }
  /// Whether a global is off the allow-list.
  public var hasForbiddenGlobal: Bool { globals.contains { $0.verdict == .forbidden } }
}

/// Pickles that stand one after another, as in files from before PyTorch 1.6, and pickles hidden among other bytes.
struct PickleRun {
  let view: ByteView
  let place: String
  let limits: ReadingLimits

  /// Walks a pickle from `start` on and every further one that begins where the last ends, at most `limit` of them.
  ///
  /// - Returns: The pickles, and where what follows them begins.
  func stacked(from start: Int = 0, atMost limit: Int = 64) -> (pickles: [PickleScan], end: Int) {
    var pickles: [PickleScan] = []
    var end = start
    while pickles.count < limit, end < view.count, pickles.isEmpty || beginsPickle(at: end) {
      let scan = PickleWalk.scan(view, from: end, place: place, limits: limits)
      pickles.append(scan)
      end += scan.stop.offset
      if !scan.stop.isComplete { break }
    }
    return (pickles, end)
  }

  /// Pickles of protocol 1 and later that name a global, wherever in `range` they begin.
  ///
  /// A walk that begins in the middle of other data soon meets a byte that is no opcode; a file made to prolong the search
  /// gets no more than a fixed number of instructions for each of its bytes.
  func hidden(in range: Range<Int>) -> [PickleScan] {
    var found: [PickleScan] = []
    var budget = 1 << 20 + 16 * range.count
    var offset = range.lowerBound
    while budget > 0,
      let next = view.bytes[offset..<range.upperBound].firstIndex(of: PickleOpcode.proto.rawValue)
    {
      offset = next + 1
      guard beginsPickle(at: next) else { continue }
      let scan = PickleWalk.scan(view, from: next, instructions: budget, place: place, limits: limits)
      budget -= scan.instructionCount
      guard scan.stop.isComplete, !scan.globals.isEmpty else { continue }
      found.append(scan)
      offset = next + scan.stop.offset
      if found.count == Self.keptHidden { break }
    }
    return found
  }

  private static let keptHidden = 16

  /// Whether `PROTO 1` to `PROTO 5` stands there.
  private func beginsPickle(at offset: Int) -> Bool {
    guard view.integer(UInt8.self, at: offset) == PickleOpcode.proto.rawValue,
      let version: UInt8 = view.integer(at: offset + 1)
    else { return false }
    return 1...5 ~= version
  }
}
