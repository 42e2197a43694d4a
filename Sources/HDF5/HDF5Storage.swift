/// How a new dataset lies in the file.
public enum HDF5Storage: Sendable {
  /// In one piece as in memory: written and read at the speed of the disk.
  case contiguous
  /// In chunks of about 1 MiB, bytes shuffled, gzip level 4, Fletcher-32 checksums. Data under 4 KiB stay
  /// contiguous: there a chunk's index costs more than gzip saves.
  case compressed
}
