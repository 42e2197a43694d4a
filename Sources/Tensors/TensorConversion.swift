import CVector

extension Tensor {
  /// The same numbers as another type: this where it is that type already, else a contiguous copy.
  ///
  /// To Float32 from any type that `ElementType.isReadableAsFloat32`: exactly, but from float64 and whole numbers of more
  /// than 24 bits, which are rounded to the nearest. From Float32, and from what Float32 holds exactly, to
  /// - bfloat16 and float16: rounded to the nearest, of two equally near ones to the even one; infinity beyond the
  ///   largest; NaN stays NaN;
  /// - int8, uint8 and int32: rounded likewise; what lies beyond the type's range becomes its end, and NaN 0.
  ///
  /// Anything else traps.
  public func converted(to type: ElementType) -> Tensor {
    if type == elementType { return self }
    guard isContiguous else { return contiguous().converted(to: type) }
    if Float.holds(type) { return widened() }
    if Float.holds(elementType) { return narrowed(to: type) }
    precondition(elementType.isExactInFloat32, refusal(type))
    return widened().narrowed(to: type)
  }

  /// To Float32.
  private func widened() -> Tensor {
    switch elementType {
    case .float16: filled(UInt16.self) { cvector_half_to_float($0, $1, $2) }
    case .bfloat16: filled(UInt16.self) { cvector_bfloat16_to_float($0, $1, $2) }
    case .int8: filled(Int8.self) { cvector_int8_to_float($0, $1, $2) }
    case .uint8: filled(UInt8.self) { cvector_uint8_to_float($0, $1, $2) }
    case .int32: filled(Int32.self) { cvector_int32_to_float($0, $1, $2) }
    case .bool: mapped(UInt8.self) { $0 == 0 ? 0 : 1 }
    case .uint16: mapped(UInt16.self) { Float($0) }
    case .uint32: mapped(UInt32.self) { Float($0) }
    case .uint64: mapped(UInt64.self) { Float($0) }
    case .int16: mapped(Int16.self) { Float($0) }
    case .int64: mapped(Int64.self) { Float($0) }
    case .float64: mapped(Double.self) { Float($0) }
    case .float32: self
    case .float8E4M3FN, .float8E4M3FNUZ, .float8E5M2, .float8E5M2FNUZ, .float8E8M0FNU, .complex32, .complex64,
      .complex128:
      preconditionFailure(refusal(.float32))
    }
  }

  /// From Float32.
  private func narrowed(to type: ElementType) -> Tensor {
    switch type {
    case .float16:
      filled(Float.self, type) { cvector_float_to_half($0, $1 as UnsafeMutablePointer<UInt16>, $2) }
    case .bfloat16:
      filled(Float.self, type) { cvector_float_to_bfloat16($0, $1 as UnsafeMutablePointer<UInt16>, $2) }
    case .int8: filled(Float.self, type) { cvector_float_to_int8($0, $1 as UnsafeMutablePointer<Int8>, $2) }
    case .uint8: filled(Float.self, type) { cvector_float_to_uint8($0, $1 as UnsafeMutablePointer<UInt8>, $2) }
    case .int32: filled(Float.self, type) { cvector_float_to_int32($0, $1 as UnsafeMutablePointer<Int32>, $2) }
    default: preconditionFailure(refusal(type))
    }
  }

  /// A tensor of this shape that `convert` fills from these elements.
  private func filled<Source: TensorElement, Target: TensorElement>(
    _ source: Source.Type, _ type: ElementType = .float32,
    _ convert: (UnsafePointer<Source>, UnsafeMutablePointer<Target>, Int) -> Void
  ) -> Tensor {
    withElements(of: source) { elements in
      Tensor(shape, of: type) { (target: UnsafeMutableBufferPointer<Target>) in
        guard let from = elements.baseAddress, let to = target.baseAddress else { return }
        convert(from, to, elements.count)
      }
    }
  }

  private func mapped<Source: TensorElement>(_ source: Source.Type, _ number: (Source) -> Float) -> Tensor {
    withElements(of: source) { elements in
      Tensor(shape) { target in
        for index in elements.indices { target[index] = number(elements[index]) }
      }
    }
  }

  private func refusal(_ type: ElementType) -> String {
    "\(elementType.rawValue) \(shape) can't be converted to \(type.rawValue)"
  }
}

extension ElementType {
  /// Whether Float32 holds every such number.
  fileprivate var isExactInFloat32: Bool {
    switch self {
    case .bool, .uint8, .uint16, .int8, .int16, .float16, .bfloat16, .float32: true
    default: false
    }
  }
}
