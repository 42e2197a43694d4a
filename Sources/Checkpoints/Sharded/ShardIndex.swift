import Files
import Foundation
import Tensors

/// The index of a model in several files: which file of its folder holds which tensor.
/// Source: huggingface_hub, docs of split_torch_state_dict_into_shards; transformers' save_pretrained.
struct ShardIndex {
  /// The path of the index.
  let path: String
  /// The file of every tensor.
  let places: [String: String]
  /// Every file's name, in order.
  let files: [String]
  /// What all tensors take, where the index says so.
  let totalBytes: Int?

  private struct Contents: Decodable {
    struct Metadata: Decodable {
      let totalBytes: Double?

      enum CodingKeys: String, CodingKey { case totalBytes = "total_size" }

      init(from decoder: any Decoder) throws {
        totalBytes = try? decoder.container(keyedBy: CodingKeys.self).decode(Double.self, forKey: .totalBytes)
      }
    }

    let metadata: Metadata?
    let places: [String: String]

    enum CodingKeys: String, CodingKey {
      case metadata
      case places = "weight_map"
    }
  }

  /// How an index is called.
  static let ending = ".index.json"
  private static let mostBytes = 32 << 20
  /// Every one of them stays open.
  private static let mostFiles = 256

  /// Whether a file is one: JSON that speaks of a `weight_map`.
  static func begins(_ view: ByteView) -> Bool {
    let first = view.bytes.prefix(64).first { ![0x20, 0x09, 0x0a, 0x0d].contains($0) }
    guard first == 0x7b, let start = view.slice(at: 0, count: min(view.count, 1 << 16)) else { return false }
    return ByteView(bytes: start).nextOffset(of: Array("\"weight_map\"".utf8), from: 0) != nil
  }

  /// Reads the index; its files are looked for in its own folder and nowhere else.
  init(_ file: MappedFile) throws(ShardError) {
    path = file.path
    guard file.bytes.count <= Self.mostBytes else {
      throw .index(expected: "at most \(Self.mostBytes) bytes", found: "\(file.bytes.count)")
    }
    let data = withExtendedLifetime(file) { Data(file.bytes) }
    guard let contents = try? JSONDecoder().decode(Contents.self, from: data) else {
      throw .index(expected: "JSON with names and files in 'weight_map'", found: "something else")
    }
    places = contents.places
    files = Set(places.values).sorted()
    totalBytes = contents.metadata?.totalBytes.flatMap(Int.init(exactly:))
    guard 1...Self.mostFiles ~= files.count else {
      throw .index(expected: "1 to \(Self.mostFiles) files", found: "\(files.count)")
    }
    for file in files where !Self.isPlain(file) { throw .unsafeName(file) }
    let missing = files.filter { !FilePath.exists(path(of: $0)) }
    guard missing.isEmpty else { throw .missing(missing, of: files.count) }
  }

  /// Where a file of the model lies.
  func path(of file: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return file }
    return path[...slash] + file
  }

  /// A name in the index's own folder: not a path, and none that shells or systems read otherwise.
  private static func isPlain(_ name: String) -> Bool {
    !name.isEmpty && !name.hasPrefix(".") && name.utf8.count <= 255
      && name.unicodeScalars.allSatisfy { $0.isShown && !["/", "\\", ":"].contains($0) }
  }

  /// `00002` and `00005` of `model-00002-of-00005.safetensors`; nil for other names.
  static func part(ofName path: String) -> (number: Int, count: Int)? {
    let name = path.split(separator: "/").last ?? ""
    guard let dot = name.lastIndex(of: "."), let of = name.firstRange(of: "-of-"),
      case let before = name[..<of.lowerBound].suffix(5), case let after = name[of.upperBound..<dot],
      before.count == 5, after.count == 5, let number = Int(before), let count = Int(after), count > 1
    else { return nil }
    return (number, count)
  }
}

/// Why a model in several files can't be put together.
public enum ShardError: Error, Equatable, Sendable, CustomStringConvertible {
  /// An index that is none.
  case index(expected: String, found: String)
  /// A file's name that leaves the index's folder.
  case unsafeName(String)
  /// Files that the index names and that aren't there.
  case missing([String], of: Int)
  /// A file that is no file of weights by itself.
  case kind(file: String)
  /// A tensor in two of the files.
  case twice(name: String, first: String, second: String)
  /// A tensor that isn't in the file that the index has for it.
  case absent(name: String, file: String)
  /// Tensors of a file that the index doesn't have.
  case unlisted(name: String, file: String)
  /// Tensors that take another number of bytes together than the index says.
  case total(expected: Int, found: Int)

  /// One sentence: the thing, what was expected, what was found.
  public var description: String {
    switch self {
    case .index(let expected, let found): "the index: expected \(expected), found \(found)"
    case .unsafeName(let name):
      "the index: expected names of files beside it, found '\(name.shownName)'"
    case .missing(let names, let count):
      "expected \(count) files beside the index, found none of \(names.map { "'\($0.shownName)'" }.listed(4))"
        + ": fetch \(names.count == 1 ? "it" : "them") too"
    case .kind(let file):
      "'\(file.shownName)': expected a file with a part of the tensors, found another index or archive"
    case .twice(let name, let first, let second):
      "expected '\(name.shownName)' in one file, found it in '\(first.shownName)' and '\(second.shownName)'"
    case .absent(let name, let file):
      "expected '\(name.shownName)' in '\(file.shownName)' as the index says, found none"
    case .unlisted(let name, let file):
      "expected every tensor in the index, found '\(name.shownName)' in '\(file.shownName)' only"
    case .total(let expected, let found):
      "expected tensors of \(expected) bytes together as the index says, found \(found)"
    }
  }
}
