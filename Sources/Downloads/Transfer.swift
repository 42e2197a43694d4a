import Files
import Foundation

/// One request, made by curl: it knows TLS, proxies and redirects, and hands on the bytes as they come.
///
/// `URLSession` would bring another libcurl into this program, whose start would then take longer than inspecting a
/// file does.
struct Transfer {
  let url: String
  /// The first byte that is wanted.
  var offset = 0
  /// What the bytes before it came with: the server is to send the rest only of that version.
  var validator: String?

  /// What comes of the answer.
  enum Part {
    /// The head, those of redirects left out.
    case header(HTTPHeader)
    /// The next bytes of the body.
    case body(UnsafeRawBufferPointer)
  }

  /// How it ended: curl's exit status, 0 when all was received, and its own words.
  struct Outcome {
    let code: Int32
    let words: String
  }

  /// Asks for the file and hands each part of the answer to `handle`.
  ///
  /// - Throws: `DownloadError.noCurl`, `.answer`, and what `handle` throws, which ends the transfer.
  func run(_ handle: (Part) throws -> Void) throws -> Outcome {
    let curl = Process()
    curl.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    curl.arguments = ["curl"] + arguments
    let (output, errors) = (Pipe(), Pipe())
    curl.standardInput = FileHandle.nullDevice
    curl.standardOutput = output
    curl.standardError = errors
    do {
      try PartialFiles.addChild {
        try curl.run()
        return curl.processIdentifier
      }
    } catch { throw DownloadError.noCurl(reason: "\(error.localizedDescription)") }
    var isDone = false
    defer {
      if !isDone {
        kill(curl.processIdentifier, SIGKILL)
        curl.waitUntilExit()
      }
      PartialFiles.removeChild(curl.processIdentifier)
    }
    let isAnswered = try pass(output.fileHandleForReading.fileDescriptor, handle)
    let words = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    curl.waitUntilExit()
    isDone = true
    let code = curl.terminationStatus
    if code == 127 { throw DownloadError.noCurl(reason: "found none in the folders of PATH") }
    if code == 0, !isAnswered { throw DownloadError.answer(url: url, found: "none") }
    return Outcome(code: code, words: Self.plain(words))
  }

  /// Without what curl's own configuration would add.
  private var arguments: [String] {
    var arguments = [
      "--disable", "--silent", "--show-error", "--include", "--suppress-connect-headers", "--no-buffer",
    ]
    arguments += ["--globoff", "--location", "--max-redirs", "10", "--connect-timeout", "30"]
    // Given up, to be resumed, when next to nothing comes for a minute.
    arguments += ["--speed-limit", "1000", "--speed-time", "60"]
    // From a safe connection never to an unsafe one.
    let isSafe = url.lowercased().hasPrefix("https:")
    arguments += [
      "--proto", isSafe ? "=https" : "=http,https", "--proto-redir", isSafe ? "=https" : "=http,https",
    ]
    if offset > 0 {
      arguments += ["--header", "Range: bytes=\(offset)-"]
      if let validator { arguments += ["--header", "If-Range: \(validator)"] }
    }
    return arguments + ["--url", url]
  }

  /// Passes on what comes.
  ///
  /// - Returns: Whether there was a header.
  private func pass(_ descriptor: Int32, _ handle: (Part) throws -> Void) throws -> Bool {
    var head: [UInt8] = []
    var isBody = false
    var buffer = [UInt8](repeating: 0, count: 1 << 18)
    while true {
      let count = read(descriptor, &buffer, buffer.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return isBody }
      if isBody {
        try buffer.withUnsafeBytes { try handle(.body(UnsafeRawBufferPointer(rebasing: $0[..<count]))) }
        continue
      }
      head += buffer[..<count]
      while !isBody, let end = Self.endOfHeader(head) {
        guard let header = HTTPHeader(String(decoding: head[..<end], as: UTF8.self)) else {
          throw DownloadError.answer(url: url, found: "another protocol")
        }
        head.removeFirst(end)
        if header.isFollowed { continue }
        try handle(.header(header))
        isBody = true
        if !head.isEmpty { try head.withUnsafeBytes { try handle(.body($0)) } }
      }
      guard isBody || head.count <= Self.longestHeader else {
        throw DownloadError.answer(url: url, found: "a header of more than \(Self.longestHeader) bytes")
      }
    }
  }

  private static let longestHeader = 1 << 18

  /// Behind the empty line.
  private static func endOfHeader(_ bytes: [UInt8]) -> Int? {
    bytes.firstRange(of: Array("\r\n\r\n".utf8))?.upperBound
  }

  /// `curl: (6) Could not resolve host: x` without its beginning.
  private static func plain(_ words: String) -> String {
    let line = words.split(whereSeparator: \.isNewline).last.map(String.init) ?? "no reason given"
    return line.hasPrefix("curl: (")
      ? line.firstRange(of: ") ").map { String(line[$0.upperBound...]) } ?? line : line
  }
}

/// The head of an HTTP answer: its status and fields.
/// Source: RFC 9112, sections 4 and 5; RFC 9110, sections 14.4 and 15.
struct HTTPHeader: Equatable {
  let status: Int
  let reason: String
  /// By lower-case name; of repeated fields the last.
  let fields: [String: String]

  /// Reads the lines up to the empty one, or nil where they are no header.
  init?(_ text: String) {
    var lines = text.split(whereSeparator: \.isNewline)
    guard let first = lines.first?.split(separator: " ", maxSplits: 2), first.count >= 2,
      first[0].hasPrefix("HTTP/"), let status = Int(first[1])
    else { return nil }
    lines.removeFirst()
    self.status = status
    reason = first.count > 2 ? String(first[2]) : ""
    var fields: [String: String] = [:]
    for line in lines {
      guard let colon = line.firstIndex(of: ":") else { continue }
      let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
      fields[line[..<colon].lowercased()] = String(value)
    }
    self.fields = fields
  }

  /// Whether another answer follows: this one is provisional, or leads elsewhere.
  var isFollowed: Bool {
    (100..<200).contains(status) || [301, 302, 303, 307, 308].contains(status) && fields["location"] != nil
  }

  /// How many bytes the answer has.
  var contentLength: Int? { fields["content-length"].flatMap { Int($0) } }

  /// Where in the file the answer begins, and how long the file is, if that is said: `bytes 5-9/10`, `bytes */10`.
  var contentRange: (start: Int?, total: Int?)? {
    guard let field = fields["content-range"], field.lowercased().hasPrefix("bytes ") else { return nil }
    let parts = field.dropFirst("bytes ".count).split(separator: "/", maxSplits: 1)
    guard parts.count == 2 else { return nil }
    return (parts[0].split(separator: "-").first.flatMap { Int($0) }, Int(parts[1]))
  }

  /// What identifies this version of the file towards the server: a strong entity tag, else the date of its last change.
  var validator: String? {
    if let tag = fields["etag"], !tag.hasPrefix("W/") { return tag }
    return fields["last-modified"]
  }
}
