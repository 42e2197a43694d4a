/// LZF, a fast compression that h5py has built in. The child unpacks it.
enum LZF {
  /// The number that h5py's filter is registered under.
  private static let number = 32000
  /// Where among its parameters the bytes of a chunk stand.
  private static let chunkParameter = 2

  /// Makes sure that a dataset which was compressed so says how large its chunks are, and says it rightly.
  ///
  /// - Throws: `HDF5Error.unsupported`.
  static func check(_ dataset: DatasetDescription, _ place: Place) throws(HDF5Error) {
    let bytes = dataset.chunkBytes
    for filter in dataset.filters where filter.number == number {
      guard filter.parameters.count > chunkParameter, filter.parameters[chunkParameter] == bytes else {
        throw .unsupported(
          file: place.file, object: place.object,
          found: "LZF whose parameters don't have the \(bytes) bytes of a chunk")
      }
    }
  }
}
