/// What a pickle of a checkpoint can hold: data, and references to tensors' storages.
indirect enum PickleValue: Equatable, Sendable {
  case none
  case bool(Bool)
  case int(Int)
  /// An integer beyond 64 bits: little-endian two's complement.
  case largeInt([UInt8])
  case float(Double)
  case complex(Double, Double)
  case string(String)
  case bytes([UInt8])
  case list([PickleValue])
  case tuple([PickleValue])
  case set([PickleValue])
  case dict([Pair])
  case orderedDict([Pair])
  case tensor(TorchTensor)
  case storage(TorchStorage)
  case global(PickleGlobal)
  case device(String)
  case layout(String)

  /// One item of a dictionary.
  struct Pair: Equatable, Sendable {
    let key: PickleValue
    let value: PickleValue
  }

  /// The items of a dictionary of either kind.
  var pairs: [Pair]? {
    switch self {
    case .dict(let pairs), .orderedDict(let pairs): pairs
    default: nil
    }
  }

  /// The value under a string key of a dictionary.
  subscript(key: String) -> PickleValue? { pairs?.first { $0.key == .string(key) }?.value }

  /// What an error calls it.
  var kind: String {
    switch self {
    case .none: "None"
    case .bool: "a bool"
    case .int, .largeInt: "an int"
    case .float: "a float"
    case .complex: "a complex number"
    case .string(let text): "the string '\(text.prefix(60))'"
    case .bytes: "bytes"
    case .list: "a list"
    case .tuple: "a tuple"
    case .set: "a set"
    case .dict: "a dict"
    case .orderedDict: "an OrderedDict"
    case .tensor: "a tensor"
    case .storage: "a storage"
    case .global(let global): global.name
    case .device: "a device"
    case .layout: "a layout"
    }
  }
}
