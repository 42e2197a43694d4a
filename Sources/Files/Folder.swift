// What is in a folder, and what the system says where it can't be told.
package import Foundation

/// A folder's contents.
package enum Folder {
  /// The names of a folder's visible entries in order.
  ///
  /// - Throws: `FileError.unreadable`.
  package static func entries(_ path: String) throws(FileError) -> [String] {
    do {
      return try FileManager.default.contentsOfDirectory(atPath: path).filter { !$0.hasPrefix(".") }.sorted()
    } catch { throw .unreadable(path: path, reason: (error as NSError).systemReason) }
  }
}

extension NSError {
  /// The system's own words, where an error comes from it.
  package var systemReason: String {
    let cause = userInfo[NSUnderlyingErrorKey].flatMap { $0 as? any Error } as NSError? ?? self
    return cause.domain == NSPOSIXErrorDomain
      ? String(cString: strerror(Int32(cause.code))) : localizedDescription
  }
}
