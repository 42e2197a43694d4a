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
