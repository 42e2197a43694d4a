// Products on tiles against loops in double precision, and what threads may rely on.
import Dispatch
import Foundation
import Kernels
import Synchronization
import Tensors
import Testing

@testable import OneDNNBackend

private let primitives = Result { TilePrimitives(try OneDNNLibrary()) }

/// Whether oneDNN makes products of bf16 at all: it doesn't on processors without AVX-512.
private let takesBF16: Bool = {
  let form = ProductForm(inputs: 64, outputs: 64, input: .bf16, output: .bf16)
  return (try? TilePrimitive(form, rows: 64, library: OneDNNLibrary())) != nil
}()

private func isTaken(_ element: TileElement) -> Bool { element != .bf16 || takesBF16 }

/// Numbers that a type holds exactly: fractions of eight bits, or whole and so small that processors without VNNI,
/// which add pairs of products in 16 bits after shifting s8 to u8, compute them exactly.
private func numbers(_ count: Int, seed: Int, _ element: TileElement) -> [Float] {
  let hash = CounterHash(seed: UInt64(seed), name: "tiles")
  return (0..<count).map { index in
    let whole = Float(hash[index] % 121) - 60
    return switch element {
    case .u8: abs(whole)
    case .s8, .s32: whole
    case .f32, .bf16: BFloat16.float(BFloat16.bits(rounding: whole / 23))
    }
  }
}

/// Memory for a tile, aligned as tensors are.
private final class Tile {
  let memory: UnsafeMutableRawPointer
  let count: Int
  let element: TileElement

  init(_ values: [Float], _ element: TileElement) {
    (count, self.element) = (values.count, element)
    memory = .allocate(byteCount: max(64, count * element.size), alignment: 64)
    for (index, value) in values.enumerated() {
      let place = memory + index * element.size
      switch element {
      case .f32: place.storeBytes(of: value, as: Float.self)
      case .bf16: place.storeBytes(of: BFloat16.bits(rounding: value), as: UInt16.self)
      case .s32: place.storeBytes(of: Int32(value), as: Int32.self)
      case .s8: place.storeBytes(of: Int8(value), as: Int8.self)
      case .u8: place.storeBytes(of: UInt8(value), as: UInt8.self)
      }
    }
  }

  deinit { memory.deallocate() }

  var values: [Double] {
    (0..<count).map { index in
      let place = memory + index * element.size
      return switch element {
      case .f32: Double(place.load(as: Float.self))
      case .bf16: Double(BFloat16.float(place.load(as: UInt16.self)))
      case .s32: Double(place.load(as: Int32.self))
      case .s8: Double(place.load(as: Int8.self))
      case .u8: Double(place.load(as: UInt8.self))
      }
    }
  }

  var bytes: [UInt8] {
    Array(UnsafeRawBufferPointer(start: memory, count: count * element.size))
  }
}

private func withScratch(_ product: TileProduct, _ body: (UnsafeMutableRawPointer) -> Void) {
  let scratch = UnsafeMutableRawPointer.allocate(byteCount: max(64, product.scratchBytes), alignment: 64)
  defer { scratch.deallocate() }
  body(scratch)
}

private struct Case: CustomStringConvertible {
  let form: ProductForm
  let rows: Int
  var description: String {
    let steps = [
      form.hasBias ? "bias" : "", form.accumulates ? "sum" : "", form.clampsNegatives ? "relu" : "",
    ]
    return "\(rows) × \(form.inputs) by \(form.outputs), \(form.input) to \(form.output) "
      + (steps.filter { !$0.isEmpty } + (form.inputStride == nil ? [] : ["strided"])).joined(separator: " ")
  }
}

private let cases: [Case] = {
  let types: [(TileElement, TileElement)] = [
    (.f32, .f32), (.bf16, .bf16), (.bf16, .f32), (.u8, .f32), (.s8, .f32), (.u8, .s32), (.s8, .s32),
  ]
  // Multiples of the blocks, and none.
  let extents = [(64, 96, 288), (128, 147, 80), (256, 64, 32), (192, 2048, 33), (7, 20, 3)]
  return types.filter { isTaken($0.0) }.flatMap { input, output in
    extents.flatMap { rows, inputs, outputs in
      (0..<9).map { steps in
        var form = ProductForm(
          inputs: inputs, outputs: outputs, input: input, output: output, hasBias: steps & 1 != 0,
          accumulates: steps & 2 != 0, clampsNegatives: steps & 4 != 0)
        if steps == 8 { (form.inputStride, form.outputStride) = (inputs + 5, outputs + 3) }
        return Case(form: form, rows: rows)
      }
    }
  }
}()

/// f32 may sum in any order; whole numbers are exact; bf16 keeps eight bits, so results are within half of the
/// last, 2⁻⁸ of the number, beside what summing does.
@Test(arguments: cases)
private func productsMatchDoubleLoops(_ item: Case) throws {
  let (form, rows) = (item.form, item.rows)
  let weight = numbers(form.outputs * form.inputs, seed: 1, form.input.weights)
  // A bias of whole numbers, so that results that are whole stay so.
  let bias = form.hasBias ? numbers(form.outputs, seed: 2, .s8) : []
  let (inputStride, outputStride) = (form.inputStride ?? form.inputs, form.outputStride ?? form.outputs)
  let x = numbers(rows * inputStride, seed: 3, form.input)
  let isWhole = form.input == .u8 || form.input == .s8
  let before = numbers(rows * outputStride, seed: 4, isWhole ? .s8 : form.output)
  let product = try TileProduct(form, weight: weight, bias: bias, rows: [rows], primitives: primitives.get())
  let (input, output) = (Tile(x, form.input), Tile(before, form.output))
  withScratch(product) { product(rows: rows, input.memory, into: output.memory, scratch: $0) }

  let found = output.values
  var worst = 0.0
  for row in 0..<rows {
    for column in 0..<form.outputs {
      let at = row * outputStride + column
      var sum = 0.0
      var size = 0.0
      for i in 0..<form.inputs {
        let term = Double(x[row * inputStride + i]) * Double(weight[column * form.inputs + i])
        sum += term
        size += abs(term)
      }
      if form.hasBias { sum += Double(bias[column]) }
      if form.accumulates { sum += Double(before[at]) }
      if form.clampsNegatives { sum = max(0, sum) }
      let allowed = isWhole ? 0 : 2e-7 * (size + 100) + (form.output == .bf16 ? abs(sum) / 256 : 0)
      worst = max(worst, abs(found[at] - sum) - allowed)
    }
    let gap = row * outputStride + form.outputs..<(row + 1) * outputStride
    #expect(gap.allSatisfy { found[$0] == Double(before[$0]) })
  }
  #expect(worst <= 0, "\(product.implementations)")
}

@Test func numbersOfRowsShareOnePacking() throws {
  let form = ProductForm(inputs: 96, outputs: 288, input: .f32, output: .f32)
  let weight = numbers(96 * 288, seed: 5, .f32)
  let one = try TileProduct(form, weight: weight, rows: [64], primitives: primitives.get())
  let all = try TileProduct(form, weight: weight, rows: [64, 128, 192, 256], primitives: primitives.get())
  #expect(all.weightBytes == one.weightBytes)
  #expect(one.weightBytes >= 96 * 288 * 4)
  #expect(all.implementations.map(\.rows) == [64, 128, 192, 256])

  // Other extents and other types share nothing.
  let first = try primitives.get().primitive(form, rows: 64)
  let wider = ProductForm(inputs: 96, outputs: 384, input: .f32, output: .f32)
  #expect(try !first.sharesWeights(with: primitives.get().primitive(wider, rows: 64)))
  let whole = ProductForm(inputs: 96, outputs: 288, input: .s8, output: .f32)
  #expect(try !first.sharesWeights(with: primitives.get().primitive(whole, rows: 64)))

  // The last was packed for the first: each row of the larger tile is a row of the smaller one.
  let x = numbers(256 * 96, seed: 6, .f32)
  let (input, large) = (Tile(x, .f32), Tile([Float](repeating: 0, count: 256 * 288), .f32))
  withScratch(all) { all(rows: 256, input.memory, into: large.memory, scratch: $0) }
  for first in stride(from: 0, to: 256, by: 64) {
    let small = Tile([Float](repeating: 0, count: 64 * 288), .f32)
    withScratch(one) { one(rows: 64, input.memory + first * 96 * 4, into: small.memory, scratch: $0) }
    let rows = large.values[first * 288..<(first + 64) * 288]
    #expect(zip(small.values, rows).allSatisfy { abs($0 - $1) < 1e-4 })
  }
}

@Test func productsOfOneFormShareAPrimitive() throws {
  let primitives = TilePrimitives(try OneDNNLibrary())
  let form = ProductForm(inputs: 32, outputs: 32, input: .f32, output: .f32)
  let weight = numbers(32 * 32, seed: 7, .f32)
  let products = try (0..<2).map { _ in
    try TileProduct(form, weight: weight, rows: [64, 128], primitives: primitives)
  }
  #expect(products.count == 2)
  #expect(primitives.implementations.values.reduce(0, +) == 2)
  #expect(try primitives.primitive(form, rows: 64) === primitives.primitive(form, rows: 64))
  #expect(try primitives.primitive(form, rows: 64) !== primitives.primitive(form, rows: 128))
}

/// More threads than a product has slots for, each with tiles of its own: all bits are those of one thread alone.
@Test(arguments: [(TileElement.f32, TileElement.f32), (.bf16, .bf16), (.u8, .f32)].filter { isTaken($0.0) })
func threadsAtOnceGiveTheBitsOfOne(input: TileElement, output: TileElement) throws {
  let (rows, inputs, outputs) = (64, 192, 96)
  let form = ProductForm(inputs: inputs, outputs: outputs, input: input, output: output, hasBias: true)
  let product = try TileProduct(
    form, weight: numbers(inputs * outputs, seed: 8, input.weights), bias: numbers(outputs, seed: 9, .s8),
    rows: [rows], primitives: primitives.get())
  @Sendable func result(_ seed: Int) -> [UInt8] {
    let x = Tile(numbers(rows * inputs, seed: seed, input), input)
    let y = Tile([Float](repeating: 0, count: rows * outputs), output)
    withScratch(product) { scratch in
      for _ in 0..<200 { product(rows: rows, x.memory, into: y.memory, scratch: scratch) }
    }
    return y.bytes
  }
  let alone = (0..<8).map { result($0) }
  #expect(Set(alone).count == 8)
  let differing = Mutex<[Int]>([])
  let group = DispatchGroup()
  for index in 0..<130 {
    group.enter()
    Thread.detachNewThread {
      let seed = index % 8
      if result(seed) != alone[seed] { differing.withLock { $0.append(seed) } }
      group.leave()
    }
  }
  group.wait()
  #expect(differing.withLock { $0 } == [])
}

/// What a row holds depends on nothing beside it, so tails may be padded with anything.
@Test(arguments: [TileElement.f32, .bf16].filter(isTaken))
func aRowDoesNotDependOnItsNeighbours(_ element: TileElement) throws {
  let (rows, inputs, outputs) = (192, 96, 288)
  let form = ProductForm(inputs: inputs, outputs: outputs, input: element, output: element)
  let product = try TileProduct(
    form, weight: numbers(inputs * outputs, seed: 10, element), rows: [rows], primitives: primitives.get())
  var x = numbers(rows * inputs, seed: 11, element)
  let results = (0..<2).map { round in
    if round == 1 { for index in (inputs * 100)..<x.count { x[index] = 1000 } }
    let (input, output) = (Tile(x, element), Tile([Float](repeating: 0, count: rows * outputs), element))
    withScratch(product) { product(rows: rows, input.memory, into: output.memory, scratch: $0) }
    return output.bytes
  }
  let kept = 100 * outputs * element.size
  #expect(results[0].prefix(kept) == results[1].prefix(kept))
  #expect(results[0].dropFirst(kept) != results[1].dropFirst(kept))
}

#if os(Linux) && arch(x86_64)
  @Test(.enabled(if: ProcessInfo.processInfo.environment["ONEDNN_MAX_CPU_ISA"] == nil))
  func bf16IsTakenWhereTheProcessorHasAVX512() throws {
    let processor = try String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)
    #expect(takesBF16 == processor.contains("avx512bw"))
  }
#endif

@Test func whatOneDNNRefusesIsSaidInASentence() throws {
  let form = ProductForm(inputs: 20, outputs: 30, input: .s32, output: .bf16)
  let error = #expect(throws: OneDNNError.self) {
    try TilePrimitive(form, rows: 10, library: OneDNNLibrary())
  }
  let text = try #require(error?.description)
  #expect(text.hasPrefix("oneDNN makes no product of 10 × 20 s32 by 20 × 30 f32 to bf16: status "), "\(text)")
}

@Test func versionIsTheLibrarys() throws {
  let numbers = try OneDNNLibrary().version.split(separator: ".").compactMap { Int($0) }
  #expect(numbers.count == 3 && (2...3).contains(numbers[0]))
}

@Test func aMissingLibraryIsSaidInTheLinkersWords() {
  #expect(
    OneDNNError.missing(reason: "libdnnl.so.3: no such file").description
      == "oneDNN can't be loaded: libdnnl.so.3: no such file")
}
