import CHDF5
import Synchronization
import Tensors

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
  /// - Throws: `HDF5Error.excessive`.
  func check(_ claim: ArrayClaim, _ place: Place) throws(HDF5Error) {
    let ratio = claim.filters.compactMap { Self.ratios[$0] }.max() ?? 1
    let stored = min(claim.storedCount, fileCount)
    let (backed, overflow) = stored.multipliedReportingOverflow(by: ratio)
    func excessive(_ expected: UInt64, _ what: String) -> HDF5Error {
      .excessive(
        file: place.file, object: place.object,
        expected: "at most \(expected) bytes \(what), from \(stored) stored ones",
        found: claim.count.map { "\($0), of shape \(claim.extents)" } ?? "shape \(claim.extents)")
    }
    let (sum, sumOverflow) = backed.addingReportingOverflow(unstored)
    guard let count = claim.count, !overflow else { throw excessive(sum, "of elements") }
    guard claim.storedCount <= fileCount else {
      throw .excessive(
        file: place.file, object: place.object, expected: "at most the file's \(fileCount) bytes of elements",
        found: "\(claim.storedCount)")
    }
    let missing = count > backed ? count - backed : 0
    guard claim.chunkCount <= (sumOverflow ? .max : sum) else {
      throw excessive(sumOverflow ? .max : sum, "in a chunk")
    }
    guard missing > 0 else { return }
    let total = claimed.withLock { claimed -> UInt64 in
      if claimed.addresses.insert(claim.address).inserted {
        claimed.total = claimed.total.addingReportingOverflow(missing).partialValue
      }
      return claimed.total
    }
    guard missing <= unstored, total <= unstored else {
      throw excessive(sumOverflow ? .max : sum, "of elements")
    }
  }
}

/// What an array says of itself.
struct ArrayClaim {
  let extents: [UInt64]
  /// Bytes of all elements; nil where they can't be counted.
  let count: UInt64?
  /// Bytes of a chunk's elements; 0 where there are no chunks.
  let chunkCount: UInt64
  /// Bytes in the file, as its index has them.
  let storedCount: UInt64
  /// Numbers of the filters.
  let filters: [Int]
  /// Where it lies: the same for all of its names.
  let address: UInt64

  /// Asks an open dataset.
  init(of dataset: borrowing Handle, _ creation: borrowing Handle, isChunked: Bool, _ place: Place)
    throws(HDF5Error)
  {
    let action = "read its size"
    let type = try Handle(action, place) { [id = dataset.id] in H5Dget_type(id) }
    let bytes = try Library.call(action, place) { Int(H5Tget_size(type.id)) }
    let space = try Handle(action, place) { [id = dataset.id] in H5Dget_space(id) }
    var extents = [hsize_t](repeating: 0, count: 32)
    let rank = try Library.call(action, place) {
      H5Sget_simple_extent_dims(space.id, &extents, nil)
    }
    self.extents = extents.prefix(Int(rank)).map { UInt64($0) }
    count = Self.product(self.extents, UInt64(bytes))
    if isChunked {
      let chunk = try HDF5Dataset.chunkExtents(creation, action, place)
      chunkCount = Self.product(chunk.map { UInt64($0) }, UInt64(bytes)) ?? .max
    } else {
      chunkCount = 0
    }
    storedCount = Library.value { [id = dataset.id] in UInt64(H5Dget_storage_size(id)) }
    filters = try HDF5Dataset.filters(creation, place)
    address = try dataset.address(place)
  }

  private static func product(_ extents: [UInt64], _ bytes: UInt64) -> UInt64? {
    if extents.contains(0) { return 0 }
    return extents.reduce(bytes as UInt64?) { product, extent in
      guard let (next, overflow) = product?.multipliedReportingOverflow(by: extent), !overflow else {
        return nil
      }
      return next
    }
  }
}
