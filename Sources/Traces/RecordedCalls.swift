import Synchronization
public import Taps
public import Tensors

/// A trace's arrays by call. Those read a moment ago are kept, as one module's output is the next one's input.
public final class RecordedCalls: Sendable {
  private static let mostBytes = 64 << 20

  private let reader: TraceReader
  private let calls: [CallID: [String: Tap]]
  private let recent = Mutex<[(address: UInt64, tensor: Tensor)]>([])

  /// The arrays of a trace.
  public init(_ reader: TraceReader) {
    self.reader = reader
    var calls: [CallID: [String: Tap]] = [:]
    for tap in reader.taps {
      guard let call = tap.call, let value = tap.id.value else { continue }
      calls[call, default: [:]][value] = tap
    }
    self.calls = calls
  }

  /// The trace's file.
  public var file: String { reader.path }

  /// What was recorded of a call; nil where it wasn't.
  public subscript(call: CallID) -> RecordedCall? {
    calls[call].map { taps in
      RecordedCall(id: call, shapes: taps.mapValues(\.shape)) { [self] name in
        guard let tap = taps[name] else { throw TraceError.noSuchTap(file: file, name: "\(call)/\(name)") }
        return try tensor(tap.id)
      }
    }
  }

  /// Whether a tensor is what was read for a tap, memory and all, so that it need not be compared with it.
  ///
  /// - Throws: `TraceError.noSuchTap`.
  public func holds(_ tensor: Tensor, as id: TapID) throws -> Bool {
    let tap = try reader.tap(id)
    return recent.withLock { recent in
      recent.contains {
        $0.address == tap.address && $0.tensor.shape == tensor.shape
          && $0.tensor.withElements(\.baseAddress) == tensor.withElements(\.baseAddress)
      }
    }
  }

  /// A tap's elements.
  ///
  /// - Throws: `TraceError.noSuchTap`, `HDF5Error`.
  public func tensor(_ id: TapID) throws -> Tensor {
    let tap = try reader.tap(id)
    guard let address = tap.address else { return try reader.mappedTensor(tap) }
    let known = recent.withLock { recent -> Tensor? in
      guard let place = recent.lastIndex(where: { $0.address == address && $0.tensor.shape == tap.shape })
      else { return nil }
      let entry = recent.remove(at: place)
      recent.append(entry)
      return entry.tensor
    }
    if let known { return known }
    let tensor = try reader.mappedTensor(tap)
    recent.withLock { recent in
      recent.append((address, tensor))
      var bytes = recent.reduce(0) { $0 + $1.tensor.byteCount }
      // The one just read stays, however large.
      while bytes > Self.mostBytes, recent.count > 1 { bytes -= recent.removeFirst().tensor.byteCount }
    }
    return tensor
  }
}
