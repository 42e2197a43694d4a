import Files
import Tensors

/// A model in several files as one: every tensor is in the file that the index has for it, in no other, and none is left.
struct ShardedContents: TensorContents {
  let entries: [Checkpoint.Entry]
  let metadata: [String: String]
  private let shards: [any TensorContents]
  /// The file of each tensor, and its number there.
  private let places: [(shard: Int, index: Int)]

  /// Puts the contents of the index's files together, which come in its order.
  init(_ shards: [any TensorContents], _ index: ShardIndex) throws(ShardError) {
    var entries: [Checkpoint.Entry] = []
    var places: [(shard: Int, index: Int)] = []
    var files: [String: Int] = [:]
    for (shard, contents) in shards.enumerated() {
      for (number, entry) in contents.entries.enumerated() {
        if let other = files.updateValue(shard, forKey: entry.name) {
          throw .twice(name: entry.name, first: index.files[other], second: index.files[shard])
        }
        guard let file = index.places[entry.name] else {
          throw .unlisted(name: entry.name, file: index.files[shard])
        }
        guard file == index.files[shard] else { throw .absent(name: entry.name, file: file) }
        entries.append(entry)
        places.append((shard, number))
      }
    }
    for name in index.places.keys.sorted() where files[name] == nil {
      throw .absent(name: name, file: index.places[name] ?? "")
    }
    (self.entries, self.shards, self.places) = (entries, shards, places)
    metadata = shards.reduce(into: [:]) { all, shard in all.merge(shard.metadata) { first, _ in first } }
    // Tensors that share memory are counted once by what writes PyTorch's files.
    let total = entries.reduce(0) { $0 + $1.byteCount }
    let isShared = !shards.allSatisfy { $0 is SafetensorsFile }
    if let expected = index.totalBytes, isShared ? total < expected : total != expected {
      throw .total(expected: expected, found: total)
    }
  }

  func bytes(at index: Int) throws(CheckpointError) -> TensorBytes {
    try shards[places[index].shard].bytes(at: places[index].index)
  }

  func verifyPlaces(_ isCancelled: () -> Bool) throws(CheckpointError) {
    for shard in shards { try shard.verifyPlaces(isCancelled) }
  }

  func verify() throws(CheckpointError) {
    for shard in shards { try shard.verify() }
  }

  func verifyUnread() throws(CheckpointError) {
    for shard in shards { try shard.verifyUnread() }
  }
}
