import Testing

@testable import Downloads

@Test func aHeaderIsReadWhateverItsSpelling() throws {
  let header = try #require(
    HTTPHeader("HTTP/2 206 \r\nContent-range: bytes 5-9/10\r\nETag:\t\"x\"\r\nContent-Length: 5\r\n\r\n"))
  #expect(header.status == 206 && header.reason == "" && header.contentLength == 5)
  #expect(header.contentRange?.start == 5 && header.contentRange?.total == 10)
  #expect(header.validator == "\"x\"" && !header.isFollowed)
  #expect(HTTPHeader("SSH-2.0-x\r\n\r\n") == nil)
}

/// A weak tag may stand for other bytes.
@Test func onlyStrongTagsIdentifyAVersion() throws {
  let weak = try #require(HTTPHeader("HTTP/1.1 200 OK\r\nETag: W/\"x\"\r\nLast-Modified: then\r\n\r\n"))
  #expect(weak.validator == "then")
  #expect(
    try #require(HTTPHeader("HTTP/1.1 416 No\r\nContent-Range: bytes */7\r\n\r\n")).contentRange?.total == 7)
  #expect(try #require(HTTPHeader("HTTP/1.1 100 Continue\r\n\r\n")).isFollowed)
  #expect(try #require(HTTPHeader("HTTP/1.1 301 Moved\r\nLocation: /b\r\n\r\n")).isFollowed)
  #expect(try !#require(HTTPHeader("HTTP/1.1 304 Not Modified\r\n\r\n")).isFollowed)
}
