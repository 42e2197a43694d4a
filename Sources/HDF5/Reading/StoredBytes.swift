import Synchronization

/// What the arrays of a file may claim to hold, given the bytes that are there.
///
/// Elements that no byte of the file stands for, as those of chunks that were never written, are the same number again and
/// again; of such a file has so many altogether.
final class StoredBytes: Sendable {
  /// Bytes of the file.
  private let fileCount: UInt64
  /// Bytes of elements that need not be stored.
  private let unstored: UInt64
  /// Arrays with such elements, by address, and their bytes altogether.
  private let claimed = Mutex<(addresses: Set<UInt64>, total: UInt64)>(([], 0))

  init(fileCount: Int, unstored: Int) {
    self.fileCount = UInt64(max(0, fileCount))
    self.unstored = UInt64(max(0, unstored))
  }

  /// Whether so many bytes lie within the file.
  func holds(_ count: Int, at offset: Int) -> Bool {
    count >= 0 && offset >= 0 && UInt64(count) <= fileCount && UInt64(offset) <= fileCount - UInt64(count)
  }

  /// How many bytes one stored byte may become at most, by the filter that unpacks it.
  /// Source: zlib's technical details; LZF's format, see `LZF`; H5Zpublic.h.
  private static let ratios: [Int: UInt64] = [1: 1032, 4: 1032, 5: 64, 6: 1032, 32000: 88]

  /// Makes sure that an array's elements can come of what is stored for it.
  ///
  /// - Parameter address: Where it lies: the same for all of its names.
  /// - Throws: `HDF5Error.excessive`.
  func check(_ array: DatasetDescription, _ address: UInt64, _ place: Place) throws(HDF5Error) {
    let extents = array.extents ?? []
    let ratio = array.filters.compactMap { Self.ratios[$0.number] }.max() ?? 1
    let stored = min(array.storedCount, fileCount)
    let (backed, overflow) = stored.multipliedReportingOverflow(by: ratio)
    func excessive(_ expected: UInt64, _ what: String) -> HDF5Error {
      .excessive(
        file: place.file, object: place.object,
        expected: "at most \(expected) bytes \(what), from \(stored) stored ones",
        found: array.byteCount.map { "\($0), of shape \(extents)" } ?? "shape \(extents)")
    }
    let (sum, sumOverflow) = backed.addingReportingOverflow(unstored)
    guard let count = array.byteCount, !overflow else { throw excessive(sum, "of elements") }
    guard array.storedCount <= fileCount else {
      throw .excessive(
        file: place.file, object: place.object, expected: "at most the file's \(fileCount) bytes of elements",
        found: "\(array.storedCount)")
    }
    let missing = count > backed ? count - backed : 0
    guard array.chunkBytes <= (sumOverflow ? .max : sum) else {
      throw excessive(sumOverflow ? .max : sum, "in a chunk")
    }
    guard missing > 0 else { return }
    // What is in one piece is there whole or not at all; the library would read on behind what describes it.
    guard array.layout == .chunked || (array.layout == .contiguous && array.storedCount == 0) else {
      throw excessive(backed, "of elements")
    }
    let total = claimed.withLock { claimed -> UInt64 in
      if claimed.addresses.insert(address).inserted {
        claimed.total = claimed.total.addingReportingOverflow(missing).partialValue
      }
      return claimed.total
    }
    guard missing <= unstored, total <= unstored else {
      throw excessive(sumOverflow ? .max : sum, "of elements")
    }
  }
}
