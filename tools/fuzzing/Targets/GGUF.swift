// The header of a GGUF file: tensors lie inside the file, and what is written of them is read back the same.
@testable import Checkpoints
import Tensors

private let limits = ReadingLimits()

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  guard let header = try? GGUFHeader(input(start, count), limits: limits) else { return 0 }
  var end = 0
  for record in header.records {
    require(record.range.lowerBound >= end && record.range.upperBound <= count, "'\(record.name)' lies within the file")
    let numbers = record.shape.count
    let expected = record.isBlocks ? GGUFBlocks.byteCount(of: numbers) : numbers * record.elementType.byteCount
    require(record.range.count == expected, "'\(record.name)' has its bytes")
    end = record.range.upperBound
  }
  checkWriting(header)
  return 0
}

private func checkWriting(_ header: GGUFHeader) {
  let entries = header.records.map {
    Checkpoint.Entry(
      name: $0.name, elementType: $0.elementType, shape: $0.shape, byteCount: $0.range.count, isContiguous: true,
      encoding: $0.isBlocks ? Checkpoint.Encoding(name: GGUFBlocks.name, byteCount: $0.range.count) : nil)
  }
  // A reader takes names that a writer could not give: of 64 bytes, or one that another tensor's short name is.
  guard let layout = try? GGUFLayout(entries, metadata: header.metadata, keepsBlocks: true) else { return }
  var file = layout.header
  for entry in entries {
    file += [UInt8](repeating: 1, count: entry.byteCount)
    file += [UInt8](repeating: 0, count: GGUFLayout.padding(behind: entry.byteCount))
  }
  do {
    let again = try file.withUnsafeBytes { bytes throws(GGUFError) in try GGUFHeader(bytes, limits: limits) }
    require(again.metadata == header.metadata, "writing and reading keeps the metadata")
    require(again.records.count == entries.count, "writing and reading keeps every tensor")
    for (old, new) in zip(header.records, again.records) {
      require(old.name == new.name && old.shape == new.shape, "writing and reading keeps '\(old.name)'")
      require(old.elementType == new.elementType, "writing and reading keeps the type of '\(old.name)'")
      require(old.isBlocks == new.isBlocks, "writing and reading keeps what '\(old.name)' is stored as")
    }
  } catch {
    require(false, "what is written is read: \(error)")
  }
}
