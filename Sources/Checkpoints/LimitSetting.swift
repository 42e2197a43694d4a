/// One of the reading limits under the name that a user gives it.
public struct LimitSetting: Sendable {
  /// Such as `pickle-bytes`.
  public let name: String
  /// What it bounds.
  public let meaning: String
  /// Where it stands among the limits.
  public let path: any WritableKeyPath<ReadingLimits, Int> & Sendable

  /// All limits that there are.
  public static let all: [LimitSetting] = [
    LimitSetting(name: "pickle-bytes", meaning: "bytes of a pickle", path: \.pickleBytes),
    LimitSetting(name: "pickle-values", meaning: "values that a pickle may make", path: \.pickleValues),
    LimitSetting(name: "pickle-stack", meaning: "values on its stack at once", path: \.pickleStack),
    LimitSetting(name: "pickle-memo", meaning: "entries of its memo", path: \.pickleMemo),
    LimitSetting(name: "pickle-nesting", meaning: "containers within containers", path: \.pickleNesting),
    LimitSetting(
      name: "pickle-expansion", meaning: "values with every shared container written out",
      path: \.pickleExpansion),
    LimitSetting(name: "rank", meaning: "axes of a tensor", path: \.rank),
    LimitSetting(name: "zip-entries", meaning: "entries of a zip archive", path: \.zipEntries),
    LimitSetting(name: "inflation-ratio", meaning: "inflated over deflated bytes", path: \.inflationRatio),
    LimitSetting(name: "inflation-free", meaning: "bytes inflated whatever that ratio", path: \.inflationFree),
    LimitSetting(name: "inflated-bytes", meaning: "bytes that one entry inflates to", path: \.inflatedBytes),
    LimitSetting(name: "view-ratio", meaning: "bytes of all tensors over those of the file", path: \.viewRatio),
    LimitSetting(name: "view-free", meaning: "bytes of tensors whatever that ratio", path: \.viewFree),
    LimitSetting(
      name: "safetensors-header", meaning: "bytes of a safetensors header", path: \.safetensorsHeader),
    LimitSetting(name: "gguf-header", meaning: "bytes before a GGUF file's data", path: \.ggufHeader),
    LimitSetting(name: "gguf-tensors", meaning: "tensors of a GGUF file", path: \.ggufTensors),
    LimitSetting(name: "gguf-keys", meaning: "keys of a GGUF file", path: \.ggufKeys),
    LimitSetting(name: "gguf-name", meaning: "bytes of a tensor's name in GGUF", path: \.ggufName),
  ]

  /// The limit of that name.
  public static func named(_ name: String) -> LimitSetting? { all.first { $0.name == name } }

  /// What it is unless it is set.
  public var standard: Int { ReadingLimits()[keyPath: path] }
}
