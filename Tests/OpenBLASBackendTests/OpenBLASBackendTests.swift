// What is OpenBLAS' own. That it computes what it should is held by ConformanceTests, as of every backend.
import OpenBLASBackend
import Testing

/// Numbers, such as 0.3.21, which are cut out of a line that says much else.
@Test func versionIsTheLibrarys() throws {
  let parts = try OpenBLASBackend().version.split(separator: ".")
  #expect(parts.count >= 2)
  #expect(parts.first.flatMap { Int($0) } != nil)
}

@Test func theLibraryHereMultipliesAndNamesItsKernels() throws {
  let kernels = try #require(try OpenBLASBackend().kernels)
  #expect(!kernels.isEmpty && !kernels.contains(" "))
}
