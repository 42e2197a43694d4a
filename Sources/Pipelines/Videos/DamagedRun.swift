/// What an interrupted run left is not what it wrote.
public struct DamagedRun: Error, CustomStringConvertible {
  /// The file.
  public let path: String

  /// One sentence.
  public var description: String {
    "\(path): expected what an interrupted run wrote, found it altered, damaged or of another version; "
      + "leave out --resume to start anew"
  }
}
