import CHDF5

/// The filter under whose number h5py writes LZF, known to the library as if it were built in, for reading only.
/// Source: h5py/lzf/lzf_filter.c, its parameters; H5Zpublic.h.
enum LZFFilter {
  /// The number that it is registered under.
  private static let number: H5Z_filter_t = 32000
  private static let name: StaticString = "lzf"
  /// Where among its parameters the bytes of a chunk stand.
  private static let chunkParameter = 2
  /// Checksums that other filters may have put behind a chunk before.
  private static let mostBehind = 64

  /// Makes the filter known. The library copies what it is given.
  static func register() {
    var filter = H5Z_class2_t()
    filter.version = H5Z_CLASS_T_VERS
    filter.id = number
    filter.encoder_present = 0
    filter.decoder_present = 1
    filter.name = UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self)
    filter.filter = { flags, count, parameters, byteCount, capacity, buffer in
      let isReverse = flags & UInt32(H5Z_FLAG_REVERSE) != 0
      guard isReverse, count > LZFFilter.chunkParameter, let parameters, let capacity, let buffer,
        let source = buffer.pointee
      else { return 0 }
      let bytes = UnsafeRawBufferPointer(start: source, count: byteCount)
      let expected = Int(parameters[LZFFilter.chunkParameter])
      // The library would read the rest of a chunk from what lies behind it.
      guard let length = LZF.count(bytes), expected...expected + LZFFilter.mostBehind ~= length, length > 0,
        let target = H5allocate_memory(length, false)
      else { return 0 }
      LZF.decompress(bytes, into: UnsafeMutableRawBufferPointer(start: target, count: length))
      H5free_memory(source)
      buffer.pointee = target
      capacity.pointee = length
      return length
    }
    _ = withUnsafePointer(to: filter) { H5Zregister($0) }
  }

  /// Makes sure that a dataset which was compressed so says how large its chunks are, and says it rightly.
  ///
  /// - Throws: `HDF5Error.unsupported`.
  static func check(_ creation: borrowing Handle, of dataset: borrowing Handle, _ place: Place)
    throws(HDF5Error)
  {
    let action = "read its filters"
    let filters = try Library.call(action, place) { [id = creation.id] in H5Pget_nfilters(id) }
    for index in 0..<UInt32(filters) {
      var (flags, count, configuration): (UInt32, Int, UInt32) = (0, 8, 0)
      var parameters = [UInt32](repeating: 0, count: 8)
      let found = try Library.call(action, place) { [id = creation.id] in
        H5Pget_filter2(id, index, &flags, &count, &parameters, 0, nil, &configuration)
      }
      guard found == number else { continue }
      let type = try Handle(action, place) { [id = dataset.id] in H5Dget_type(id) }
      let elementBytes = try Library.call(action, place) { Int(H5Tget_size(type.id)) }
      var bytes = hsize_t(elementBytes)
      for extent in try HDF5Dataset.chunkExtents(creation, action, place) {
        let (product, overflow) = bytes.multipliedReportingOverflow(by: extent)
        bytes = overflow ? .max : product
      }
      guard count > chunkParameter, hsize_t(parameters[chunkParameter]) == bytes else {
        throw .unsupported(
          file: place.file, object: place.object,
          found: "LZF whose parameters don't have the \(bytes) bytes of a chunk")
      }
    }
  }
}
