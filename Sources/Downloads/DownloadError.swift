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
    case .digest(let name, let expected, let found): "\(name): expected SHA-256 \(expected), found \(found)"
    case .busy(let path): "\(path): another program is downloading it"
    case .differs(let path, let expected, let found):
      "\(path): expected \(expected) in the file that is there, found \(found); --force replaces it"
    }
  }
}
