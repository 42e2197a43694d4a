import Kernels
public import Tensors

/// Two arrays of one shape that are read in the same pieces.
struct ArrayPair: Sendable {
  /// Elements per piece, of which each is added up by itself: few enough for the second cache to hold both sides.
  static let pieceSize = 1 << 16

  /// Reads elements of an array from an offset on; several threads call it at a time.
  typealias Reading = @Sendable (Int, UnsafeMutableBufferPointer<Float>) throws -> Void

  /// An array in memory, or one that is read.
  enum Side: Sendable {
    case held(Tensor)
    case read(Reading)
  }

  /// The shape of both.
  let shape: Shape
  private let reference: Side
  private let candidate: Side

  /// Two arrays, of which those that are read have that shape.
  init(shape: Shape, reference: Side, candidate: Side) {
    for case .held(let tensor) in [reference, candidate] {
      precondition(tensor.shape == shape, "\(tensor.shape) as one of two of \(shape)")
    }
    self.shape = shape
    self.reference = reference
    self.candidate = candidate
  }

  /// Calls `body` with both sides' elements of a range, from where they lie or else read into `scratch`, twice as large.
  private func withElements(
    _ range: Range<Int>, scratch: UnsafeMutablePointer<Float>,
    _ body: (UnsafeBufferPointer<Float>, UnsafeBufferPointer<Float>) throws -> Void
  ) throws {
    try reference.withElements(range, scratch) { expected in
      try candidate.withElements(range, scratch + range.count) { found in try body(expected, found) }
    }
  }

  /// Adds up the whole, on several threads. Neither their number nor `slabSize` changes a bit of it.
  ///
  /// - Parameter slabSize: About how many elements are worked on before their results are joined.
  func scan(slabSize: Int, heatMap: Bool) throws -> (errors: ErrorAccumulator, heatMap: HeatMap?) {
    var errors = ErrorAccumulator()
    var grid = heatMap ? HeatMapGrid(shape) : nil
    let slabPieces = (slabSize + Self.pieceSize - 1) / Self.pieceSize
    for slab in stride(from: 0, to: shape.count, by: slabPieces * Self.pieceSize) {
      let left = shape.count - slab
      let pieces = min(slabPieces, (left + Self.pieceSize - 1) / Self.pieceSize)
      var found = [Result<Piece, any Error>?](repeating: nil, count: pieces)
      let capacity = min(left, Self.pieceSize)
      found.withUnsafeMutableBufferPointer { found in
        parallelFor(pieces, grain: 1, scratch: 2 * capacity) { range, scratch in
          for piece in range {
            let start = slab + piece * Self.pieceSize
            let length = min(capacity, shape.count - start)
            found[piece] = Result {
              var piece = Piece(errors: ErrorAccumulator(from: start), grid: grid)
              try withElements(start..<start + length, scratch: scratch) { expected, found in
                piece.errors.add(expected, found)
                piece.grid?.add(expected, found, from: start)
              }
              return piece
            }
          }
        }
      }
      for piece in found {
        guard let piece = try piece?.get() else { continue }
        errors.merge(piece.errors)
        if let seen = piece.grid { grid?.merge(seen) }
      }
    }
    return (errors, grid?.map)
  }

  private struct Piece {
    var errors: ErrorAccumulator
    var grid: HeatMapGrid?
  }

  /// Calls `body` with piece after piece of a range, all by default, until it returns false.
  func forEachPiece(
    of range: Range<Int>? = nil,
    _ body: (UnsafeBufferPointer<Float>, UnsafeBufferPointer<Float>) throws -> Bool
  ) throws {
    let range = range ?? 0..<shape.count
    let capacity = min(range.count, Self.pieceSize)
    let memory = UnsafeMutablePointer<Float>.allocate(capacity: 2 * capacity)
    defer { memory.deallocate() }
    var goesOn = true
    for start in stride(from: range.lowerBound, to: range.upperBound, by: max(1, capacity)) where goesOn {
      try withElements(start..<min(start + capacity, range.upperBound), scratch: memory) {
        goesOn = try body($0, $1)
      }
    }
  }
}

extension ArrayPair.Side {
  /// Calls `body` with the elements of a range, from where they lie or else read into `scratch`.
  fileprivate func withElements(
    _ range: Range<Int>, _ scratch: UnsafeMutablePointer<Float>,
    _ body: (UnsafeBufferPointer<Float>) throws -> Void
  ) throws {
    switch self {
    case .held(let tensor): try tensor.withElements { try body(UnsafeBufferPointer(rebasing: $0[range])) }
    case .read(let read):
      let memory = UnsafeMutableBufferPointer(start: scratch, count: range.count)
      try read(range.lowerBound, memory)
      try body(UnsafeBufferPointer(memory))
    }
  }
}

extension ArrayPair {
  /// The metrics, and where the errors are if asked.
  func metrics(isMask: Bool, heatMap: Bool, slabSize: Int) throws -> (ErrorMetrics, HeatMap?) {
    let (errors, map) = try scan(slabSize: slabSize, heatMap: heatMap)
    var metrics = errors.metrics(shape)
    if errors.mayBeProbabilities(rowLength: shape.extents.last ?? 0) {
      metrics.klDivergence = try ProbabilityRows.divergence(of: self)
    }
    if isMask { metrics.masks = try MaskMetrics(self) }
    return (metrics, map)
  }
}

extension ErrorMetrics {
  /// How far a tensor is from its reference of the same shape.
  ///
  /// - Parameter isMask: Whether it holds mask logits.
  public init(_ reference: Tensor, _ candidate: Tensor, isMask: Bool = false) throws {
    let pair = ArrayPair(shape: reference.shape, reference: .held(reference), candidate: .held(candidate))
    self = try pair.metrics(isMask: isMask, heatMap: false, slabSize: TapComparator.defaultSlabSize).0
  }
}
