/// What in a file could run, and what was checked to say so. Made without carrying out anything of the file.
public struct SecurityReport: Sendable, Equatable, Encodable {
  /// Something off the allow-list, or something that keeps the scan from vouching for the file.
  public struct Finding: Sendable, Equatable, Encodable {
    /// The member of the file, or the part of it.
    public let place: String
    /// What is wrong with it.
    public let reason: String
  }

  /// The file that was scanned.
  public let file: String
  /// What it is, in words.
  public let format: String
  /// Bytes of the file.
  public let byteCount: Int
  /// Every pickle in it.
  public internal(set) var pickles: [PickleScan] = []
  /// What was looked at, in words.
  public internal(set) var checked: [String] = []
  /// Everything that is wrong. Empty for a file that is safe.
  public internal(set) var findings: [Finding] = []

  /// Whether all that the file would have used is on the allow-list and nothing of it is unknown.
  public var isSafe: Bool { findings.isEmpty }

  init(file: String, format: String, byteCount: Int) {
    self.file = file
    self.format = format
    self.byteCount = byteCount
  }

  mutating func find(_ reason: String, in place: String) {
    let finding = Finding(place: place, reason: reason)
    if !findings.contains(finding) { findings.append(finding) }
  }

  /// Adds a pickle and what is wrong with it.
  mutating func add(_ pickle: PickleScan) {
    pickles.append(pickle)
    let place = pickle.start == 0 ? pickle.place : "\(pickle.place) from byte \(pickle.start)"
    for global in pickle.globals where global.verdict == .forbidden {
      let calls = ["named, not called", "called once"]
      let word = global.calls < calls.count ? calls[global.calls] : "called \(global.calls) times"
      find("the global \(global.name) at byte \(global.offsets.first ?? 0), \(word)", in: place)
    }
    for opcode in pickle.opcodes where !opcode.isAllowed {
      let times = opcode.count == 1 ? "once, at" : "\(opcode.count) times, first at"
      find("the opcode \(opcode.name), \(times) byte \(opcode.firstOffset)", in: place)
    }
    if !pickle.stop.isComplete { find("a pickle that could be walked only up to \(pickle.stop)", in: place) }
    if pickle.isBeyondLimits { find("a pickle with more values than the limits allow", in: place) }
  }

  /// Writes the verdict beside the stored properties.
  public func encode(to encoder: any Encoder) throws {
    enum Key: String, CodingKey { case file, format, bytes, isSafe, findings, pickles, checked }
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(file, forKey: .file)
    try container.encode(format, forKey: .format)
    try container.encode(byteCount, forKey: .bytes)
    try container.encode(isSafe, forKey: .isSafe)
    try container.encode(findings, forKey: .findings)
    try container.encode(pickles, forKey: .pickles)
    try container.encode(checked, forKey: .checked)
  }
}
