// Tensors of other types than Float32: held, converted, rounded.
import CVector
import Tensors
import Testing

/// Floats of every exponent and sign, ties and their neighbours among them, and what is no number.
private let floats: [Float] = {
  var bits: [UInt32] = []
  for upper in UInt32(0)...0xffff {
    for lower: UInt32 in [0, 1, 0x0fff, 0x1000, 0x1001, 0x3000, 0x7fff, 0x8000, 0x8001, 0xffff] {
      bits.append(upper << 16 | lower)
    }
  }
  return bits.map { Float(bitPattern: $0) }
}()

/// What `convert` and its twin make of numbers, as bits.
private func both<Source, Target: FixedWidthInteger>(
  _ source: [Source], _ convert: (UnsafePointer<Source>?, UnsafeMutablePointer<Target>?, Int) -> Void,
  _ twin: (UnsafePointer<Source>?, UnsafeMutablePointer<Target>?, Int) -> Void
) -> (found: [Target], expected: [Target]) {
  var found = [Target](repeating: 0, count: source.count)
  var expected = found
  convert(source, &found, source.count)
  twin(source, &expected, source.count)
  return (found, expected)
}

@Suite struct ConversionLoopsTests {
  /// Every 16-bit pattern: all halves and bfloat16, each NaN, infinity and subnormal among them.
  @Test func widenedPatternsAreTheirTwins() {
    let patterns = Array(UInt16.min...UInt16.max)
    typealias Widen = (UnsafePointer<UInt16>?, UnsafeMutablePointer<Float>?, Int) -> Void
    let pairs: [(Widen, Widen)] = [
      (cvector_half_to_float, cvector_half_to_float_scalar),
      (cvector_bfloat16_to_float, cvector_bfloat16_to_float_scalar),
    ]
    for (widen, twin) in pairs {
      var found = [Float](repeating: 0, count: patterns.count)
      var expected = found
      widen(patterns, &found, patterns.count)
      twin(patterns, &expected, patterns.count)
      #expect(zip(found, expected).allSatisfy { $0.bitPattern == $1.bitPattern || $0.isNaN && $1.isNaN })
    }
  }

  @Test func roundedFloatsAreTheirTwins() {
    let halves = both(floats, cvector_float_to_half, cvector_float_to_half_scalar)
    let brains = both(floats, cvector_float_to_bfloat16, cvector_float_to_bfloat16_scalar)
    let numbers = floats.indices.filter { !floats[$0].isNaN }
    #expect(numbers.first { halves.found[$0] != halves.expected[$0] }.map { floats[$0] } == nil)
    #expect(numbers.first { brains.found[$0] != brains.expected[$0] }.map { floats[$0] } == nil)
    let others = floats.indices.filter { floats[$0].isNaN }
    #expect(others.allSatisfy { Half.float(halves.found[$0]).isNaN && BFloat16.float(brains.found[$0]).isNaN })
  }

  @Test func wholeNumbersAreTheirTwins() {
    let numbers = floats + [0.5, 1.5, 2.5, -0.5, -1.5, 126.5, 127.5, -128.5, 254.5, 255.5, 0x1p31, -0x1p31]
    let signed = both(numbers, cvector_float_to_int8, cvector_float_to_int8_scalar)
    let unsigned = both(numbers, cvector_float_to_uint8, cvector_float_to_uint8_scalar)
    let long = both(numbers, cvector_float_to_int32, cvector_float_to_int32_scalar)
    let wrong = numbers.indices.first {
      signed.found[$0] != signed.expected[$0] || unsigned.found[$0] != unsigned.expected[$0]
        || long.found[$0] != long.expected[$0]
    }
    #expect(wrong.map { numbers[$0] } == nil)
  }

  /// The loops and the functions for one number say the same to the bit, payloads of NaNs included.
  @Test func loopsAreTheFunctionsForOneNumber() {
    let patterns = Array(UInt16.min...UInt16.max)
    let halves = Tensor([patterns.count], of: .float16, patterns).converted(to: .float32)
    let brains = Tensor([patterns.count], of: .bfloat16, patterns).converted(to: .float32)
    #expect(zip(halves.elements, patterns).allSatisfy { $0.bitPattern == Half.float($1).bitPattern })
    #expect(zip(brains.elements, patterns).allSatisfy { $0.bitPattern == BFloat16.float($1).bitPattern })
    let numbers = Tensor([floats.count], floats)
    let rounded = numbers.converted(to: .float16).withElements(of: UInt16.self) { Array($0) }
    #expect(zip(rounded, floats).allSatisfy { $0 == Half.bits(rounding: $1) })
    let cut = numbers.converted(to: .bfloat16).withElements(of: UInt16.self) { Array($0) }
    #expect(zip(cut, floats).allSatisfy { $0 == BFloat16.bits(rounding: $1) })
  }

  #if !(os(macOS) && arch(x86_64))
    /// Swift's own type, which is the machine's.
    @Test func halvesAreFloat16() {
      let wrong = (UInt16.min...UInt16.max).first { bits in
        let number = Float(Float16(bitPattern: bits))
        return number.isNaN ? !Half.float(bits).isNaN : Half.float(bits) != number
      }
      #expect(wrong == nil)
      let misrounded = floats.first { !$0.isNaN && Half.bits(rounding: $0) != Float16($0).bitPattern }
      #expect(misrounded == nil)
    }
  #endif
}

@Suite struct ElementTypeTests {
  @Test func halvesHaveNumPysNumbers() {
    // numpy: np.array([bits], np.uint16).view(np.float16).astype(np.float32)
    let cases: [(UInt16, Float)] = [
      (0x0000, 0), (0x3c00, 1), (0xc000, -2), (0x7bff, 65504), (0x0400, 6.103515625e-05),
      (0x0001, 5.9604644775390625e-08), (0x83ff, -6.097555160522461e-05), (0x3555, 0.333251953125),
      (0x7c00, .infinity), (0xfc00, -.infinity),
    ]
    for (bits, number) in cases { #expect(Half.float(bits) == number) }
    #expect(Half.float(0x8000).bitPattern == 0x8000_0000)
    #expect(Half.float(0x7e01).bitPattern == 0x7fc0_2000)
  }

  /// Rounded by PyTorch 2.15, `torch.tensor(…).to(torch.bfloat16)`.
  @Test func bfloat16RoundsToTheNearestEven() {
    let numbers: [Float] = [
      1, 1.00390625, 1.01171875, -1.00390625, 3.4e38, Float(bitPattern: 0x1_16C2), 0.1, .infinity,
    ]
    let rounded = Tensor([8], numbers).converted(to: .bfloat16).converted(to: .float32).elements
    #expect(rounded == [1, 1, 1.015625, -1, .infinity, Float(bitPattern: 0x1_0000), 0.10009765625, .infinity])
  }

  @Test func wholeNumbersStopAtTheirRange() {
    let numbers = Tensor([8], [-3e9, -129, -1.5, 0.5, 127.4, 256, 3e9, .nan])
    func held<Element: TensorElement>(_ type: ElementType) -> [Element] {
      numbers.converted(to: type).withElements(of: Element.self) { Array($0) }
    }
    #expect(held(.int8) as [Int8] == [-128, -128, -2, 0, 127, 127, 127, 0])
    #expect(held(.uint8) as [UInt8] == [0, 0, 0, 0, 127, 255, 255, 0])
    #expect(held(.int32) as [Int32] == [.min, -129, -2, 0, 127, 256, .max, 0])
  }

  /// Between types other than Float32 a number is rounded once.
  @Test func narrowTypesBecomeOneAnother() {
    let bytes = Tensor([3], of: .int8, [-7, 0, 127] as [Int8])
    let halves = bytes.converted(to: .float16)
    #expect(halves.withElements(of: UInt16.self) { Array($0) } == [0xc700, 0, 0x57f0])
    #expect(halves.converted(to: .int8).withElements(of: Int8.self) { Array($0) } == [-7, 0, 127])
  }

  @Test func whatIsThatTypeAlreadySharesMemory() {
    let tensor = Tensor([2], of: .bfloat16, [0x3f80, 0x4000] as [UInt16])
    let base = tensor.withBytes { $0.baseAddress }
    #expect(tensor.converted(to: .bfloat16).withBytes { $0.baseAddress } == base)
    #expect(tensor.byteCount == 4 && tensor.elementType == .bfloat16)
  }

  @Test func copiedBytesNeedNoAlignment() {
    let bytes: [UInt8] = [0xff, 0x80, 0x3f, 0x00, 0x40]
    let tensor = bytes.withUnsafeBytes {
      Tensor([2], of: .bfloat16, copying: UnsafeRawBufferPointer(rebasing: $0[1...]))
    }
    #expect(tensor.converted(to: .float32).elements == [1, 2])
  }

  @Test func memoryOfEveryTypeIsAligned() {
    for type in ElementType.allCases {
      let bytes = [UInt8](repeating: 1, count: 5 * type.byteCount)
      let tensor = bytes.withUnsafeBytes { Tensor([5], of: type, copying: $0) }
      #expect(tensor.withBytes { UInt(bitPattern: $0.baseAddress) % 64 } == 0)
      #expect(tensor.withBytes { Array($0) } == bytes)
    }
  }

  private struct Source: WeightSource {
    let origin = "model.gguf"
    let stored: Tensor
    var shapes: [String: Shape] { ["w": stored.shape] }
    func tensor(_ name: String) throws -> Tensor { stored }
  }

  @Test func aSourceWidensWhatItHolds() throws {
    let halves = Source(stored: Tensor([2], of: .float16, [0x3c00, 0xc000] as [UInt16]))
    #expect(try halves.float32("w").elements == [1, -2])
    let coded = Source(stored: Tensor([1], of: .float8E5M2, [0] as [UInt8]))
    let error = WeightError.notFloat32(origin: "model.gguf", name: "w", found: .float8E5M2)
    #expect(throws: error) { try coded.float32("w") }
    #expect("\(error)" == "model.gguf: expected 'w' to be readable as float32, found float8_e5m2")
  }

  @Test func elementsOfAnotherTypeTrap() async {
    await #expect(processExitsWith: .failure) {
      _ = Tensor([1], of: .bfloat16, [0] as [UInt16]).withElements { $0[0] }
    }
    await #expect(processExitsWith: .failure) {
      _ = Tensor([2, 2], [1, 2, 3, 4]).permutedView(1, 0).withElements { $0[0] }
    }
  }
}
