/// How the words beside the tensors are called in GGUF, where keys are dotted ASCII: `sam2_variant` is
/// `sam2.variant`, any other `note` is `sam2kit.note`, and what begins with `general.` keeps its name. Bytes
/// that such keys lack are written `%` and two hexadecimal digits.
enum GGUFKeys {
  static let architecture = "general.architecture"
  static let alignment = "general.alignment"
  /// A list of every tensor's full name, in the file's order, where one is too long to be stored; see `GGUFNames`.
  static let fullNames = "tensors.full_names"
  /// Keys that the format itself needs, which are no words of the checkpoint's.
  private static let reserved: Set<String> = [architecture, alignment, fullNames]

  /// The key for a word.
  static func key(of word: String) -> String {
    if word.hasPrefix("general."), !reserved.contains(word), escaped(word) == word { return word }
    if word.hasPrefix("sam2_") { return "sam2." + escaped(word.dropFirst(5)) }
    return "sam2kit." + escaped(word[...])
  }

  /// The word for a key, or nil for what the format itself needs.
  static func word(of key: String) -> String? {
    if reserved.contains(key) { return nil }
    if key.hasPrefix("sam2.") { return "sam2_" + (unescaped(key.dropFirst(5)) ?? String(key.dropFirst(5))) }
    if key.hasPrefix("sam2kit.") { return unescaped(key.dropFirst(8)) ?? String(key.dropFirst(8)) }
    return key
  }

  private static func escaped(_ word: some StringProtocol) -> String {
    word.utf8.reduce(into: "") { key, byte in
      if byte > 0x20, byte < 0x7f, byte != UInt8(ascii: "%") {
        key.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        key += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
      }
    }
  }

  private static func unescaped(_ key: Substring) -> String? {
    var bytes: [UInt8] = []
    var rest = key.utf8
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%") {
        guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
        else { return nil }
        rest = rest.dropFirst(2)
        bytes.append(value)
      } else {
        bytes.append(byte)
      }
    }
    return String(validating: bytes, as: UTF8.self)
  }
}
