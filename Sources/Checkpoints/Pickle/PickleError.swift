/// Why a pickle is refused. Offsets count bytes from the start of the pickle.
public enum PickleError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A pickle that is longer than the reading limits allow.
  case tooLong(byteCount: Int, limit: Int)
  /// The pickle does not begin with a protocol.
  case noProtocol(found: UInt8?)
  /// A protocol outside 2 to 5.
  case unsupportedProtocol(found: Int)
  /// A byte that is no opcode.
  case unknownOpcode(UInt8, offset: Int)
  /// An opcode that no checkpoint of protocol 2 to 5 needs.
  case refusedOpcode(String, offset: Int)
  /// The pickle ends inside an opcode's argument.
  case truncated(opcode: String, offset: Int)
  /// The pickle ends without STOP.
  case noStop(offset: Int)
  /// A declared length that reaches beyond the end.
  case lengthBeyondEnd(opcode: String, declared: UInt64, remaining: Int, offset: Int)
  /// Text that is no UTF-8.
  case invalidText(opcode: String, offset: Int)
  /// A global off the allow-list.
  case forbiddenGlobal(module: String, name: String, offset: Int)
  /// A tensor or storage of a type that is not supported.
  case unsupportedElementType(String)
  /// An opcode that takes more from the stack than is there.
  case stackUnderflow(opcode: String, offset: Int)
  /// An opcode that needs a MARK where none was set.
  case noMark(opcode: String, offset: Int)
  /// A memo entry that was never put.
  case memoMissing(index: Int, offset: Int)
  /// REDUCE on something that can't be called, or with arguments that are no tuple.
  case cannotCall(found: String, offset: Int)
  /// Arguments of the wrong number or types.
  case arguments(of: String, expected: String, found: String, offset: Int)
  /// NEWOBJ on something other than an allowed class.
  case cannotCreate(found: String, offset: Int)
  /// BUILD on something that takes no state.
  case cannotBuild(found: String, offset: Int)
  /// An opcode that fills a container of one kind, on something else.
  case wrongContainer(opcode: String, expected: String, found: String, offset: Int)
  /// A dictionary with a key that has no value.
  case oddItems(opcode: String, offset: Int)
  /// A dictionary key that Python could not hash.
  case unhashableKey(found: String, offset: Int)
  /// A dictionary with one key twice.
  case duplicateKey(String)
  /// A container that holds itself.
  case cycle
  /// Containers nested deeper than the reading limits allow.
  case tooDeep(limit: Int)
  /// Shared containers that stand for more values than the reading limits allow.
  case bomb(limit: Int)
  /// A count beyond the reading limits.
  case limit(of: String, limit: Int, offset: Int)
  /// Values, and open MARKs, left on the stack at STOP.
  case leftOnStack(count: Int)
  /// Bytes behind STOP.
  case trailingData(byteCount: Int)
  /// A persistent id that is no `('storage', type, key, location, count)`.
  case persistentID(expected: String, found: String, offset: Int)
  /// A storage key that is no number.
  case storageKey(String, offset: Int)
  /// A tensor that does not fit its storage.
  case geometry(TensorGeometryError)

  /// One sentence: the thing, what was expected, what was found.
  public var description: String {
    switch self {
    case .tooLong(let count, let limit): "expected a pickle of at most \(limit) bytes, found \(count)"
    case .noProtocol(let found):
      "expected the pickle to begin with PROTO (128), found \(found.map { "byte \($0)" } ?? "nothing")"
    case .unsupportedProtocol(let found): "expected pickle protocol 2 to 5, found \(found)"
    case .unknownOpcode(let byte, let offset): "expected a pickle opcode at byte \(offset), found \(byte)"
    case .refusedOpcode(let name, let offset):
      "expected opcodes of plain checkpoints, found \(name) at byte \(offset)"
    case .truncated(let opcode, let offset):
      "expected the argument of \(opcode) at byte \(offset), found the pickle's end"
    case .noStop(let offset): "expected STOP, found the pickle's end at byte \(offset)"
    case .lengthBeyondEnd(let opcode, let declared, let remaining, let offset):
      "expected \(opcode) at byte \(offset) to fit the \(remaining) bytes left, found length \(declared)"
    case .invalidText(let opcode, let offset):
      "expected UTF-8 in \(opcode) at byte \(offset), found other bytes"
    case .forbiddenGlobal(let module, let name, let offset):
      "expected globals that checkpoints need, found '\(module).\(name)' at byte \(offset)"
    case .unsupportedElementType(let name): "expected an element type that is supported, found '\(name)'"
    case .stackUnderflow(let opcode, let offset):
      "expected values on the stack for \(opcode) at byte \(offset), found none"
    case .noMark(let opcode, let offset): "expected a MARK before \(opcode) at byte \(offset), found none"
    case .memoMissing(let index, let offset):
      "expected memo entry \(index) at byte \(offset) to have been put, found none"
    case .cannotCall(let found, let offset):
      "expected REDUCE at byte \(offset) to call an allowed function with a tuple, found \(found)"
    case .arguments(let function, let expected, let found, let offset):
      "expected \(function) at byte \(offset) to be given \(expected), found \(found)"
    case .cannotCreate(let found, let offset):
      "expected NEWOBJ at byte \(offset) to make an OrderedDict, found \(found)"
    case .cannotBuild(let found, let offset):
      "expected BUILD at byte \(offset) to give an OrderedDict a state dict, found \(found)"
    case .wrongContainer(let opcode, let expected, let found, let offset):
      "expected \(opcode) at byte \(offset) to fill a \(expected), found \(found)"
    case .oddItems(let opcode, let offset):
      "expected keys and values in pairs for \(opcode) at byte \(offset), found an odd count"
    case .unhashableKey(let found, let offset):
      "expected a hashable dictionary key at byte \(offset), found a \(found)"
    case .duplicateKey(let key): "expected every dictionary key once, found \(key) twice"
    case .cycle: "expected containers that end, found one that holds itself"
    case .tooDeep(let limit): "expected containers nested at most \(limit) deep, found deeper"
    case .bomb(let limit):
      "expected at most \(limit) values in all, found shared containers that stand for more"
    case .limit(let what, let limit, let offset):
      "expected at most \(limit) \(what), found more at byte \(offset)"
    case .leftOnStack(let count): "expected one value on the stack at STOP, found \(count)"
    case .trailingData(let count): "expected STOP to end the pickle, found \(count) bytes behind it"
    case .persistentID(let expected, let found, let offset):
      "expected a persistent id with \(expected) at byte \(offset), found \(found)"
    case .storageKey(let key, let offset): "expected a number as storage key at byte \(offset), found '\(key)'"
    case .geometry(let error): error.description
    }
  }
}
