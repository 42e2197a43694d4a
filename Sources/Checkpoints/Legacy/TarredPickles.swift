import Tensors

/// The layout of PyTorch before 0.1.10: a tar archive of the storages with their elements, the tensors as views of them,
/// and the saved value, which refers to both by number.
/// Source: torch/serialization.py, legacy_load in _legacy_load.
struct TarredPickles {
  private let view: ByteView
  private let limits: ReadingLimits
  private var storages: [Int: TorchStorage] = [:]
  private var starts: [String: Int] = [:]
  private var known: [Int: PickleValue] = [:]

  /// The members that it consists of.
  static let parts = ["storages", "tensors", "pickle"]

  static func layout(
    of view: ByteView, _ archive: TarArchive, limits: ReadingLimits, foreign: ForeignObject.Rule
  ) throws(TorchError) -> LegacyTorch.Layout {
    var reader = TarredPickles(view: view, limits: limits)
    if archive["sys_info"] != nil {
      var cursor = try reader.cursor("sys_info", archive)
      try StackedPickles.checkSystem(try cursor.value("sys_info"))
    }
    try reader.readStorages(try reader.cursor("storages", archive))
    try reader.readTensors(try reader.cursor("tensors", archive))
    var cursor = try reader.cursor("pickle", archive)
    let contents = try cursor.contents("pickle", foreign: foreign, persistent: .tar(reader.known))
    try reader.checkEnd(of: "pickle", cursor)
    return LegacyTorch.Layout(contents: contents, storages: reader.starts)
  }

  private init(view: ByteView, limits: ReadingLimits) {
    self.view = view
    self.limits = limits
  }

  private func cursor(_ name: String, _ archive: TarArchive) throws(TorchError) -> LegacyCursor {
    guard let member = archive[name],
      let part = view.slice(at: member.range.lowerBound, count: member.range.count)
    else { throw .legacy(part: "the tar archive", expected: "one member '\(name)'", found: "none or several") }
    return LegacyCursor(ByteView(bytes: part), base: member.range.lowerBound, limits: limits)
  }

  private func checkEnd(of part: String, _ cursor: LegacyCursor) throws(TorchError) {
    guard cursor.remaining == 0 else {
      throw .legacy(part: part, expected: "nothing behind its last part", found: "\(cursor.remaining) bytes")
    }
  }

  private func count(_ part: String, _ cursor: inout LegacyCursor) throws(TorchError) -> Int {
    let value = try cursor.value(part)
    guard case .int(let count) = value, 0...limits.zipEntries ~= count else {
      throw .legacy(part: part, expected: "a count of at most \(limits.zipEntries)", found: value.kind)
    }
    return count
  }

  /// A pickle of a tuple; its class may be one that is only named.
  private func tuple(
    _ part: String, count: Int, _ cursor: inout LegacyCursor
  ) throws(TorchError) -> [PickleValue] {
    let value = try cursor.value(part, foreign: .named)
    guard case .tuple(let items) = value, items.count == count else {
      throw .legacy(part: part, expected: "tuples of \(count)", found: value.kind)
    }
    return items
  }

  /// `(key, location, class)`, then the number of elements and these; at the end views, `(key, root, offset, count)`.
  private mutating func readStorages(_ start: LegacyCursor) throws(TorchError) {
    let part = "storages"
    var cursor = start
    for _ in 0..<(try count(part, &cursor)) {
      let items = try tuple(part, count: 3, &cursor)
      guard case .int(let key) = items[0], let type = Self.elementType(items[2]) else {
        throw .legacy(
          part: part, expected: "a number and a storage class", found: "\(items[0].kind) and \(items[2].kind)")
      }
      var counting = cursor
      let elements = try counting.integer(Int64.self, part)
      guard elements >= 0 else {
        throw .legacy(part: part, expected: "a count of elements", found: "\(elements)")
      }
      let storage = TorchStorage(key: "\(key)", elementType: type, count: Int(elements))
      starts[storage.key] = try cursor.skip(storage)
      try add(storage, as: key)
    }
    guard case .list(let views) = try cursor.value(part) else {
      throw .legacy(part: part, expected: "a list of views at the end", found: "something else")
    }
    for view in views {
      guard case .tuple(let items) = view, items.count == 4, case .int(let key) = items[0],
        case .int(let root) = items[1], case .int(let start) = items[2], case .int(let count) = items[3],
        let whole = storages[root], start >= 0, count >= 0, start <= whole.count, count <= whole.count - start,
        whole.start == 0
      else { throw .legacy(part: part, expected: "views within storages", found: "\(view.kind)") }
      try add(
        TorchStorage(key: whole.key, elementType: whole.elementType, count: count, start: start), as: key)
    }
    try checkEnd(of: part, cursor)
  }

  private mutating func add(_ storage: TorchStorage, as key: Int) throws(TorchError) {
    guard storages.updateValue(storage, forKey: key) == nil else {
      throw .legacy(part: "storages", expected: "every number once", found: "\(key) twice")
    }
    known[key] = .storage(storage)
  }

  /// `(key, storage, class)`, then the number of axes in 8 bytes, of which 4 count, extents, strides and an offset.
  private mutating func readTensors(_ start: LegacyCursor) throws(TorchError) {
    let part = "tensors"
    var cursor = start
    for _ in 0..<(try count(part, &cursor)) {
      let items = try tuple(part, count: 3, &cursor)
      guard case .int(let key) = items[0], case .int(let number) = items[1], let storage = storages[number],
        let type = storage.elementType
      else { throw .legacy(part: part, expected: "numbers of storages", found: "\(items[1].kind)") }
      let rank = Int(try cursor.integer(Int32.self, part))
      _ = try cursor.integer(UInt32.self, part)
      guard 0...limits.rank ~= rank else {
        throw .legacy(part: part, expected: "at most \(limits.rank) axes", found: "\(rank)")
      }
      var numbers: [Int] = []
      for _ in 0..<2 * rank + 1 { numbers.append(Int(try cursor.integer(Int64.self, part))) }
      let tensor: TorchTensor
      do {
        tensor = try TorchTensor(
          storage: storage, elementType: type, offset: numbers[2 * rank], extents: Array(numbers[..<rank]),
          strides: Array(numbers[rank..<2 * rank]), maximumRank: limits.rank)
      } catch {
        throw .legacyPickle(part: part, .geometry(error))
      }
      guard known.updateValue(.tensor(tensor), forKey: key) == nil else {
        throw .legacy(part: part, expected: "every number once", found: "\(key) twice")
      }
    }
    try checkEnd(of: part, cursor)
  }

  /// Storages of a graphics card have classes of their own there.
  private static func elementType(_ value: PickleValue) -> ElementType? {
    switch value {
    case .global(.typedStorage(let type)): return type
    case .foreign(let name):
      guard name.hasPrefix("torch.cuda."),
        let known = try? PickleGlobal.named(module: "torch", name: String(name.dropFirst(11))),
        case .typedStorage(let type) = known
      else { return nil }
      return type
    default: return nil
    }
  }
}
