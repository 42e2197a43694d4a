import Files
import Foundation
import Tensors

/// What people take for a checkpoint and isn't one: told by its content, named, with what to do about it.
enum ForeignContent {
  /// What a file is, and what to do; a clause that follows "found".
  static func words(for view: ByteView, path: String) -> String {
    guard view.count > 0 else { return "an empty file: fetch it again" }
    if let pointer = pointer(view) { return pointer }
    if let words = signatures.first(where: { $0.matches(view) })?.words { return words }
    if let text = text(view) { return textWords(text, view, path) }
    if view.integer(UInt8.self, at: 0) == 8, path.lowercased().hasSuffix(".onnx") {
      return "an ONNX model: give the PyTorch checkpoint it was made of"
    }
    if isZeros(view) {
      return "\(view.count) zeros: a download that reserved its room and did not fill it, fetch the file again"
    }
    let first = view.bytes.prefix(8).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
    return "a file of \(view.count) bytes that begins with \(first)"
  }

  /// What is in an archive that is no checkpoint, and how to come to it.
  ///
  /// - Parameters:
  ///   - names: Its files, in the order of the archive.
  ///   - command: What unpacks it.
  static func archiveWords(_ names: [String], _ kind: String, command: String) -> String {
    let plain = names.filter { !$0.hasPrefix("__MACOSX/") && !$0.hasSuffix("/") }
    let endings = [".pt", ".pth", ".ckpt", ".bin", ".safetensors", ".h5", ".hdf5", ".gguf", ".tar", ".zip"]
    if let inner = plain.first(where: { name in endings.contains { name.lowercased().hasSuffix($0) } }) {
      return
        "\(kind) with '\(inner.shownName)' in it: unpack it (\(command)) and give what it holds"
    }
    if let pickle = plain.first(where: { $0 == "data.pkl" || $0.hasSuffix("/data.pkl") }) {
      return
        "\(kind) whose data.pkl stands at '\(pickle.shownName)': a checkpoint that was unpacked and packed anew; "
        + "expected one folder around it: fetch the file as torch.save wrote it"
    }
    if !plain.isEmpty, plain.allSatisfy({ $0.hasSuffix(".npy") }) {
      return
        "a NumPy archive (.npz) of \(plain.count) arrays: save their tensors with torch.save or safetensors"
    }
    guard !plain.isEmpty else { return "\(kind) without files: fetch it again" }
    let listed = plain.map { "'\($0.shown(atMost: 60))'" }.listed(3)
    return "\(kind) of \(listed), no weights among them"
  }

  /// The text that stands for a large file in a repository.
  /// Source: git-lfs docs/spec.md; git-annex, "pointer file".
  private static func pointer(_ view: ByteView) -> String? {
    if view.has("version https://git-lfs.github.com/spec/", at: 0) {
      let lines = String(decoding: view.bytes.prefix(1024), as: UTF8.self).split(separator: "\n")
      let size = lines.first { $0.hasPrefix("size ") }.flatMap { Int($0.dropFirst(5)) }
      let of = size.map { " to \($0) bytes" } ?? ""
      return
        "a Git LFS pointer\(of), not the weights: fetch them with `git lfs pull`, or download the file itself"
    }
    if view.has("/annex/objects/", at: 0) {
      return "a git-annex pointer, not the weights: fetch them with `git annex get`"
    }
    return nil
  }

  private struct Signature {
    var offset = 0
    let bytes: [UInt8]
    let words: String

    func matches(_ view: ByteView) -> Bool {
      view.slice(at: offset, count: bytes.count)?.elementsEqual(bytes) == true
    }
  }

  private static let signatures: [Signature] = [
    Signature(
      bytes: [0x1f, 0x8b], words: "a gzip archive: unpack it (tar xzf, or gunzip) and give what it holds"),
    Signature(
      bytes: Array("BZh".utf8), words: "a bzip2 archive: unpack it (tar xjf, or bunzip2) and give what it holds"
    ),
    Signature(
      bytes: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0],
      words: "an xz archive: unpack it (tar xJf, or unxz) and give what it holds"),
    Signature(
      bytes: [0x28, 0xb5, 0x2f, 0xfd], words: "a zstd archive: unpack it (unzstd) and give what it holds"),
    Signature(
      bytes: [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c], words: "a 7z archive: unpack it and give what it holds"),
    Signature(bytes: Array("Rar!".utf8), words: "a RAR archive: unpack it and give what it holds"),
    Signature(
      bytes: [0x93] + Array("NUMPY".utf8),
      words: "a NumPy array (.npy): save the model's tensors with torch.save or safetensors"),
    Signature(
      bytes: [0x80],
      words: "a bare pickle: save its tensors with torch.save, if you trust it: to load it runs what it says"),
    Signature(
      offset: 4, bytes: Array("TFL3".utf8), words: "a TFLite model: give the PyTorch checkpoint it was made of"),
    Signature(
      bytes: [0x89] + Array("PNG".utf8),
      words: "a PNG picture: the model's weights belong here, pictures go to --image"),
    Signature(
      bytes: [0xff, 0xd8, 0xff],
      words: "a JPEG picture: the model's weights belong here, pictures go to --image"),
    Signature(
      offset: 4, bytes: Array("ftyp".utf8),
      words: "a video: the model's weights belong here, videos go to --video"),
  ]

  /// How a file begins, where that is text.
  private static func text(_ view: ByteView) -> String? {
    var first = Array(view.bytes.prefix(1024))
    if first.starts(with: [0xef, 0xbb, 0xbf]) { first.removeFirst(3) }
    // Of more than was looked at the last character may be cut.
    let text = String(decoding: first, as: UTF8.self)
    let isText = text.unicodeScalars.dropLast(view.count > 1024 ? 4 : 0).allSatisfy {
      $0.value >= 0x20 && $0 != "\u{fffd}" || ["\t", "\n", "\r"].contains($0)
    }
    return isText ? text.trimmingCharacters(in: .whitespacesAndNewlines) : nil
  }

  private static func textWords(_ text: String, _ view: ByteView, _ path: String) -> String {
    let lower = text.lowercased()
    if lower.hasPrefix("<!doctype html") || lower.hasPrefix("<html") || lower.hasPrefix("<head") {
      return "a web page of \(view.count) bytes: the address led to a page and not to the file, "
        + "download the file itself (its \"download\" or \"raw\" link)"
    }
    if text.hasPrefix("<") {
      let code = text.firstRange(of: "<Code>").map { text[$0.upperBound...].prefix { $0 != "<" } }
      return
        "a server's answer in XML\(code.map { " ('\($0.shown(atMost: 40))')" } ?? ""): the download was refused, "
        + "ask for the file again"
    }
    if [".yaml", ".yml"].contains(where: path.lowercased().hasSuffix) {
      return "a YAML text: the model's weights belong here, its configuration goes to --config"
    }
    let line = text.split(whereSeparator: \.isNewline).first.map { $0.shown(atMost: 60) } ?? ""
    if text.hasPrefix("{") || text.hasPrefix("[") {
      return
        "a JSON text that begins with '\(line)': the download was refused, or this is not the weights' file"
    }
    return "a text of \(view.count) bytes that begins with '\(line)': not the weights' file, download that"
  }

  /// Whether the first and the last bytes are zeros.
  private static func isZeros(_ view: ByteView) -> Bool {
    view.count > 512 && view.bytes.prefix(1 << 16).allSatisfy { $0 == 0 }
      && view.bytes.suffix(1 << 16).allSatisfy { $0 == 0 }
  }
}
