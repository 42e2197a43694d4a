import CHDF5
import Files

/// An HDF5 file that is written: to a temporary twin, until it appears at `commit`.
///
/// Files keep the format of HDF5 1.8, which every reader since 2008 opens, and carry no time stamps: equal
/// contents give equal bytes.
public struct HDF5NewFile: ~Copyable {
  /// The path that the file will have once committed.
  public let path: String
  private let handle: Handle
  private let output: OutputFile
  private let place: Place

  /// Starts a file, which replaces whatever stands at `path` only at `commit`.
  ///
  /// - Parameter durable: Whether `commit` waits until the file is on the disk.
  /// - Throws: `FileError.unwritable`, `HDF5Error.failed`.
  public init(_ path: String, durable: Bool = false) throws {
    let output = try OutputFile(path: path, durable: durable)
    let place = Place(file: path, object: "/")
    let action = "create the file"
    let creation = try Handle(action, place) { H5Pcreate(chdf5_file_creation()) }
    try Library.call(action, place) { H5Pset_obj_track_times(creation.id, false) }
    let access = try Handle(action, place) { H5Pcreate(chdf5_file_access()) }
    // No two programs write to one file here; and a lock outlives its file's handle where a program was started meanwhile,
    // which keeps the next reader out.
    try Library.call(action, place) { chdf5_set_no_locks(access.id) }
    try Library.call(action, place) { H5Pset_libver_bounds(access.id, H5F_LIBVER_V18, H5F_LIBVER_V18) }
    // Whatever a caller still holds open is closed with the file, so that commit can put it in place whole.
    try Library.call(action, place) { H5Pset_fclose_degree(access.id, H5F_CLOSE_STRONG) }
    let temporary = output.temporaryPath
    let handle = try Handle(action, place) {
      temporary.withFileName { H5Fcreate($0, chdf5_truncate(), creation.id, access.id) }
    }
    self.path = path
    self.place = place
    self.handle = handle
    self.output = output
  }

  /// The group that holds everything.
  ///
  /// - Throws: `HDF5Error.failed`.
  public func root() throws -> HDF5NewGroup { try HDF5NewGroup(opening: "/", in: handle.id, place) }

  /// Writes what is still in memory and puts the file in its place.
  ///
  /// - Throws: `HDF5Error.failed` when the disk is full, `FileError.unwritable`. The target then stays as it was.
  public consuming func commit() throws {
    let place = place
    try Library.call("write the file", place) { [id = handle.id] in H5Fflush(id, H5F_SCOPE_GLOBAL) }
    try handle.closeFile(place)
    try output.commit()
  }
}
