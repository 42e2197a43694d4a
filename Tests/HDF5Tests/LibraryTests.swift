// The library's words in errors.
import Testing

@testable import HDF5

@Test func systemErrorsAreQuotedAlone() {
  // What HDF5 1.10.8 says when the disk is full.
  let cause = """
    file write failed: time = Mon Nov 23 13:13:23 2026
    , filename = 'x.h5', file descriptor = 4, errno = 28, error message = 'No space left on device', buf = 0x7f70
    """
  #expect(Library.plain(cause) == "No space left on device")
  #expect(Library.plain("file signature not found") == "file signature not found")
  #expect(Library.plain("two\nlines") == "two lines")
}
