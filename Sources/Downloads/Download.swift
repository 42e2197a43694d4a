import Files
import Foundation

/// A checkpoint on its way from a server to a file: resumed where it broke off, verified, and in place only when whole.
public struct Download {
  /// How far it is.
  public struct Progress: Equatable, Sendable {
    /// Bytes on the disk.
    public let received: Int
    /// Bytes in all, if known.
    public let total: Int?
    /// Bytes that were there when it began.
    public let resumedFrom: Int
  }

  /// What came of it.
  public struct Result: Equatable, Sendable {
    /// Where the file is.
    public let path: String
    /// What is known of it now: length and SHA-256 as found.
    public let item: CheckpointManifest.Item
    /// Whether it was there already, and only verified.
    public let wasThere: Bool
    /// Bytes of an earlier attempt that did not have to be asked for again.
    public let resumedFrom: Int
  }

  private let item: CheckpointManifest.Item
  private let target: String
  /// Attempts in a row that bring nothing before it is given up.
  private let attempts: Int
  private let pause: Duration

  /// A download of `item` to `path`.
  ///
  /// - Parameters:
  ///   - attempts: How often in a row the connection may break off without a new byte.
  ///   - pause: How long to wait after the first time; twice as long after the second, and so on.
  public init(
    _ item: CheckpointManifest.Item, to path: String, attempts: Int = 4, pause: Duration = .seconds(1)
  ) {
    self.item = item
    target = path
    self.attempts = attempts
    self.pause = pause
  }

  /// Downloads the file unless it is there, and verifies it.
  ///
  /// - Parameters:
  ///   - replaces: Download it even where a file is there.
  ///   - check: Says whether a whole file of the right length and digest is what it should be, by throwing if not.
  ///   - progress: Is told how far it is.
  /// - Throws: `DownloadError`, `FileError`, what `check` throws. What has come stays beside the target where it can be
  ///   resumed, and is removed where it is wrong; the target is as it was.
  public func run(
    replaces: Bool = false, check: (_ path: String) throws -> Void = { _ in },
    progress: @escaping (Progress) -> Void = { _ in }
  ) throws -> Result {
    if !replaces, FilePath.exists(target) { return try verifyPresent(check) }
    let part = try PartialDownload(for: target, url: item.url)
    let start = part.count
    do {
      try receive(into: part) { part in
        progress(Progress(received: part.count, total: part.note?.bytes, resumedFrom: start))
      }
    } catch {
      if part.count == 0 { part.discard() }
      throw error
    }
    let found: CheckpointManifest.Item
    do {
      found = try verified(part.path, announced: part.note?.bytes)
      try check(part.path)
    } catch {
      part.discard()
      throw error
    }
    try part.commit(to: target)
    return Result(path: target, item: found, wasThere: false, resumedFrom: start)
  }

  private func verifyPresent(_ check: (String) throws -> Void) throws -> Result {
    let found: CheckpointManifest.Item
    do { found = try verified(target) } catch let error as DownloadError {
      switch error {
      case .length(_, let expected, let found):
        throw DownloadError.differs(path: target, expected: "\(expected) bytes", found: "\(found)")
      case .digest(_, let expected, let found):
        throw DownloadError.differs(path: target, expected: "SHA-256 \(expected)", found: found)
      default: throw error
      }
    }
    try check(target)
    return Result(path: target, item: found, wasThere: true, resumedFrom: 0)
  }

  /// What the file is, if it is what was expected.
  private func verified(_ path: String, announced: Int? = nil) throws -> CheckpointManifest.Item {
    let file = try MappedFile(path: path)
    var found = item
    found.bytes = file.bytes.count
    if let expected = item.bytes ?? announced, expected != file.bytes.count {
      throw DownloadError.length(name: path, expected: expected, found: file.bytes.count)
    }
    let digest = withExtendedLifetime(file) { SHA256.hex(of: file.bytes) }
    if let expected = item.sha256, expected != digest {
      throw DownloadError.digest(name: path, expected: expected, found: digest)
    }
    found.sha256 = digest
    return found
  }

  /// Asks for what is missing until all is there.
  private func receive(into part: PartialDownload, _ progress: @escaping (PartialDownload) -> Void) throws {
    var fruitless = 0
    while part.note?.bytes.map({ part.count < $0 }) ?? true {
      let before = part.count
      let ending = try Attempt(item: item, part: part, progress: progress).run()
      fruitless = part.count > before ? 0 : fruitless + 1
      switch ending {
      case .whole: return
      case .brokeOff(let reason) where fruitless >= attempts:
        throw DownloadError.brokeOff(
          url: item.url, received: part.count, expected: part.note?.bytes ?? item.bytes, reason: reason)
      case .refused(let header) where fruitless >= attempts:
        throw DownloadError.status(url: item.url, code: header.status, reason: header.reason)
      default: Thread.sleep(forTimeInterval: pause / .seconds(1) * Double(1 << max(0, fruitless - 1)))
      }
    }
  }
}

/// Why a checkpoint could not be downloaded.
public enum DownloadError: Error, Equatable, CustomStringConvertible {
  /// A manifest that is not of its form.
  case manifest(origin: String, found: String)
  /// The program that speaks HTTP can't be started.
  case noCurl(reason: String)
  /// The server can't be reached or the connection can't be made.
  case unreachable(url: String, reason: String)
  /// An answer other than the file.
  case status(url: String, code: Int, reason: String)
  /// An answer that is no HTTP.
  case answer(url: String, found: String)
  /// The connection broke off again and again.
  case brokeOff(url: String, received: Int, expected: Int?, reason: String)
  /// A file of another length than expected.
  case length(name: String, expected: Int, found: Int)
  /// More bytes came than there should be, and the rest was not waited for.
  case tooLong(url: String, expected: Int, found: Int)
  /// A file with another SHA-256 than expected.
  case digest(name: String, expected: String, found: String)
  /// Another program is downloading the same file.
  case busy(path: String)
  /// A file that was there before is not the one that was asked for.
  case differs(path: String, expected: String, found: String)

  /// One sentence: the thing, what was expected, what was found.
  public var description: String {
    switch self {
    case .manifest(let origin, let found): "\(origin): expected a manifest of checkpoints, found \(found)"
    case .noCurl(let reason): "expected the program curl, which does the download: \(reason)"
    case .unreachable(let url, let reason): "\(url): can't be reached: \(reason)"
    case .status(let url, let code, let reason):
      "\(url): expected the file, found the answer \(code)\(reason.isEmpty ? "" : " \(reason)")"
    case .answer(let url, let found): "\(url): expected an HTTP answer, found \(found)"
    case .brokeOff(let url, let received, let expected, let reason):
      "\(url): expected \(expected.map { "\($0) bytes" } ?? "the whole file"), found that the connection broke off after "
        + "\(received): \(reason); the same command goes on from there"
    case .length(let name, let expected, let found): "\(name): expected \(expected) bytes, found \(found)"
    case .tooLong(let url, let expected, let found):
      "\(url): expected \(expected) bytes, found \(found) and more to come; nothing of it was kept"
    case .digest(let name, let expected, let found): "\(name): expected SHA-256 \(expected), found \(found)"
    case .busy(let path): "\(path): another program is downloading it"
    case .differs(let path, let expected, let found):
      "\(path): expected \(expected) in the file that is there, found \(found); --force replaces it"
    }
  }
}
