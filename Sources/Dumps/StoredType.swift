import Tensors

/// What a dump says of an array's elements.
enum StoredType: Equatable, Sendable, CustomStringConvertible {
  /// Numbers of a known type.
  case numbers(ElementType)
  /// So many bytes each, of which the dump doesn't say what they mean.
  case opaque(byteCount: Int)

  /// Bytes per element.
  var byteCount: Int {
    switch self {
    case .numbers(let type): type.byteCount
    case .opaque(let count): count
    }
  }

  /// For people to read.
  var description: String {
    switch self {
    case .numbers(let type): type.rawValue
    case .opaque(let count): "\(count) opaque bytes"
    }
  }

  /// What the elements are read as, given what a map declares of them; nil where that is none of what they can be.
  ///
  /// NumPy has no bfloat16, so bits of floats come as integers or opaque bytes of the same width; they are floats once
  /// the map says so.
  func read(as declared: ElementType?) -> ElementType? {
    switch (self, declared) {
    case (.numbers(let type), nil): type
    case (.opaque, nil): nil
    case (.numbers(let type), .some(let declared)) where type == declared: type
    case (.numbers(let type), .some(let declared)):
      type.isInteger && declared.isFloat && type.byteCount == declared.byteCount ? declared : nil
    case (.opaque(let count), .some(let declared)): declared.byteCount == count ? declared : nil
    }
  }
}

extension ElementType {
  fileprivate var isInteger: Bool {
    switch self {
    case .uint8, .uint16, .uint32, .uint64, .int8, .int16, .int32, .int64: true
    default: false
    }
  }

  fileprivate var isFloat: Bool {
    switch self {
    case .float16, .bfloat16, .float32, .float64: true
    default: false
    }
  }
}
