import Tensors

/// The globals that a checkpoint may name. Each stands for data or for a fixed rule of this reader; nothing is
/// ever imported or run.
/// Source: torch/_weights_only_unpickler.py, _get_allowed_globals.
enum PickleGlobal: Equatable, Sendable {
  case orderedDict, counter, set, byteArray, complex, encode
  case size, device, layout, tensorClass, parameterClass
  case rebuildTensor, rebuildTensorV2, rebuildTensorV3, rebuildParameter, rebuildParameterWithState,
    rebuildFromType
  case elementType(ElementType)
  case typedStorage(ElementType)
  case untypedStorage

  /// The global of that name, or nil where it is not allowed.
  ///
  /// - Throws: `PickleError.unsupportedElementType` for PyTorch's quantized and sub-byte types.
  static func named(module: String, name: String) throws(PickleError) -> PickleGlobal? {
    let key = "\(module).\(name)"
    if let global = fixed[key] { return global }
    guard module == "torch" else { return nil }
    if let type = elementTypes[name] { return .elementType(type) }
    if let type = storages[name] { return .typedStorage(type) }
    if unsupported.contains(name) { throw .unsupportedElementType(key) }
    return nil
  }

  private static let fixed: [String: PickleGlobal] = [
    "collections.OrderedDict": .orderedDict, "collections.Counter": .counter,
    "builtins.set": .set, "__builtin__.set": .set,
    "builtins.bytearray": .byteArray, "__builtin__.bytearray": .byteArray,
    "builtins.complex": .complex, "__builtin__.complex": .complex,
    "_codecs.encode": .encode, "torch.Size": .size, "torch.device": .device,
    "torch.serialization._get_layout": .layout,
    "torch.Tensor": .tensorClass, "torch.nn.parameter.Parameter": .parameterClass,
    "torch._utils._rebuild_tensor": .rebuildTensor, "torch._utils._rebuild_tensor_v2": .rebuildTensorV2,
    "torch._utils._rebuild_tensor_v3": .rebuildTensorV3,
    "torch._utils._rebuild_parameter": .rebuildParameter,
    "torch._utils._rebuild_parameter_with_state": .rebuildParameterWithState,
    "torch._tensor._rebuild_from_type_v2": .rebuildFromType,
    "torch.storage.UntypedStorage": .untypedStorage, "torch.UntypedStorage": .untypedStorage,
  ]

  private static let elementTypes: [String: ElementType] = [
    "bool": .bool, "uint8": .uint8, "uint16": .uint16, "uint32": .uint32, "uint64": .uint64,
    "int8": .int8, "int16": .int16, "int32": .int32, "int64": .int64,
    "float16": .float16, "bfloat16": .bfloat16, "float32": .float32, "float64": .float64,
    "float8_e4m3fn": .float8E4M3FN, "float8_e4m3fnuz": .float8E4M3FNUZ, "float8_e5m2": .float8E5M2,
    "float8_e5m2fnuz": .float8E5M2FNUZ, "float8_e8m0fnu": .float8E8M0FNU,
    "complex32": .complex32, "complex64": .complex64, "complex128": .complex128,
  ]

  private static let storages: [String: ElementType] = [
    "BoolStorage": .bool, "ByteStorage": .uint8, "CharStorage": .int8, "ShortStorage": .int16,
    "IntStorage": .int32,
    "LongStorage": .int64, "HalfStorage": .float16, "BFloat16Storage": .bfloat16, "FloatStorage": .float32,
    "DoubleStorage": .float64, "ComplexHalfStorage": .complex32, "ComplexFloatStorage": .complex64,
    "ComplexDoubleStorage": .complex128,
  ]

  /// The class of storages that PyTorch writes for a type, or nil where it writes untyped bytes. It names a class for
  /// half-precision complex numbers, too, but never writes it.
  static func storageName(of type: ElementType) -> String? {
    type == .complex32 ? nil : storages.first { $0.value == type }?.key
  }

  /// Types that PyTorch saves and this package has no use for yet.
  private static let unsupported: Set<String> = Set(
    ["QInt8Storage", "QUInt8Storage", "QInt32Storage", "QUInt4x2Storage", "QUInt2x4Storage"]
      + ["qint8", "quint8", "qint32", "quint4x2", "quint2x4", "float4_e2m1fn_x2"]
      + (1...7).flatMap { ["int\($0)", "uint\($0)", "bits\($0)"] } + [
        "bits1x8", "bits2x4", "bits4x2", "bits16",
      ])

  /// What an error calls it.
  var name: String {
    switch self {
    case .elementType(let type): "torch.dtype \(type.rawValue)"
    case .typedStorage(let type): "a torch storage class of \(type.rawValue)"
    case .untypedStorage: "torch.storage.UntypedStorage"
    default: Self.fixed.filter { $0.value == self }.keys.max() ?? "a global"
    }
  }
}
