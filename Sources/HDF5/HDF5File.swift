import CHDF5
import Files

/// An HDF5 file: new files are written to a temporary twin and appear at `commit`; old ones are only read.
///
/// Files keep the format of HDF5 1.8, which every reader since 2008 opens, and carry no time stamps: equal
/// contents give equal bytes.
public struct HDF5File: ~Copyable {
  /// The path that the file has, or will have once committed.
  public let path: String
  private let handle: Handle
  private let output: OutputFile?
  private let place: Place

  private init(_ place: Place, handle: consuming Handle, output: consuming OutputFile?) {
    self.path = place.file
    self.place = place
    self.handle = handle
    self.output = output
  }

  /// Starts a new file, which replaces whatever stands at `path` only at `commit`.
  ///
  /// - Parameter durable: Whether `commit` waits until the file is on the disk.
  /// - Throws: `FileError.unwritable`, `HDF5Error.failed`.
  public static func create(_ path: String, durable: Bool = false) throws -> HDF5File {
    let output = try OutputFile(path: path, durable: durable)
    let place = Place(file: path, object: "/")
    let action = "create the file"
    let creation = try Handle(action, place) { H5Pcreate(chdf5_file_creation()) }
    try Library.call(action, place) { H5Pset_obj_track_times(creation.id, false) }
    let access = try fileAccess(action, place)
    try Library.call(action, place) { H5Pset_libver_bounds(access.id, H5F_LIBVER_V18, H5F_LIBVER_V18) }
    // Whatever a caller still holds open is closed with the file, so that commit can put it in place whole.
    try Library.call(action, place) { H5Pset_fclose_degree(access.id, H5F_CLOSE_STRONG) }
    let temporary = output.temporaryPath
    let handle = try Handle(action, place) {
      temporary.withFileName { H5Fcreate($0, chdf5_truncate(), creation.id, access.id) }
    }
    return HDF5File(place, handle: handle, output: output)
  }

  /// Bytes of elements that a file's arrays may have together without their being stored, unless told otherwise.
  public static let mostUnstored = 64 << 20

  /// Opens a file for reading, once a child process has read its structure without a crash.
  ///
  /// - Parameter unstored: How many bytes the elements of all arrays may take together that no byte of the file stands for,
  ///   such as those that were never written.
  /// - Throws: `FileError` when there is no such file, `HDF5Error.failed` when it is no HDF5 file or truncated,
  ///   `HDF5Error.harmful` when the library would crash.
  public static func open(_ path: String, unstored: Int = mostUnstored) throws -> HDF5File {
    // Says in plain words what the library would bury in details: no such file, no permission, a folder.
    let fileCount = try MappedFile(path: path).bytes.count
    try Trial.require(path)
    let stored = StoredBytes(fileCount: fileCount, unstored: unstored)
    let place = Place(file: path, object: "/", stored: stored)
    let action = "open it as an HDF5 file"
    let access = try fileAccess(action, place)
    let handle = try Handle(action, place) { path.withFileName { H5Fopen($0, chdf5_read_only(), access.id) } }
    return HDF5File(place, handle: handle, output: nil)
  }

  /// How files are opened: without locks. No two programs write to one file here, since each writes to a temporary one; and
  /// a lock outlives its file's handle where a program was started meanwhile, which keeps the next reader out.
  private static func fileAccess(_ action: String, _ place: Place) throws -> Handle {
    let access = try Handle(action, place) { H5Pcreate(chdf5_file_access()) }
    try Library.call(action, place) { chdf5_set_no_locks(access.id) }
    return access
  }

  /// The group that holds everything.
  public func root() throws -> HDF5Group {
    try HDF5Group(opening: "/", in: handle.id, place)
  }

  /// The number under which the system knows the open file, if the library reads it through plain system calls.
  func descriptor() throws -> Descriptor? {
    guard output == nil else { return nil }
    let action = "find the open file"
    let access = try Handle(action, place) { [id = handle.id] in H5Fget_access_plist(id) }
    let isPlain = Library.value { H5Pget_driver(access.id) == chdf5_plain_driver() }
    guard isPlain else { return nil }
    var number: UnsafeMutableRawPointer?
    _ = try withUnsafeMutablePointer(to: &number) { number in
      try Library.call(action, place) { [id = handle.id] in H5Fget_vfd_handle(id, access.id, number) }
    }
    return number.flatMap { Descriptor(duplicating: $0.load(as: Int32.self)) }
  }

  /// Writes what is still in memory and puts a created file in its place; closes an opened one.
  ///
  /// - Throws: `HDF5Error.failed` when the disk is full, `FileError.unwritable`. The target then stays as it was.
  public consuming func commit() throws {
    let place = place
    if output != nil {
      try Library.call("write the file", place) { [id = handle.id] in H5Fflush(id, H5F_SCOPE_GLOBAL) }
    }
    try handle.closeFile(place)
    try output.commit()
  }
}

extension Optional where Wrapped == OutputFile {
  /// Puts the finished file in its place, if there is one.
  fileprivate consuming func commit() throws {
    switch consume self {
    case .some(let file): try file.commit()
    case .none: return
    }
  }
}
