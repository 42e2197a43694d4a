import Files
import Foundation

/// Prints results: paths in them come out as the bytes that they are, whatever their encoding.
func print(_ text: some CustomStringConvertible) {
  let (text, bytes) = ("\(text)\n", "\(text)\n".fileName)
  guard !bytes.elementsEqual(text.utf8) else { return Swift.print(text, terminator: "") }
  // What was printed so far comes first.
  fflush(nil)
  FileHandle.standardOutput.write(Data(bytes))
}
