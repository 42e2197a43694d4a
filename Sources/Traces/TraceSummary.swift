import Files
import HDF5
import Taps
import Tensors

/// What a recording holds and how.
public struct TraceSummary: Equatable, Sendable, Codable {
  /// One tap.
  public struct Row: Equatable, Sendable, Codable {
    /// Its flattened name.
    public let name: String
    /// The extent of every axis.
    public let shape: [Int]
    /// The position of its call in the run; nil for predictions.
    public let sequence: Int?
    /// The video's frame that it is of.
    public let frame: Int?
    /// The object that it is of.
    public let object: Int?
    /// How its elements are encoded; nil in a sketch.
    public let type: String?
    /// `contiguous` or `compressed`; nil in a sketch.
    public let storage: String?
    /// Bytes of its elements; of a sketch, those of the array that it tells of.
    public let bytes: Int
    /// Bytes that they take in the file; nil in a sketch, and where `linkedTo` is.
    public let storedBytes: Int?
    /// The first tap that has the same array, where it is stored with that one.
    public let linkedTo: String?
  }

  /// The recording's file.
  public let path: String
  /// `trace` or `sketch`.
  public let kind: String
  /// Bytes of the file.
  public let fileBytes: Int
  /// Where it comes from.
  public let provenance: Provenance
  /// How many modules were recorded.
  public let modules: Int
  /// How many of their calls.
  public let calls: Int
  /// How many different arrays, or rows of a sketch's tables.
  public let arrays: Int
  /// What a sketch's positions and signs depend on.
  public let seed: UInt64?
  /// How many elements of an array a sketch keeps.
  public let samples: Int?
  /// Every tap, in the order of execution.
  public let taps: [Row]

  /// Summarises a recording; elements are not read.
  ///
  /// - Throws: `HDF5Error`, `FileError`.
  public init(_ run: Recording) throws {
    path = run.path
    fileBytes = try MappedFile(path: run.path).bytes.count
    provenance = run.provenance
    let listing = try run.listing()
    modules = Set(listing.compactMap(\.tap.module)).count
    calls = Set(listing.compactMap(\.tap.call)).count
    seed = run.sketching?.seed
    samples = run.sketching?.samples
    switch run {
    case .sketch(let reader):
      kind = "sketch"
      arrays = Set(reader.listing.map(\.row)).count
      taps = listing.map { Row($0, type: nil, storage: nil, storedBytes: nil, linkedTo: nil) }
    case .trace(let reader):
      kind = "trace"
      var owners: [UInt64: String] = [:]
      taps = try listing.map { listed in
        let dataset = try reader.root.dataset(listed.tap.object)
        let owner = listed.tap.address.flatMap { owners[$0] }
        if let address = listed.tap.address, owner == nil { owners[address] = listed.tap.name }
        return Row(
          listed, type: try dataset.elementType(), storage: dataset.storage,
          storedBytes: owner == nil ? dataset.storedByteCount : nil, linkedTo: owner)
      }
      arrays = owners.count
    }
  }
}

extension TraceSummary.Row {
  fileprivate init(
    _ listed: ListedTap, type: ElementType?, storage: HDF5Storage?, storedBytes: Int?, linkedTo: String?
  ) {
    name = listed.tap.name
    shape = listed.tap.shape.extents
    sequence = listed.sequence
    frame = listed.place.frame
    object = listed.place.object
    self.type = type?.rawValue
    self.storage = storage.map { $0 == .compressed ? "compressed" : "contiguous" }
    bytes = listed.tap.shape.count * (type ?? .float32).byteCount
    self.storedBytes = storedBytes
    self.linkedTo = linkedTo
  }
}
