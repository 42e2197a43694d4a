package import Checkpoints

/// Which checkpoint a file's weights come from: that file itself, or what it says that it was converted from.
package struct CheckpointIdentity: Equatable {
  /// The SHA-256 of the whole checkpoint file; nil where a conversion did not take it.
  package var sha256: String?
  /// The SHA-256 of its directory, of a `.pt` file; see `Checkpoint.directoryDigest`.
  package var directorySHA256: String?

  /// One text for either.
  package var text: String { sha256 ?? directorySHA256 ?? "" }

  /// What a converted file says of the first checkpoint of its chain of conversions, or nil for any other file.
  package init?(statedBy metadata: [String: String]) {
    for (whole, directory) in [
      (MetadataKey.checkpointDigest, MetadataKey.checkpointDirectoryDigest),
      (Conversion.digestKey, Conversion.directoryDigestKey),
    ] {
      (sha256, directorySHA256) = (metadata[whole], metadata[directory])
      if sha256 != nil || directorySHA256 != nil { return }
    }
    return nil
  }

  /// What `checkpoint` says of itself, else its own digests, which takes reading all of it.
  package init(of checkpoint: Checkpoint) {
    if let stated = Self(statedBy: checkpoint.metadata) {
      self = stated
    } else {
      sha256 = checkpoint.wholeDigest()
      directorySHA256 = checkpoint.directoryDigest
    }
  }
}
