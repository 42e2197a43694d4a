import Tensors

/// Why an archive that is a proper zip is no usable torch checkpoint.
public enum TorchError: Error, Equatable, Sendable, CustomStringConvertible {
  /// No entry `<root>/data.pkl`.
  case noPickle
  /// More than one `data.pkl`.
  case secondPickle([String])
  /// Entries under different folders.
  case twoRoots(String, String)
  /// An archive of TorchScript: a program, not only data.
  case torchScript(entry: String)
  /// A byte order other than little.
  case byteOrder(found: String)
  /// A storage without an entry.
  case missingStorage(key: String)
  /// A storage whose entry holds another number of bytes than its elements take.
  case storageSize(key: String, expected: Int?, found: Int)
  /// No state dict was found.
  case noStateDict(found: String)
  /// A state dict's item that is no tensor.
  case notATensor(name: String, found: String)
  /// A name that two tensors to be written share.
  case duplicateName(String)
  /// Views that stand for more bytes than the reading limits allow.
  case viewBomb(name: String, limit: Int)

  /// One sentence: the thing, what was expected, what was found.
  public var description: String {
    switch self {
    case .noPickle: "expected a torch archive with data.pkl, found a zip without"
    case .secondPickle(let names):
      "expected one data.pkl, found \(names.map { "'\($0)'" }.joined(separator: ", "))"
    case .twoRoots(let first, let second):
      "expected all entries in one folder, found '\(first)' and '\(second)'"
    case .torchScript(let entry):
      "expected a torch.save checkpoint, found TorchScript ('\(entry)'): resave its tensors in PyTorch "
        + "with torch.save(torch.jit.load(path).state_dict(), new_path)"
    case .byteOrder(let found): "expected byte order 'little', found '\(found)'"
    case .missingStorage(let key): "expected an entry data/\(key) for storage \(key), found none"
    case .storageSize(let key, let expected, let found):
      "expected storage \(key) to hold \(expected.map { "\($0)" } ?? "more than 2^63") bytes, found \(found)"
    case .noStateDict(let found):
      "expected a state dict, bare or under a key such as 'model' or 'state_dict', found \(found)"
    case .notATensor(let name, let found): "expected '\(name)' of the state dict to be a tensor, found \(found)"
    case .duplicateName(let name): "expected every tensor's name once, found '\(name)' twice"
    case .viewBomb(let name, let limit):
      "expected tensors of at most \(limit) bytes together, found more from '\(name)' on"
    }
  }
}
