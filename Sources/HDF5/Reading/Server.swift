import CHDF5
import CHDF5Server
import Files
import Synchronization
import Tensors

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// A child process that reads one file: the library, which isn't made for damaged files, doesn't meet one from elsewhere in
/// the program. A file that makes it crash, or takes it too long or too much memory, is refused.
final class Server: Sendable {
  /// What is asked for.
  struct Request {
    var kind: Int
    /// Of the object.
    var address: UInt64 = 0
    /// To read elements as; where it stands among all.
    var elementType = 0
    /// Memory that the child may take, or of one attribute that is told.
    var bytes = 0
    /// The path, or starts and extents.
    var payload: [UInt8] = []
  }

  private enum State {
    case serving(chdf5server_child)
    case ended(object: String, found: String)
  }

  /// Seconds of the processor that any file may cost, and so many more for each of its bytes: a run's recording has an
  /// object or two in a kilobyte.
  private static let seconds = (least: 5.0, perByte: 0.25e-6)
  /// Bytes of memory that any file may cost, and so many more for each of its own.
  private static let memory = (least: 192 << 20, perByte: 2)

  private let path: String
  private let seconds: Double
  private let memory: Int
  private let state: Mutex<State>

  /// Starts a child for the file at `path`.
  ///
  /// - Parameters:
  ///   - seconds: Of the processor, for all but elements, and for each reading of them.
  ///   - memory: Bytes beyond what the program has.
  /// - Throws: `HDF5Error.failed` where the system has no more processes.
  init(_ path: String, seconds: Double, memory: Int) throws(HDF5Error) {
    (self.path, self.seconds, self.memory) = (path, seconds, memory)
    let types = try StandardTypes.all()
    // The child inherits the library as it is at this moment, so that no other thread may be within.
    let child = Library.value { chdf5server_start(types.baseAddress, types.count) }
    guard child.process > 0 else {
      throw .failed(
        file: path, object: "/", action: "start the process that reads it",
        reason: String(cString: strerror(child.error)))
    }
    state = Mutex(.serving(child))
  }

  /// Starts a child for a file of so many bytes.
  convenience init(_ path: String, fileCount: Int) throws(HDF5Error) {
    let (bytes, overflow) = fileCount.multipliedReportingOverflow(by: Self.memory.perByte)
    try self.init(
      path, seconds: Self.seconds.least + Self.seconds.perByte * Double(fileCount),
      memory: Self.memory.least + (overflow ? .max / 2 : bytes))
  }

  deinit {
    state.withLock { if case .serving(let child) = $0 { chdf5server_stop(child) } }
  }

  /// The child's number; nil where it has ended.
  var process: Int32? {
    state.withLock { if case .serving(let child) = $0 { child.process } else { nil } }
  }

  /// Has the child open its file.
  ///
  /// - Throws: As `reply`.
  func open() throws(HDF5Error) -> Reply {
    let name = path.withFileName { [UInt8](UnsafeRawBufferPointer(start: $0, count: strlen($0))) }
    return try reply(
      to: .init(kind: chdf5server_open, bytes: memory, payload: name), Place(file: path, object: "/"))
  }

  /// What the child has to say.
  ///
  /// - Throws: `HDF5Error.failed` with the library's words, `HDF5Error.harmful` where it didn't survive.
  func reply(to request: Request, _ place: Place) throws(HDF5Error) -> Reply {
    var bytes: [UInt8] = []
    try ask(request, place) { count, receive in
      guard count <= memory else { return false }
      bytes = [UInt8](unsafeUninitializedCapacity: count) { memory, filled in
        let isWhole = receive(
          UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(memory)[..<count]))
        filled = isWhole ? count : 0
      }
      return bytes.count == count
    }
    return Reply(bytes, place)
  }

  /// Elements that fill `memory`.
  ///
  /// - Throws: As `reply`.
  func read(_ request: Request, into memory: UnsafeMutableRawBufferPointer, _ place: Place) throws(HDF5Error) {
    try ask(request, place) { count, receive in count == memory.count && receive(memory) }
  }

  /// Sends a request, and lets `body` receive as many bytes as come; false where there should be others.
  private func ask(
    _ request: Request, _ place: Place,
    _ body: (Int, (UnsafeMutableRawBufferPointer) -> Bool) -> Bool
  ) throws(HDF5Error) {
    let result = state.withLock { state -> Result<Void, HDF5Error> in
      guard case .serving(let child) = state else { return .failure(ended(state)) }
      func receive(_ memory: UnsafeMutableRawBufferPointer) -> Bool {
        memory.isEmpty || chdf5server_receive(child, memory.baseAddress, memory.count) != 0
      }
      var header = chdf5server_request()
      header.kind = UInt32(request.kind)
      header.element_type = UInt32(request.elementType)
      header.address = request.address
      header.bytes = UInt64(request.bytes)
      header.seconds = seconds
      header.count = UInt64(request.payload.count)
      var reply = chdf5server_reply()
      let isReplied =
        chdf5server_send(child, &header, MemoryLayout.size(ofValue: header)) != 0
        && chdf5server_send(child, request.payload, request.payload.count) != 0
        && withUnsafeMutableBytes(of: &reply, receive)
      let count = Int(clamping: reply.count)
      switch (isReplied, Int(reply.status)) {
      case (true, chdf5server_done):
        if body(count, receive) { return .success(()) }
      case (true, chdf5server_refused) where count <= Self.mostWords:
        var words = [UInt8](repeating: 0, count: count)
        if words.withUnsafeMutableBytes(receive) {
          var reply = Reply(words, place)
          if let refusal = try? reply.refusal() { return .failure(refusal.error(at: place)) }
        }
      case (false, _):
        let looked = looked(by: child, at: place)
        state = end(chdf5server_end(child), looked)
        return .failure(ended(state))
      default: break
      }
      // What makes no sense comes of a child that is broken.
      state = end(chdf5server_ending(), looked(by: child, at: place))
      chdf5server_stop(child)
      return .failure(ended(state))
    }
    try result.get()
  }

  /// Bytes of the library's words.
  private static let mostWords = 1 << 13

  /// What a child looks at while it is asked for an object.
  private func looked(by child: chdf5server_child, at place: Place) -> String {
    let looked = UnsafePointer<CChar>(bitPattern: child.place).map { String(cString: $0) } ?? ""
    return looked.hasPrefix("/") ? place.child(String(looked.dropFirst())).object : place.object + looked
  }

  /// What is remembered of a child that has ended.
  private func end(_ ending: chdf5server_ending, _ object: String) -> State {
    let found =
      switch Int(ending.outcome) {
      case chdf5server_slow: "keeps it busy for more than \(Int(seconds)) seconds"
      case chdf5server_large: "takes it more than \(memory >> 20) MiB of memory"
      default: "makes it crash\(ending.code == 0 ? "" : " (signal \(ending.code))")"
      }
    return .ended(object: object, found: found)
  }

  private func ended(_ state: State) -> HDF5Error {
    guard case .ended(let object, let found) = state else { preconditionFailure("the child is there") }
    return .harmful(file: path, object: object, found: found)
  }
}

/// What a child replied, to be read from its start to its end. Nothing in it is trusted: the library may have written over
/// the child's memory.
struct Reply {
  private let bytes: [UInt8]
  private var position = 0
  private let place: Place

  init(_ bytes: [UInt8], _ place: Place) { (self.bytes, self.place) = (bytes, place) }

  var isAtEnd: Bool { position == bytes.count }

  private var broken: HDF5Error {
    .harmful(file: place.file, object: place.object, found: "makes it crash")
  }

  mutating func number() throws(HDF5Error) -> UInt64 {
    guard bytes.count - position >= 8 else { throw broken }
    defer { position += 8 }
    return bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: position, as: UInt64.self) }
  }

  /// A number of things of which each takes a byte at least.
  mutating func count() throws(HDF5Error) -> Int {
    let count = try number()
    guard count <= UInt64(bytes.count - position) else { throw broken }
    return Int(count)
  }

  mutating func flag() throws(HDF5Error) -> Bool { try number() != 0 }

  mutating func numbers() throws(HDF5Error) -> [UInt64] {
    var numbers: [UInt64] = []
    for _ in 0..<(try count()) { numbers.append(try number()) }
    return numbers
  }

  mutating func data() throws(HDF5Error) -> [UInt8] {
    let count = try count()
    defer { position += count }
    return Array(bytes[position..<position + count])
  }

  mutating func text() throws(HDF5Error) -> String { String(decoding: try data(), as: UTF8.self) }

  /// What couldn't be done, and the library's words.
  mutating func refusal() throws(HDF5Error) -> Refusal {
    let (action, general, cause) = (try text(), try text(), try text())
    return Refusal(action: action, reason: Library.reason(general: general, cause: cause))
  }

  /// What `body` reads, or why the library could not.
  mutating func outcome<Value>(
    _ body: (inout Reply) throws(HDF5Error) -> Value
  ) throws(HDF5Error) -> Result<Value, Refusal> {
    switch Int(clamping: try number()) {
    case chdf5server_done: return .success(try body(&self))
    case chdf5server_refused: return .failure(try refusal())
    default: throw broken
    }
  }
}

/// What the library could not do with an object, in its own words.
struct Refusal: Error {
  let action: String
  let reason: String

  /// The error at an object, or at something that is attached to it.
  func error(at place: Place, _ name: String? = nil) -> HDF5Error {
    .failed(
      file: place.file, object: place.object, action: name.map { "\(action) \($0)" } ?? action, reason: reason)
  }
}

extension Result where Failure == Refusal {
  /// What there is, or the error at an object.
  func get(at place: Place, _ name: String? = nil) throws(HDF5Error) -> Success {
    switch self {
    case .success(let value): return value
    case .failure(let refusal): throw refusal.error(at: place, name)
    }
  }
}
