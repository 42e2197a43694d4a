public import Tensors
public import Taps
public import Traces

/// The taps of a trace that fit a filter, as arrays to compare.
public struct TraceArrays: NamedArrays {
  /// Every tap's flattened name and shape, in the order of execution.
  public let arrays: [(name: String, shape: Shape)]
  private let reader: TraceReader
  private let taps: [String: Tap]

  /// The taps whose module path or whole name fits one of `patterns`; all when there are none.
  public init(_ reader: TraceReader, patterns: [TapPattern] = []) {
    let kept = reader.taps.filter { tap in patterns.isEmpty || patterns.contains { tap.matches($0) } }
    self.reader = reader
    arrays = kept.map { ($0.name, $0.shape) }
    taps = Dictionary(kept.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// Reads elements of a tap.
  ///
  /// - Throws: `TraceError.noSuchTap`, `HDF5Error`.
  public func read(_ name: String, from offset: Int, into buffer: UnsafeMutableBufferPointer<Float>) throws {
    guard let tap = taps[name] else { throw TraceError.noSuchTap(file: reader.path, name: name) }
    try reader.read(tap, from: offset, into: buffer)
  }
}
