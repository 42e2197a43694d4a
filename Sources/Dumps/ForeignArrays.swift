public import Checkpoints
import Synchronization
public import Taps
import Tensors
public import Verification

/// Arrays that any program dumped, under the names of the taps that they are: what a trace is held against.
///
/// One array at a time is kept open, and elements come in ranges. Memory is bounded by the largest array that is
/// deflated, or that an HDF5 file holds in another layout; everything else is read in place.
public final class ForeignArrays: TapSource {
  /// The dump's file or folder.
  public let path: String
  /// Every array under the tap that it is, shaped as the reference would have it, in the order of the dump.
  public let arrays: [SourceArray]
  /// What of the reference the map says the dump has to hold; everything when there are none.
  public let scope: [TapPattern]
  /// The precision that the dump was computed in, as policies or traces name it.
  public let precision: String
  private let contents: any DumpContents
  private let placements: [TapID: Placement]
  private let open = Mutex<(id: TapID, elements: StridedElements)?>(nil)

  /// Where an array of a name is, and how it is to be read.
  private struct Placement: Sendable {
    let index: Int
    let type: ElementType
    let shape: Shape
    let strides: [Int]
    /// Whether the format's own reading of ranges gives the same.
    let isAsStored: Bool
    /// What whole numbers stand for, and the axis of `shape` that it depends on.
    let scales: (values: DumpedScales, axis: Int?)?
  }

  /// Opens a dump and tells which of its arrays are which of `reference`'s.
  ///
  /// - Parameters:
  ///   - path: A folder of `.npy` files, an `.npz`, a `.npy`, a trace, another HDF5 file, safetensors, `.pt` or GGUF.
  ///   - map: How names lead to taps; without one they are the taps' names.
  ///   - layout: How arrays of as many axes lie, unless the map says so.
  ///   - reference: Names and shapes of what it will be held against; nil where it is the reference itself.
  ///   - limits: What the dump may make its reader do.
  /// - Throws: `DumpError`, `FileError`, `HDF5Error`, `CheckpointError`.
  public convenience init(
    path: String, map: NameMap? = nil, layout: AxisLayout? = nil, reference: [SourceArray]?,
    limits: ReadingLimits = ReadingLimits()
  ) throws {
    let contents = try DumpFormat.open(path: path, limits: limits)
    try self.init(
      contents, path: path, map: map, layout: layout,
      reference: reference ?? contents.arrays.map { SourceArray(TapID($0.name), $0.shape) })
  }

  init(
    _ contents: any DumpContents, path: String, map: NameMap?, layout: AxisLayout?,
    reference: [SourceArray]
  ) throws(DumpError) {
    let expected = Dictionary(reference.map { ($0.id, $0.shape) }) { first, _ in first }
    let assigned = try Assignment(contents.arrays, path: path, map: map, taps: reference.map(\.id))
    var placements: [TapID: Placement] = [:]
    var arrays: [SourceArray] = []
    for (index, id, rule) in assigned.members {
      let array = contents.arrays[index]
      guard let shape = expected[id] else {
        arrays.append(SourceArray(id, array.shape))
        continue
      }
      guard let type = array.type.read(as: rule?.type), StridedElements.isReadable(type) else {
        throw .elementType(
          path: path, name: array.name,
          expected: rule?.type.map { "\($0.rawValue), as the map says" }
            ?? "real numbers (a map may say \"dtype\": \"bfloat16\" of opaque bytes)",
          found: "\(array.type)")
      }
      let axes = try Self.axes(of: array, rule?.layout, map?.layout ?? layout, reference: shape, path: path)
      let permuted = Shape(axes.map { array.shape[$0] })
      let strides = axes.map { array.strides[$0] }
      let scales = try rule?.scales.map { scales throws(DumpError) in
        let axis = try scales.axis(of: array, type, path: path)
        return (values: scales, axis: axes.firstIndex { $0 == axis })
      }
      placements[id] = Placement(
        index: index, type: type, shape: permuted, strides: strides,
        isAsStored: .numbers(type) == array.type && strides == permuted.strides, scales: scales)
      // Elements are counted row-major, which another shape of as many doesn't change.
      let isReshaped = rule?.reshapes == true && permuted.count == shape.count
      arrays.append(SourceArray(id, isReshaped ? shape : permuted))
    }
    self.path = path
    self.contents = contents
    self.placements = placements
    self.arrays = arrays
    scope = (map?.taps ?? []).map { TapPattern($0) }
    precision = map?.precision ?? "float32"
  }

  /// For each axis of the reference, the array's.
  private static func axes(
    of array: DumpedArray, _ stated: AxisLayout?, _ general: AxisLayout?, reference: Shape, path: String
  ) throws(DumpError) -> [Int] {
    let rank = array.shape.rank
    if let stated, stated.rank != rank {
      throw .layout(path: path, name: array.name, layout: "\(stated)", found: "\(array.shape)")
    }
    guard let layout = stated ?? general, layout.rank == rank else { return Array(0..<rank) }
    guard case .axes(let axes) = layout.choice(array.shape, reference: reference) else {
      throw .ambiguousLayout(path: path, name: array.name, layout: "\(layout)", shape: "\(array.shape)")
    }
    return axes
  }

  /// The dump's file, and what it says to have been computed in.
  public var side: Verdict.Side { .init(path: path, provenance: nil, statedPrecision: precision) }

  /// Reads elements of the array that is a tap, counted row-major in the reference's layout.
  ///
  /// - Throws: `DumpError`, `FileError`, `HDF5Error`, `CheckpointError`.
  public func read(_ id: TapID, from offset: Int, into buffer: UnsafeMutableBufferPointer<Float>) throws {
    guard let placement = placements[id] else {
      throw DumpError.nothingInCommon(path: path, names: [id.name])
    }
    try read(id, placement, from: offset, into: buffer)
    if let (values, axis) = placement.scales {
      values.apply(to: buffer, from: offset, placement.shape, axis: axis)
    }
  }

  /// Reads elements as they are stored.
  private func read(
    _ id: TapID, _ placement: Placement, from offset: Int, into buffer: UnsafeMutableBufferPointer<Float>
  ) throws {
    if placement.isAsStored, try contents.read(at: placement.index, from: offset, into: buffer) { return }
    let elements = try open.withLock { open in
      if open?.id != id {
        // The one before goes first: two large ones at once are too many.
        open = nil
        let array = contents.arrays[placement.index]
        let elements = StridedElements(
          try contents.bytes(at: placement.index), placement.type, isBigEndian: array.isBigEndian,
          placement.shape,
          strides: placement.strides)
        open = elements.map { (id, $0) }
      }
      return open?.elements
    }
    elements?.read(from: offset, into: buffer)
  }
}
