// Reordering axes. Every permutation is either copies of contiguous runs or a stack of 2-d transposes.
import CVector
public import Tensors

extension Tensor {
  /// The axes in another order: axis `i` of the result is axis `axes[i]` of this.
  public func permuted(_ axes: Int...) -> Tensor { permuted(axes) }

  /// The axes in another order: axis `i` of the result is axis `axes[i]` of this.
  public func permuted(_ axes: [Int]) -> Tensor {
    precondition(axes.sorted() == Array(0..<shape.rank), "axes \(axes) of \(shape)")
    let shape = self.shape
    let result = Shape(axes.map { shape[$0] })
    let moves = joinedAxes(result, axes.map { shape.strides[$0] })
    // Nothing but axes of extent 1 moved.
    guard moves.count > 1 else { return reshaped(result) }
    return Tensor(result) { out in
      withElements { elements in
        if moves[moves.count - 1].source == 1 {
          copyRuns(from: elements.start, to: out.start, moves)
        } else {
          transposePlanes(from: elements.start, to: out.start, moves)
        }
      }
    }
  }
}

/// One axis of the result and its strides, in elements.
private struct Move {
  var extent: Int
  var source: Int
  var target: Int
}

/// The result's axes with their strides here and there; axes that stay neighbours become one, extent 1 is
/// dropped.
private func joinedAxes(_ result: Shape, _ sourceStrides: [Int]) -> [Move] {
  var moves: [Move] = []
  for (axis, target) in result.strides.enumerated() where result[axis] != 1 {
    let move = Move(extent: result[axis], source: sourceStrides[axis], target: target)
    if let last = moves.last, last.source == move.source * move.extent {
      moves[moves.count - 1] = Move(extent: last.extent * move.extent, source: move.source, target: target)
    } else {
      moves.append(move)
    }
  }
  return moves
}

/// Where the item of that number begins, counting through `moves` with the last axis fastest.
private func offsets(_ item: Int, _ moves: [Move]) -> (source: Int, target: Int) {
  var (rest, source, target) = (item, 0, 0)
  for move in moves.reversed() {
    let (quotient, index) = rest.quotientAndRemainder(dividingBy: move.extent)
    rest = quotient
    source += index * move.source
    target += index * move.target
  }
  return (source, target)
}

private func copyRuns(
  from source: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>, _ moves: [Move]
) {
  let run = moves[moves.count - 1].extent
  let outer = Array(moves.dropLast())
  parallelFor(outer.reduce(1) { $0 * $1.extent }, grain: Parallelism.rows(of: run)) { range in
    for item in range {
      let offset = offsets(item, outer)
      (target + offset.target).update(from: source + offset.source, count: run)
    }
  }
}

/// The plane is spanned by the source's last axis and the result's last axis; the others count planes.
private func transposePlanes(
  from source: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>, _ moves: [Move]
) {
  let rows = moves[moves.count - 1]
  guard let columnAxis = moves.firstIndex(where: { $0.source == 1 }) else { return }
  let columns = moves[columnAxis]
  var outer = Array(moves.dropLast())
  outer.remove(at: columnAxis)
  // Cut the longer side, in whole vectors, so that a tile reads and writes runs as long as possible.
  let cutsRows = rows.extent > columns.extent
  let (long, short) = cutsRows ? (rows, columns) : (columns, rows)
  let step = max(16, Parallelism.rows(of: short.extent) / 16 * 16)
  let pieces = (long.extent + step - 1) / step
  let planes = outer.reduce(1) { $0 * $1.extent }
  let grain = max(1, Parallelism.rows(of: min(step, long.extent) * short.extent))
  parallelFor(planes * pieces, grain: grain) { range in
    for item in range {
      let (plane, piece) = item.quotientAndRemainder(dividingBy: pieces)
      let offset = offsets(plane, outer)
      let start = piece * step
      let count = min(step, long.extent - start)
      cvector_transpose(
        source + offset.source + start * long.source, rows.source,
        target + offset.target + start * long.target, columns.target,
        cutsRows ? count : rows.extent, cutsRows ? columns.extent : count)
    }
  }
}
