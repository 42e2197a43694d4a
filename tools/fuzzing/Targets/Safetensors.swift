// The header of a safetensors file: tensors fill the buffer, and what is written of them is read back the same.
@testable import Checkpoints
import Tensors

private let limits = ReadingLimits()

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let view = ByteView(bytes: input(start, count))
  guard let declared: UInt64 = view.integer(at: 0), let length = Int(exactly: declared),
    let bytes = view.slice(at: 8, count: length)
  else { return 0 }
  let buffer = count - 8 - length
  guard let header = try? SafetensorsHeader(Array(bytes), bufferLength: buffer, limits: limits) else { return 0 }
  for record in header.records {
    require(record.range.upperBound <= buffer, "'\(record.name)' lies within the buffer")
    require(record.range.count == record.shape.count * record.elementType.byteCount, "'\(record.name)' has its bytes")
  }
  let entries = header.records.map {
    Checkpoint.Entry(
      name: $0.name, elementType: $0.elementType, shape: $0.shape, byteCount: $0.range.count, isContiguous: true)
  }
  do {
    let layout = try SafetensorsLayout(entries, metadata: header.metadata)
    let written = Array(layout.header.dropFirst(8))
    let again = try SafetensorsHeader(written, bufferLength: buffer, limits: limits)
    require(again.metadata == header.metadata, "writing and reading keeps the metadata")
    let read = again.records.sorted { $0.name < $1.name }
    for (old, new) in zip(header.records.sorted { $0.name < $1.name }, read) {
      require(old.name == new.name && old.shape == new.shape, "writing and reading keeps '\(old.name)'")
      require(old.elementType == new.elementType, "writing and reading keeps the type of '\(old.name)'")
    }
    require(read.count == entries.count, "writing and reading keeps every tensor")
  } catch {
    require(false, "what is written is read: \(error)")
  }
  return 0
}
