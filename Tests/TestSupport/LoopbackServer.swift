public import Foundation
import Synchronization

/// An HTTP server on this machine's loopback address that answers as a test says: whole files, parts, cut-off ones.
public final class LoopbackServer: Sendable {
  /// What a client asked for.
  public struct Request: Sendable {
    /// Such as `/model.pt`.
    public let path: String
    /// By lower-case name.
    public let fields: [String: String]

    /// The first byte that is wanted, where not all is.
    public var start: Int? {
      fields["range"].flatMap { Int($0.dropFirst("bytes=".count).prefix { $0 != "-" }) }
    }
  }

  /// What it gets.
  public struct Response: Sendable {
    /// Code and reason, such as `404 Not Found`.
    public var status: String
    /// The header's fields; a length is added where there is none, and an empty field is left out.
    public var fields: [String: String]
    /// What comes behind the header.
    public var body: Data
    /// Bytes of the body after which the connection is closed, if before its end.
    public var cut: Int?
    /// Keeps the connection open after the body until it says so.
    var isReleased: @Sendable () -> Bool = { true }

    /// An answer of these parts.
    public init(_ status: String, _ fields: [String: String] = [:], _ body: Data = Data(), cut: Int? = nil) {
      self.status = status
      self.fields = fields
      self.body = body
      self.cut = cut
    }

    /// The same with the connection kept open until `isReleased`, for ten seconds at most.
    public func held(until isReleased: @escaping @Sendable () -> Bool) -> Response {
      var held = self
      held.isReleased = isReleased
      return held
    }

    /// A file as servers send it: the rest of it where the client asks for that of this version.
    public static func file(_ content: Data, tag: String, to request: Request, cut: Int? = nil) -> Response {
      let fields = ["ETag": tag, "Accept-Ranges": "bytes"]
      guard let start = request.start, request.fields["if-range"].map({ $0 == tag }) ?? true else {
        return Response("200 OK", fields, content, cut: cut)
      }
      guard start < content.count else {
        return Response("416 Range Not Satisfiable", ["Content-Range": "bytes */\(content.count)"])
      }
      let range = ["Content-Range": "bytes \(start)-\(content.count - 1)/\(content.count)"]
      return Response(
        "206 Partial Content", fields.merging(range) { $1 }, content.dropFirst(start), cut: cut)
    }
  }

  private let descriptor: Int32
  private let port: UInt16
  private let answer: @Sendable (Request) -> Response
  private let seen = Mutex<[Request]>([])

  /// What was asked for until now.
  public var requests: [Request] { seen.withLock { $0 } }

  /// The address of a path.
  public func url(_ path: String) -> String { "http://127.0.0.1:\(port)\(path)" }

  /// Starts a server on a free port; it ends with the object.
  public init(_ answer: @escaping @Sendable (Request) -> Response) throws {
    self.answer = answer
    #if canImport(Darwin)
      descriptor = socket(AF_INET, SOCK_STREAM, 0)
    #else
      descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    #endif
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr = in_addr(s_addr: UInt32(0x7f00_0001).bigEndian)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let socket = descriptor
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(socket, $0, length) == 0 && listen(socket, 16) == 0 && getsockname(socket, $0, &length) == 0
      }
    }
    port = UInt16(bigEndian: address.sin_port)
    guard isBound else { throw CocoaError(.fileReadUnknown) }
    Thread.detachNewThread { [weak self] in
      while true {
        let client = accept(socket, nil, nil)
        guard client >= 0, let self else { break }
        self.serve(client)
      }
    }
  }

  deinit {
    shutdown(descriptor, Int32(SHUT_RDWR))
    close(descriptor)
  }

  private func serve(_ client: Int32) {
    defer { close(client) }
    var head: [UInt8] = []
    var byte: UInt8 = 0
    while !head.suffix(4).elementsEqual("\r\n\r\n".utf8) {
      guard read(client, &byte, 1) == 1, head.count < 1 << 16 else { return }
      head.append(byte)
    }
    let lines = String(decoding: head, as: UTF8.self).split(separator: "\r\n")
    guard let first = lines.first?.split(separator: " "), first.count == 3 else { return }
    let pairs = lines.dropFirst().compactMap { line -> (String, String)? in
      let parts = line.split(separator: ":", maxSplits: 1)
      return parts.count == 2 ? (parts[0].lowercased(), parts[1].trimmingCharacters(in: .whitespaces)) : nil
    }
    let request = Request(path: String(first[1]), fields: Dictionary(pairs) { $1 })
    seen.withLock { $0.append(request) }
    let response = answer(request)
    send(response, to: client)
    wait { response.isReleased() }
  }

  private func send(_ response: Response, to client: Int32) {
    var fields = response.fields
    if fields["Content-Length"] == nil { fields["Content-Length"] = "\(response.body.count)" }
    fields["Connection"] = "close"
    let lines = fields.filter { !$0.value.isEmpty }.map { "\($0.key): \($0.value)\r\n" }.joined()
    let head = Data("HTTP/1.1 \(response.status)\r\n\(lines)\r\n".utf8)
    for part in [head, Data(response.body.prefix(response.cut ?? .max))] {
      part.withUnsafeBytes { (bytes: UnsafeRawBufferPointer) in
        var sent = 0
        while sent < bytes.count {
          let rest = UnsafeRawBufferPointer(rebasing: bytes[sent...])
          #if canImport(Darwin)
            let written = write(client, rest.baseAddress, rest.count)
          #else
            let written = Glibc.send(client, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
          #endif
          guard written > 0 else { return }
          sent += written
        }
      }
    }
  }
}
