import Foundation

/// One request for the rest of a file.
struct Attempt {
  let item: CheckpointManifest.Item
  let part: PartialDownload
  let progress: (PartialDownload) -> Void

  /// How it ended, where it is worth another one.
  enum Ending {
    case whole
    case brokeOff(reason: String)
    case refused(HTTPHeader)
  }

  /// Appends what comes to `part`, which is begun again where the server's file is another one by now.
  ///
  /// - Throws: What another attempt would not cure.
  func run() throws -> Ending {
    let transfer = Transfer(url: item.url, offset: part.count, validator: part.note?.validator)
    var ending: Ending?
    var told = ContinuousClock.now
    let outcome = try transfer.run { answer in
      switch answer {
      case .header(let header): ending = try accept(header)
      case .body(let bytes):
        // The body of another answer is of no interest.
        guard ending == nil else { return }
        if let most = item.bytes ?? part.note?.bytes, part.count + bytes.count > most {
          let found = part.count + bytes.count
          // It is no beginning of the right one.
          try part.restart()
          throw DownloadError.tooLong(url: item.url, expected: most, found: found)
        }
        try part.append(bytes)
        guard ContinuousClock.now - told > .milliseconds(100) else { return }
        told = .now
        progress(part)
      }
    }
    if let ending { return ending }
    let expected = part.note?.bytes
    if outcome.code == 0, part.count >= expected ?? 0 { return .whole }
    // curl's statuses for a connection that ends, stalls or is reset on the way, or before an answer.
    let isPassing = [0, 18, 28, 52, 55, 56, 92, 95].contains(outcome.code)
    guard isPassing || part.count > 0 else {
      throw DownloadError.unreachable(url: item.url, reason: outcome.words)
    }
    return .brokeOff(reason: outcome.code == 0 ? "it was closed" : outcome.words)
  }

  /// What an answer means, before its body: nil where the body is the file's.
  private func accept(_ header: HTTPHeader) throws -> Ending? {
    switch header.status {
    case 200:
      try part.restart()
      try checkLength(header.contentLength)
      try part.begin(
        PartialDownload.Note(url: item.url, validator: header.validator, bytes: header.contentLength))
      return nil
    case 206:
      let range = header.contentRange
      try checkLength(range?.total)
      guard range?.start == part.count, part.note?.bytes == nil || range?.total == part.note?.bytes else {
        throw DownloadError.answer(url: item.url, found: "bytes that were not asked for")
      }
      return nil
    case 416 where part.count > 0:
      if header.contentRange?.total == part.count { return .whole }
      try part.restart()
      return .brokeOff(reason: "the file became shorter on the server")
    // Too slow, too many requests, and what is wrong with the server itself.
    case 408, 429, 500...: return .refused(header)
    default: throw DownloadError.status(url: item.url, code: header.status, reason: header.reason)
    }
  }

  private func checkLength(_ announced: Int?) throws {
    if let announced, let expected = item.bytes, announced != expected {
      throw DownloadError.length(name: item.url, expected: expected, found: announced)
    }
  }
}
