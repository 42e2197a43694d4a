// The pickle machine on any bytes: whatever it accepts lies inside its storages, is written and read back the same,
// and is called safe by the scanner, or flagged by it where names off the allow-list were kept.
@testable import Checkpoints
import Tensors

private let limits = {
  var limits = ReadingLimits()
  // So that no input takes long because it may.
  limits.pickleExpansion = 1 << 14
  return limits
}()

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let bytes = pickle(in: input(start, count))
  guard let contents = try? PickleMachine.contents(of: bytes, limits: limits, foreign: .named) else {
    require((try? PickleMachine.read(bytes, limits: limits)) == nil, "what is read without foreign names is read with them")
    return 0
  }
  let scan = bytes.withUnsafeBytes { PickleWalk.scan(ByteView(bytes: $0), place: "input", limits: limits) }
  require(scan.isSafe == contents.foreignNames.isEmpty, "the scanner calls safe what names nothing foreign")
  let flagged = scan.globals.filter { $0.verdict == .forbidden }.map(\.name)
  require(Set(flagged) == Set(contents.foreignNames), "the scanner flags every foreign name: \(contents.foreignNames)")
  if let value = try? PickleMachine.read(bytes, limits: limits) {
    require(contents.objects.isEmpty && contents.foreignNames.isEmpty, "no foreign name is read where none may be")
    require(value == contents.value || bytes.contains(PickleOpcode.binFloat.rawValue), "both readings are one")
  }
  // Whatever the state dictionary is, it is found or refused.
  _ = try? StateDict(contents, path: "input", key: nil, limits: limits)
  var tensors: [TorchTensor] = []
  collect(contents.value, into: &tensors)
  for object in contents.objects.values { object.contents.forEach { collect($0, into: &tensors) } }
  for tensor in tensors { check(tensor) }
  checkWriting(Array(tensors.prefix(64)))
  return 0
}

/// The input itself or, of a checkpoint, its first entry, so that whole checkpoints serve as seeds.
private func pickle(in input: UnsafeRawBufferPointer) -> [UInt8] {
  let view = ByteView(bytes: input)
  guard view.has("PK\u{3}\u{4}", at: 0), let size: UInt32 = view.integer(at: 18),
    let name: UInt16 = view.integer(at: 26), let extra: UInt16 = view.integer(at: 28)
  else { return Array(input) }
  return Array(input.dropFirst(30 + Int(name) + Int(extra)).prefix(Int(size)))
}

/// Tensors of a value, each as often as it stands there. The machine's limit bounds how many values are visited.
private func collect(_ value: PickleValue, into tensors: inout [TorchTensor]) {
  switch value {
  case .tensor(let tensor): tensors.append(tensor)
  case .list(let items), .tuple(let items), .set(let items):
    for item in items { collect(item, into: &tensors) }
  case .dict(let pairs), .orderedDict(let pairs):
    for pair in pairs {
      collect(pair.key, into: &tensors)
      collect(pair.value, into: &tensors)
    }
  default: break
  }
}

/// In arithmetic that can't overflow: the last element that the view names is one of its storage's.
private func check(_ tensor: TorchTensor) {
  let extents = tensor.shape.extents
  let elements = extents.reduce(Int128(1)) { $0 * Int128($1) }
  let size = Int128(tensor.elementType.byteCount)
  require(elements * size == Int128(tensor.byteCount), "the byte count is that of the shape")
  guard elements > 0 else { return }
  let last = zip(extents, tensor.strides).reduce(Int128(tensor.offset)) { $0 + Int128($1.0 - 1) * Int128($1.1) }
  let stored = Int128(tensor.storage.count) * Int128(tensor.storage.elementType?.byteCount ?? 1)
  require(last >= 0 && (last + 1) * size <= stored, "a tensor lies within its storage")
}

/// The same types and shapes come back from the pickle that a checkpoint of these tensors has.
private func checkWriting(_ tensors: [TorchTensor]) {
  let items = tensors.enumerated().map {
    TorchWriter.Item(name: "\($0)", elementType: $1.elementType, shape: $1.shape)
  }
  do {
    let again = try PickleMachine.read(TorchWriter.pickle(of: items), limits: limits)
    let read = (again["model"]?.pairs ?? []).compactMap { pair -> TorchWriter.Item? in
      guard case .string(let name) = pair.key, case .tensor(let tensor) = pair.value else { return nil }
      return TorchWriter.Item(name: name, elementType: tensor.elementType, shape: tensor.shape)
    }
    require(read == items, "writing and reading keeps every tensor")
  } catch {
    require(false, "what is written is read: \(error)")
  }
}
