import CHDF5
import Tensors

/// What a dataset says of itself.
struct DatasetDescription: Sendable {
  /// How the elements lie.
  enum Layout: Sendable {
    case contiguous
    case chunked
    /// Among what describes the dataset.
    case compact
  }

  /// What chunks pass through.
  struct Filter: Sendable {
    /// As HDF5 registers it.
    let number: Int
    let parameters: [UInt64]
  }

  let layout: Layout
  /// Nil of a dataset that holds nothing, not even an empty array.
  let extents: [UInt64]?
  /// Of the element type, as the library numbers classes.
  let typeClass: UInt32
  /// Bytes of an element.
  let typeBytes: UInt64
  /// Nil of a type that no tensor has, such as text.
  let elementType: ElementType?
  /// Whether elements are stored as they lie in memory.
  let isExact: Bool
  /// Extents of a chunk; none where there are no chunks.
  let chunk: [UInt64]
  let filters: [Filter]
  /// Where in the file the elements begin, if they lie there in one piece.
  let offset: UInt64
  /// Bytes in the file, as its index has them.
  let storedCount: UInt64

  /// Nil of a dataset whose elements lie in other files.
  init?(_ reply: inout Reply) throws(HDF5Error) {
    if try reply.flag() { return nil }
    switch try reply.number() {
    case 1: layout = .chunked
    case 2: layout = .compact
    default: layout = .contiguous
    }
    let isNull = try reply.flag()
    let extents = try reply.numbers()
    self.extents = isNull ? nil : extents
    typeClass = UInt32(clamping: try reply.number())
    typeBytes = try reply.number()
    elementType = StandardTypes.type(at: try reply.number())
    isExact = try reply.flag()
    chunk = try reply.numbers()
    var filters: [Filter] = []
    for _ in 0..<(try reply.count()) {
      filters.append(Filter(number: Int(clamping: try reply.number()), parameters: try reply.numbers()))
    }
    self.filters = filters
    offset = try reply.number()
    storedCount = try reply.number()
  }

  /// Whether its elements are numbers, truths or opaque bytes, of which some are tensors'; not text, lists or references.
  var holdsNumbers: Bool {
    ![H5T_STRING, H5T_VLEN, H5T_REFERENCE, H5T_TIME].contains {
      UInt32(bitPattern: Int32($0.rawValue)) == typeClass
    }
  }

  /// Bytes of a chunk's elements, or all there can be; 0 where there are no chunks.
  var chunkBytes: UInt64 { layout == .chunked ? product(chunk) ?? .max : 0 }

  /// Bytes of all elements; nil where they can't be counted.
  var byteCount: UInt64? { product(extents ?? [0]) }

  private func product(_ extents: [UInt64]) -> UInt64? {
    if extents.contains(0) { return 0 }
    return extents.reduce(typeBytes as UInt64?) { product, extent in
      guard let (next, overflow) = product?.multipliedReportingOverflow(by: extent), !overflow else {
        return nil
      }
      return next
    }
  }
}
