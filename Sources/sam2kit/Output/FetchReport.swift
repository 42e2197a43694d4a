import Downloads

/// What `fetch` says in the end.
struct FetchReport: Encodable {
  let path: String
  let variant: String
  let url: String
  let bytes: Int?
  let sha256: String?
  /// `present` when the file was there and only verified, `resumed` or `downloaded`.
  let status: String

  init(_ result: Download.Result) {
    path = result.path
    variant = result.item.variant
    url = result.item.url
    bytes = result.item.bytes
    sha256 = result.item.sha256
    status = result.wasThere ? "present" : result.resumedFrom > 0 ? "resumed" : "downloaded"
  }

  /// The same for people.
  var text: String {
    let action = status == "present" ? "was there, verified" : status
    return "\(path)  \(variant)  \(bytes?.bytes ?? "")  \(action)  sha256 \(sha256 ?? "")"
  }

  /// How far it is, how fast, and how long it may take.
  static func line(_ progress: Download.Progress, _ variant: String, since start: ContinuousClock.Instant)
    -> String
  {
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    let speed = Double(progress.received - progress.resumedFrom) / max(seconds, 0.001)
    var line = "\(variant)  \(progress.received.bytes)"
    if let total = progress.total {
      line += " of \(total.bytes)"
      if speed > 0 { line += "  \(Int(Double(total - progress.received) / speed)) s left" }
    }
    return line + "  \(Int(speed).bytes)/s"
  }
}

/// A variant that the manifest lacks.
struct UnknownDownload: Error, CustomStringConvertible {
  let variant: String
  let known: CheckpointManifest

  var description: String {
    "\(variant): expected one of \(known.checkpoints.map(\.variant).joined(separator: ", "))"
  }
}

/// A file that holds another model than its name says.
struct WrongModel: Error, CustomStringConvertible {
  let path: String
  let expected: String
  let found: String

  var description: String { "\(path): expected \(expected), found \(found)" }
}
