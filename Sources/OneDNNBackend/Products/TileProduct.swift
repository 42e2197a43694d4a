// Matrix products of oneDNN on tiles of fixed numbers of rows: primitives made once a form, weights packed once.
internal import COneDNN
internal import Synchronization

/// How a product reads or writes the elements of a tile.
enum TileElement: Int32, Sendable {
  case bf16 = 2
  case f32 = 3
  case s32 = 4
  case s8 = 5
  case u8 = 6

  /// Bytes of one element.
  var size: Int {
    switch self {
    case .f32, .s32: 4
    case .bf16: 2
    case .s8, .u8: 1
    }
  }

  /// How weights are encoded that meet such an input.
  var weights: TileElement {
    switch self {
    case .s8, .u8: .s8
    case .bf16: .bf16
    case .f32, .s32: .f32
    }
  }
}

/// What a product computes, for any number of rows: `output = relu(input · weightᵀ + bias + output)`, of which all
/// but the product may be left out.
struct ProductForm: Hashable, Sendable {
  let inputs: Int
  let outputs: Int
  let input: TileElement
  let output: TileElement
  var hasBias = false
  /// Whether the result is added to what the output holds.
  var accumulates = false
  /// Whether negative results become zero, after all that is added.
  var clampsNegatives = false
  /// Elements from one row to the next. One row after another unless it is said; otherwise oneDNN takes its slow
  /// ways, see `TilePrimitive.implementation`.
  var inputStride: Int?
  var outputStride: Int?
}

/// One of oneDNN's primitives: a form at one number of rows. Any number of threads run it at a time.
final class TilePrimitive: Sendable {
  let rows: Int
  let form: ProductForm
  /// What oneDNN chose, such as `brg:avx512_core_amx_bf16`. Without `brg` it is one of the slow ways.
  let implementation: String
  /// What a run needs beside its operands.
  let scratchBytes: Int
  fileprivate nonisolated(unsafe) let handle: OpaquePointer

  init(_ form: ProductForm, rows: Int, library: OneDNNLibrary) throws(OneDNNError) {
    precondition(
      rows > 0 && form.inputs > 0 && form.outputs > 0,
      "expected a product of rows, found \(rows) × \(form.inputs) by \(form.outputs)")
    var settings = conednn_form()
    settings.rows = rows
    settings.in = form.inputs
    settings.out = form.outputs
    settings.input_stride = form.inputStride ?? form.inputs
    settings.output_stride = form.outputStride ?? form.outputs
    settings.input_type = form.input.rawValue
    settings.weight_type = form.input.weights.rawValue
    settings.output_type = form.output.rawValue
    settings.has_bias = form.hasBias ? 1 : 0
    settings.adds = form.accumulates ? 1 : 0
    settings.relu = form.clampsNegatives ? 1 : 0
    handle = try orRefusal { conednn_product_make(&settings, $0, $1) }
    self.rows = rows
    self.form = form
    implementation = String(cString: conednn_product_implementation(handle))
    scratchBytes = conednn_product_scratch_bytes(handle)
  }

  deinit { conednn_product_free(handle) }

  /// Whether what is packed for this one serves the other.
  func sharesWeights(with other: TilePrimitive) -> Bool {
    conednn_product_shares_weights(handle, other.handle) != 0
  }
}

/// Primitives by form and rows, so that layers of the same size share them: making one compiles it, which takes
/// half a millisecond to two.
final class TilePrimitives: Sendable {
  private struct Key: Hashable {
    let form: ProductForm
    let rows: Int
  }
  private let library: OneDNNLibrary
  private let made = Mutex<[Key: TilePrimitive]>([:])

  init(_ library: OneDNNLibrary) { self.library = library }

  /// The one primitive of this form and number of rows.
  func primitive(_ form: ProductForm, rows: Int) throws(OneDNNError) -> TilePrimitive {
    let key = Key(form: form, rows: rows)
    if let found = made.withLock({ $0[key] }) { return found }
    let primitive = try TilePrimitive(form, rows: rows, library: library)
    return made.withLock { made in
      if let found = made[key] { return found }
      made[key] = primitive
      return primitive
    }
  }

  /// All that were made, by implementation.
  var implementations: [String: Int] {
    made.withLock { made in
      made.values.reduce(into: [:]) { $0[$1.implementation, default: 0] += 1 }
    }
  }
}

/// Weights in the order in which primitives read them.
final class PackedWeights: Sendable {
  let bytes: Int
  fileprivate nonisolated(unsafe) let handle: OpaquePointer

  /// - Parameters:
  ///   - weight: `[outputs, inputs]`, row by row; whole numbers for a product of whole numbers.
  ///   - primitive: one that reads them.
  init(_ weight: UnsafePointer<Float>, for primitive: TilePrimitive) throws(OneDNNError) {
    handle = try orRefusal { conednn_weights_make(primitive.handle, weight, $0, $1) }
    bytes = conednn_weights_bytes(handle)
  }

  deinit { conednn_weights_free(handle) }
}

/// A layer's product on tiles: its packed weights, its bias, and a primitive for each number of rows.
final class TileProduct: Sendable {
  let form: ProductForm
  /// Enough for any number of rows.
  let scratchBytes: Int
  private let tiles: [(primitive: TilePrimitive, weights: PackedWeights)]
  private let bias: [Float]

  /// - Parameters:
  ///   - weight: `[outputs, inputs]`, row by row.
  ///   - bias: `outputs` values where the form has a bias.
  ///   - rows: the numbers of rows that a tile may have.
  /// - Throws: `OneDNNError.refused`.
  init(
    _ form: ProductForm, weight: UnsafePointer<Float>, bias: [Float] = [], rows: [Int],
    primitives: TilePrimitives
  ) throws(OneDNNError) {
    precondition(
      bias.count == (form.hasBias ? form.outputs : 0),
      "expected a bias of \(form.hasBias ? form.outputs : 0), found \(bias.count)")
    var tiles: [(primitive: TilePrimitive, weights: PackedWeights)] = []
    for count in rows {
      let primitive = try primitives.primitive(form, rows: count)
      if let other = tiles.first(where: { $0.primitive.sharesWeights(with: primitive) }) {
        tiles.append((primitive, other.weights))
      } else {
        tiles.append((primitive, try PackedWeights(weight, for: primitive)))
      }
    }
    self.form = form
    self.bias = bias
    self.tiles = tiles
    scratchBytes = tiles.map(\.primitive.scratchBytes).max() ?? 0
  }

  /// The numbers of rows that a tile may have, and what oneDNN chose for each.
  var implementations: [(rows: Int, name: String)] {
    tiles.map { ($0.primitive.rows, $0.primitive.implementation) }
  }

  /// Bytes of all packed weights.
  var weightBytes: Int {
    var seen: Set<ObjectIdentifier> = []
    return tiles.reduce(0) { seen.insert(ObjectIdentifier($1.weights)).inserted ? $0 + $1.weights.bytes : $0 }
  }

  /// Computes one tile on the calling thread alone.
  ///
  /// - Parameters:
  ///   - rows: one of the numbers of rows that it was made for.
  ///   - input: `[rows, inputs]`, at the form's stride.
  ///   - output: `[rows, outputs]`, likewise.
  ///   - scratch: `scratchBytes` bytes that nobody else uses meanwhile, aligned to 64.
  func callAsFunction(
    rows: Int, _ input: UnsafeRawPointer, into output: UnsafeMutableRawPointer,
    scratch: UnsafeMutableRawPointer?
  ) {
    guard let tile = tiles.first(where: { $0.primitive.rows == rows }) else {
      preconditionFailure("expected a tile of \(tiles.map(\.primitive.rows)) rows, found \(rows)")
    }
    precondition(scratchBytes == 0 || scratch != nil, "expected \(scratchBytes) bytes of scratch, found none")
    let status = bias.withUnsafeBufferPointer { bias in
      conednn_product_run(tile.primitive.handle, input, tile.weights.handle, bias.baseAddress, output, scratch)
    }
    precondition(
      status == 0, "oneDNN ran no product of \(rows) × \(form.inputs) by \(form.outputs): status \(status)")
  }
}

/// What `make` gives, or what it wrote of why it gives nothing.
private func orRefusal(
  _ make: (UnsafeMutablePointer<CChar>, Int) -> OpaquePointer?
) throws(OneDNNError) -> OpaquePointer {
  let capacity = 256
  let error = UnsafeMutablePointer<CChar>.allocate(capacity: capacity)
  defer { error.deallocate() }
  error.initialize(repeating: 0, count: capacity)
  guard let made = make(error, capacity) else { throw .refused(reason: String(cString: error)) }
  return made
}
