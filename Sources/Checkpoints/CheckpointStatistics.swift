import Dispatch
import Files
import Synchronization

extension Checkpoint {
  /// What the numbers of one tensor look like, or nil for complex ones.
  ///
  /// - Throws: as `bytes(of:)`.
  public func statistics(of name: String) throws(CheckpointError) -> TensorStatistics? {
    guard let index = number(of: name) else { throw .missingTensor(path: path, name: name) }
    return try statistics(at: index)
  }

  /// The same for all tensors, in the order of `entries`, several at a time.
  ///
  /// - Throws: as `bytes(of:)`, for the first tensor that is broken.
  public func statistics() throws(CheckpointError) -> [TensorStatistics?] {
    // The largest first, so that none of them is left for the end.
    let order = entries.indices.sorted { (entries[$1].byteCount, $0) < (entries[$0].byteCount, $1) }
    let next = Atomic<Int>(0)
    var results = [Result<TensorStatistics?, CheckpointError>](repeating: .success(nil), count: order.count)
    results.withUnsafeMutableBufferPointer { results in
      // Each thread writes elements that no other one does.
      nonisolated(unsafe) let results = results
      DispatchQueue.concurrentPerform(iterations: 2) { _ in
        while true {
          let turn = next.wrappingAdd(1, ordering: .relaxed).oldValue
          guard turn < order.count else { return }
          let index = order[turn]
          results[index] = Result { () throws(CheckpointError) in try self.statistics(at: index) }
        }
      }
    }
    var all: [TensorStatistics?] = []
    for result in results { all.append(try result.get()) }
    return all
  }

  /// Holes of the file are verified and counted without being read.
  private func statistics(at index: Int) throws(CheckpointError) -> TensorStatistics? {
    let stored = try contents.bytes(at: index)
    var holes: [Range<Int>] = []
    if let place = contents.place(at: index) {
      holes = file.extents(in: place).filter(\.isHole).map {
        $0.range.lowerBound - place.lowerBound..<$0.range.upperBound - place.lowerBound
      }
    }
    return TensorStatistics(of: stored, entries[index].elementType, holes: holes)
  }
}
