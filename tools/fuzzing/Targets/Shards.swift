// The index of a model in several files: no name leads out of its folder.
@testable import Checkpoints
import Files

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  guard ShardIndex.begins(ByteView(bytes: input(start, count))) else { return 0 }
  guard let file = try? MappedFile(path: inputFile(start, count)) else { return 0 }
  do {
    let index = try ShardIndex(file)
    for name in index.files {
      require(!name.contains("/") && !name.hasPrefix("."), "'\(name)' lies in the index's folder")
    }
  } catch {
    require(!error.description.contains("\n"), "a refusal is one line: \(error)")
  }
  return 0
}
