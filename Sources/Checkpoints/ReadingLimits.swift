/// Bounds on what a file may make its reader do, so that a few hostile bytes can't cost memory or time.
///
/// The defaults leave honest checkpoints at least a factor of ten.
public struct ReadingLimits: Sendable, Equatable {
  /// Bytes of `data.pkl`; official SAM 2 checkpoints hold about 0.1 MB.
  public var pickleBytes = 32 << 20
  /// Values that a pickle may create, and what copying them counts for.
  public var pickleValues = 1 << 22
  /// Values on the pickle's stack at once.
  public var pickleStack = 1 << 20
  /// Entries of the pickle's memo.
  public var pickleMemo = 1 << 20
  /// How deep containers may nest, and groups of an HDF5 file.
  public var pickleNesting = 100
  /// Values after every shared container is written out, which is what a memo bomb multiplies.
  public var pickleExpansion = 1 << 24
  /// Axes of a tensor; PyTorch's own limit is 64.
  public var rank = 64
  /// Entries of a zip archive, one per storage; as many members, storages or tensors of a tar archive, names of an
  /// HDF5 file, and as many tensors and parts of a module.
  public var zipEntries = 1 << 18
  /// Inflated over deflated bytes of one zip entry, or of an HDF5 file's datasets over the file, counted beyond the first
  /// `inflationFree` bytes.
  public var inflationRatio = 64
  /// Bytes that an entry may inflate to whatever its ratio, since small runs of zeros compress well.
  public var inflationFree = 1 << 20
  /// Bytes that one zip entry may inflate to.
  public var inflatedBytes = 2 << 30
  /// Bytes of all tensors together over the bytes of the file, which views with stride 0 multiply.
  public var viewRatio = 16
  /// Bytes that tensors may take together whatever that ratio.
  public var viewFree = 16 << 20
  /// Bytes of a safetensors header, as the format itself limits it.
  public var safetensorsHeader = 100_000_000

  /// Groups of an HDF5 file.
  public var groups = 1 << 16

  /// Bytes before a GGUF file's data.
  public var ggufHeader = 100_000_000
  /// Tensors of a GGUF file.
  public var ggufTensors = 1 << 18
  /// Keys of a GGUF file.
  public var ggufKeys = 1 << 16
  /// Bytes of a tensor's name in a GGUF file, as the format itself limits it.
  public var ggufName = 64

  /// The default limits.
  public init() {}

  /// How many bytes so many stored ones may inflate to.
  func inflated(from byteCount: Int) -> Int {
    Self.multiplied(byteCount, by: inflationRatio, atLeast: inflationFree)
  }

  /// How many bytes all tensors of a file of so many may take together.
  func viewed(inFileOf byteCount: Int) -> Int {
    Self.multiplied(byteCount, by: viewRatio, atLeast: viewFree)
  }

  private static func multiplied(_ byteCount: Int, by ratio: Int, atLeast free: Int) -> Int {
    let (product, overflow) = byteCount.multipliedReportingOverflow(by: ratio)
    return max(free, overflow ? .max : product)
  }
}

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
    LimitSetting(name: "hdf5-groups", meaning: "groups of an HDF5 file", path: \.groups),
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
