import Kernels
public import Tensors

/// Two arrays of one shape that are read in the same pieces.
struct ArrayPair: Sendable {
  /// Elements per piece, of which each is added up by itself: few enough for the second cache to hold both sides.
  static let pieceSize = 1 << 16

  /// The shape of both.
  let shape: Shape
  /// Reads elements of both from an offset on; several threads call it at a time.
  let read: @Sendable (Int, UnsafeMutableBufferPointer<Float>, UnsafeMutableBufferPointer<Float>) throws -> Void
  /// Reads elements of the reference alone, where the candidate is in memory.
  private let readReference: (@Sendable (Int, UnsafeMutableBufferPointer<Float>) throws -> Void)?
  private let candidate: Tensor?
  private let reference: Tensor?

  /// Two arrays that are read together.
  init(
    shape: Shape,
    read:
      @escaping @Sendable (
        Int, UnsafeMutableBufferPointer<Float>, UnsafeMutableBufferPointer<Float>
      ) throws -> Void
  ) {
    self.shape = shape
    self.read = read
    readReference = nil
    candidate = nil
    reference = nil
  }

  /// Two arrays in memory, of one shape.
  init(reference: Tensor, candidate: Tensor) {
    precondition(reference.shape == candidate.shape, "\(candidate.shape) against \(reference.shape)")
    shape = reference.shape
    read = { offset, expected, found in
      reference.withElements { _ = expected.update(fromContentsOf: $0[offset..<offset + expected.count]) }
      candidate.withElements { _ = found.update(fromContentsOf: $0[offset..<offset + found.count]) }
    }
    readReference = nil
    self.candidate = candidate
    self.reference = reference
  }

  /// A tensor, and a reference that is read.
  init(
    _ candidate: Tensor,
    readReference: @escaping @Sendable (Int, UnsafeMutableBufferPointer<Float>) throws -> Void
  ) {
    shape = candidate.shape
    read = { offset, expected, found in
      try readReference(offset, expected)
      candidate.withElements { _ = found.update(fromContentsOf: $0[offset..<offset + found.count]) }
    }
    self.readReference = readReference
    self.candidate = candidate
    reference = nil
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
              try self.piece(
                at: start, UnsafeMutableBufferPointer(start: scratch, count: length),
                UnsafeMutableBufferPointer(start: scratch + capacity, count: length), grid)
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

  private func piece(
    at start: Int, _ reference: UnsafeMutableBufferPointer<Float>,
    _ candidate: UnsafeMutableBufferPointer<Float>, _ grid: HeatMapGrid?
  ) throws -> Piece {
    var piece = Piece(errors: ErrorAccumulator(from: start), grid: grid)
    if let expected = self.reference, let found = self.candidate, grid == nil {
      let range = start..<start + reference.count
      expected.withElements { expected in
        found.withElements { found in
          piece.errors.add(
            UnsafeBufferPointer(rebasing: expected[range]), UnsafeBufferPointer(rebasing: found[range]))
        }
      }
      return piece
    }
    if let readReference, let tensor = self.candidate, grid == nil {
      // Spares a copy.
      try readReference(start, reference)
      tensor.withElements {
        piece.errors.add(
          UnsafeBufferPointer(reference), UnsafeBufferPointer(rebasing: $0[start..<start + reference.count]))
      }
      return piece
    }
    try read(start, reference, candidate)
    piece.errors.add(UnsafeBufferPointer(reference), UnsafeBufferPointer(candidate))
    piece.grid?.add(UnsafeBufferPointer(reference), UnsafeBufferPointer(candidate), from: start)
    return piece
  }

  /// Calls `body` with piece after piece of a range, all by default, until it returns false.
  func forEachPiece(
    of range: Range<Int>? = nil,
    _ body: (UnsafeBufferPointer<Float>, UnsafeBufferPointer<Float>) throws -> Bool
  ) throws {
    let range = range ?? 0..<shape.count
    let capacity = min(range.count, Self.pieceSize)
    let memory = UnsafeMutableBufferPointer<Float>.allocate(capacity: 2 * capacity)
    defer { memory.deallocate() }
    for start in stride(from: range.lowerBound, to: range.upperBound, by: max(1, capacity)) {
      let length = min(capacity, range.upperBound - start)
      let reference = UnsafeMutableBufferPointer(rebasing: memory[..<length])
      let candidate = UnsafeMutableBufferPointer(rebasing: memory[capacity..<capacity + length])
      try read(start, reference, candidate)
      guard try body(UnsafeBufferPointer(reference), UnsafeBufferPointer(candidate)) else { return }
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
    let pair = ArrayPair(reference: reference, candidate: candidate)
    self = try pair.metrics(isMask: isMask, heatMap: false, slabSize: ArrayComparator.defaultSlabSize).0
  }
}
