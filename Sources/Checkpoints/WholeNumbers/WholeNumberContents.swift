public import Tensors

/// Another file's tensors, where weights of whole numbers with their scales stand for what they are worth.
///
/// A weight `<key>` of int8 has a scale for each of its first axis' entries, `<key>.scale`, float32 `[out]`, and may have
/// `<key>.zero_point`, int8 `[out]`, all 0. A weight of uint8, `[out, in / 2]` or `[out, in / 2, 1, 1]`, holds two numbers of
/// 4 bits in each byte, the earlier one in the lower bits, 8 added to both; its scales are float32 `[out, in / 32]`.
struct WholeNumberContents: TensorContents {
  let entries: [Checkpoint.Entry]
  private let path: String
  private let stored: any TensorContents
  private let origins: [Origin]

  /// Where a tensor comes from: its number in the file, and that of its scales.
  private struct Origin {
    let weight: Int
    let scales: Int?
  }

  private static let weight = ".weight"
  private static let scale = ".scale"
  private static let zeroPoint = ".zero_point"

  /// The file's tensors; nil where none is a weight of whole numbers.
  ///
  /// - Throws: `CheckpointError.wholeNumbers` where a weight and its scales don't fit each other.
  init?(_ stored: any TensorContents, path: String) throws(CheckpointError) {
    self.stored = stored
    self.path = path
    let numbers = Dictionary(stored.entries.enumerated().map { ($1.name, $0) }) { first, _ in first }
    var entries: [Checkpoint.Entry] = []
    var origins: [Origin] = []
    for (index, entry) in stored.entries.enumerated() {
      if let weight = Self.owner(of: entry.name) {
        guard let owner = numbers[weight], Self.isWhole(stored.entries[owner]) else {
          throw .wholeNumbers(
            path: path,
            .noWeight(of: entry.name, found: numbers[weight].map { stored.entries[$0].elementType }))
        }
        continue
      }
      guard Self.isWhole(entry) else {
        entries.append(entry)
        origins.append(Origin(weight: index, scales: nil))
        continue
      }
      let form = try naming(path, CheckpointError.wholeNumbers) { () throws(WholeNumberError) in
        try WholeNumberForm(entry)
      }
      guard let scales = numbers[entry.name + Self.scale] else {
        throw .wholeNumbers(path: path, .noScale(weight: entry.name, expected: form.scales))
      }
      try form.check(
        scales: scales, zeroPoints: numbers[entry.name + Self.zeroPoint], in: stored, path: path)
      entries.append(form.entry)
      origins.append(Origin(weight: index, scales: scales))
    }
    guard origins.contains(where: { $0.scales != nil }) else { return nil }
    self.entries = entries
    self.origins = origins
  }

  /// The weight whose scales or zero points a name says that it is.
  private static func owner(of name: String) -> String? {
    for suffix in [scale, zeroPoint] where name.hasSuffix(weight + suffix) {
      return String(name.dropLast(suffix.count))
    }
    return nil
  }

  /// A whole number is worth something only with its scale, so a weight that has none isn't read as if it had.
  private static func isWhole(_ entry: Checkpoint.Entry) -> Bool {
    entry.name.hasSuffix(weight) && [.int8, .uint8].contains(entry.elementType)
  }

  var metadata: [String: String] { stored.metadata }

  func bytes(at index: Int) throws(CheckpointError) -> TensorBytes {
    if let weight = try wholeNumbers(at: index) { return TensorBytes(weight.weight) }
    return try stored.bytes(at: origins[index].weight)
  }

  func wholeNumbers(at index: Int) throws(CheckpointError) -> StoredWeight? {
    let origin = origins[index]
    guard let scales = origin.scales else { return nil }
    let (bytes, entry) = (try stored.bytes(at: origin.weight), entries[index])
    let worth = Tensor(try stored.bytes(at: scales), .float32, stored.entries[scales].shape).elements
    if stored.entries[origin.weight].elementType == .int8 {
      let values = bytes.withBytes { $0.map { Int8(bitPattern: $0) } }
      if let place = values.firstIndex(of: -128) {
        throw .wholeNumbers(path: path, .value(weight: entry.name, place: place, least: -127, found: -128))
      }
      return .perChannel(QuantizedWeight(shape: entry.shape, values: values, scales: worth))
    }
    var values: [Int8] = []
    values.reserveCapacity(entry.shape.count)
    bytes.withBytes { bytes in
      for byte in bytes {
        values.append(Int8(byte & 15) - 8)
        values.append(Int8(byte >> 4) - 8)
      }
    }
    if let place = values.firstIndex(of: -8) {
      throw .wholeNumbers(path: path, .value(weight: entry.name, place: place, least: -7, found: -8))
    }
    return .grouped(GroupedWeight(.fourBits, shape: entry.shape, values: values, scales: worth))
  }

  func place(at index: Int) -> Range<Int>? {
    origins[index].scales == nil ? stored.place(at: origins[index].weight) : nil
  }

  func confirm(_ checksum: UInt32, at index: Int) throws(CheckpointError) {
    try stored.confirm(checksum, at: origins[index].weight)
  }
  func verifyPlaces(_ isCancelled: () -> Bool) throws(CheckpointError) { try stored.verifyPlaces(isCancelled) }
  func verify() throws(CheckpointError) { try stored.verify() }
  func verifyUnread() throws(CheckpointError) { try stored.verifyUnread() }
}

/// What a weight of whole numbers is, and what its scales have to be.
private struct WholeNumberForm {
  /// The weight that they stand for.
  let entry: Checkpoint.Entry
  /// The shape of its scales.
  let scales: Shape

  init(_ stored: Checkpoint.Entry) throws(WholeNumberError) {
    let shape: Shape
    let encoding: String
    if stored.elementType == .int8 {
      guard stored.shape.rank >= 2 else {
        throw .form(weight: stored.name, expected: "at least two axes", found: stored.shape)
      }
      (shape, scales, encoding) = (stored.shape, [stored.shape[0]], "int8")
    } else {
      let extents = stored.shape.extents
      let half = GroupedWeight.groupSize / 2
      guard [2, 4].contains(extents.count), stored.shape.count > 0, extents[1].isMultiple(of: half),
        extents.dropFirst(2).allSatisfy({ $0 == 1 })
      else {
        throw .form(
          weight: stored.name, expected: "[out, a multiple of \(half)], or that and [1, 1]",
          found: stored.shape)
      }
      shape = Shape([extents[0], 2 * extents[1]] + extents.dropFirst(2))
      (scales, encoding) = ([extents[0], extents[1] / half], "int4")
    }
    entry = Checkpoint.Entry(
      name: stored.name, elementType: .float32, shape: shape, byteCount: shape.count * 4, isContiguous: true,
      encoding: .init(name: encoding, byteCount: stored.byteCount + 4 * scales.count))
  }

  func check(
    scales index: Int, zeroPoints: Int?, in stored: any TensorContents, path: String
  ) throws(CheckpointError) {
    let found = stored.entries[index]
    guard found.elementType == .float32, found.shape == scales else {
      throw .wholeNumbers(
        path: path,
        .misshaped(
          name: found.name, expected: "float32 \(scales)", found: "\(found.elementType.rawValue) \(found.shape)"
        ))
    }
    let worth = Tensor(try stored.bytes(at: index), .float32, scales).elements
    if let place = worth.firstIndex(where: { !($0 > 0 && $0.isFinite) }) {
      throw .wholeNumbers(path: path, .scale(name: found.name, place: place, found: "\(worth[place])"))
    }
    guard let zeroPoints else { return }
    let zeros = stored.entries[zeroPoints]
    guard zeros.elementType == .int8, zeros.shape == scales else {
      throw .wholeNumbers(
        path: path,
        .misshaped(
          name: zeros.name, expected: "int8 \(scales)", found: "\(zeros.elementType.rawValue) \(zeros.shape)"))
    }
    let bytes = try stored.bytes(at: zeroPoints).withBytes { Array($0) }
    if let place = bytes.firstIndex(where: { $0 != 0 }) {
      throw .wholeNumbers(
        path: path, .zeroPoint(name: zeros.name, place: place, found: Int(Int8(bitPattern: bytes[place]))))
    }
  }
}

/// Why weights of whole numbers are refused.
public enum WholeNumberError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A weight of whole numbers without scales.
  case noScale(weight: String, expected: Shape)
  /// Scales or zero points without a weight of whole numbers.
  case noWeight(of: String, found: ElementType?)
  /// A weight of whole numbers of a shape that none has.
  case form(weight: String, expected: String, found: Shape)
  /// Scales or zero points of another type or shape than their weight has.
  case misshaped(name: String, expected: String, found: String)
  /// A scale that isn't positive.
  case scale(name: String, place: Int, found: String)
  /// A zero point other than 0.
  case zeroPoint(name: String, place: Int, found: Int)
  /// A number that symmetric weights don't have.
  case value(weight: String, place: Int, least: Int, found: Int)

  /// One sentence: the key, what was expected, what was found.
  public var description: String {
    switch self {
    case .noScale(let weight, let expected):
      "expected '\(weight).scale', float32 \(expected), beside the whole numbers of '\(weight)', found none"
    case .noWeight(let name, let found):
      "expected '\(name)' to belong to a weight of int8 or uint8, found "
        + (found.map { "one of \($0.rawValue)" } ?? "none")
    case .form(let weight, let expected, let found):
      "expected the whole numbers of '\(weight)' to have the shape \(expected), found \(found)"
    case .misshaped(let name, let expected, let found): "expected '\(name)' to be \(expected), found \(found)"
    case .scale(let name, let place, let found):
      "expected '\(name)' to be finite and more than 0, found \(found) at \(place)"
    case .zeroPoint(let name, let place, let found):
      "expected '\(name)' to be 0, as weights are symmetric, found \(found) at \(place)"
    case .value(let weight, let place, let least, let found):
      "expected '\(weight)' to hold \(least) to \(-least), found \(found) at \(place)"
    }
  }
}
