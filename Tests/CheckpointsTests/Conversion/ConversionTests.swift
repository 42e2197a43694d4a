import Checkpoints
import Files
import Foundation
import Testing
import TestSupport

@Suite struct ConversionTests {
  private func digest(of path: String) throws -> String {
    let file = try MappedFile(path: path)
    return withExtendedLifetime(file) { SHA256.hex(of: file.bytes) }
  }

  @Test(
    arguments: ["training", "nans", "parameters", "deflated", "views"],
    [Checkpoint.Format.torch, .safetensors, .hdf5, .gguf])
  func keepsEveryBit(_ file: String, _ format: Checkpoint.Format) throws {
    // It has an axis without extent, which GGUF refuses.
    if file == "views", format == .gguf { return }
    try TestFiles.withTemporaryFolder { folder in
      let source = try Fixtures.open("genuine/\(file).pt")
      let path = "\(folder)/out.\(format.rawValue)"
      try Conversion(source, metadata: ["note": "a \"b\"\n\u{1}", "sam2_x": ""]).write(to: path, as: format)
      let result = try Checkpoint.open(path: path)
      #expect(result.format == format)
      #expect(Set(result.entries.map(\.name)) == Set(source.entries.map(\.name)))
      for entry in source.entries {
        #expect(result[entry.name]?.shape == entry.shape)
        #expect(result[entry.name]?.elementType == entry.elementType)
        #expect(try result.copy(of: entry.name) == source.copy(of: entry.name))
      }
      let sum = try digest(of: source.path)
      let expected = [
        "note": "a \"b\"\n\u{1}", "sam2_x": "", "source_sha256": sum,
        "source_directory_sha256": try #require(source.directoryDigest),
      ]
      #expect(result.metadata == expected)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["out.\(format.rawValue)"])
    }
  }

  @Test(arguments: Checkpoint.Format.allCases, Checkpoint.Format.allCases)
  func everyFormatGoesIntoEveryOther(_ first: Checkpoint.Format, _ second: Checkpoint.Format) throws {
    try TestFiles.withTemporaryFolder { folder in
      let source = try Fixtures.open("genuine/official.gguf")
      let (a, b) = ("\(folder)/a.\(first.rawValue)", "\(folder)/b.\(second.rawValue)")
      try Conversion(source, metadata: source.metadata).write(to: a, as: first)
      let middle = try Checkpoint.open(path: a)
      try Conversion(middle, metadata: middle.metadata).write(to: b, as: second)
      let result = try Checkpoint.open(path: b)
      #expect((middle.format, result.format) == (first, second))
      #expect(result.shapes == source.shapes)
      for entry in source.entries {
        #expect(result[entry.name]?.elementType == entry.elementType)
        #expect(try result.copy(of: entry.name) == source.copy(of: entry.name))
      }
      let sum = try digest(of: a)
      var expected = source.metadata.merging(["source_sha256": sum]) { $1 }
      expected["source_directory_sha256"] = middle.directoryDigest
      #expect(result.metadata == expected)
    }
  }

  /// The official loader asks for `model` only; all else are plain strings beside it.
  @Test func torchArchivesCarryTheirWordsBesideTheModel() throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/out.pt"
      let source = try Fixtures.open("genuine/nans.pt")
      try Conversion(source, metadata: ["note": "a"]).write(to: path, as: .torch)
      let sum = try digest(of: source.path)
      let directory = try #require(source.directoryDigest)
      #expect(
        try Checkpoint.open(path: path).metadata
          == ["note": "a", "source_sha256": sum, "source_directory_sha256": directory])
      #expect(throws: CheckpointError.torch(path: path, .duplicateName("model"))) {
        try Conversion(try Fixtures.open("genuine/nans.pt"), metadata: ["model": "a"])
          .write(to: path, as: .torch)
      }
    }
  }

  @Test func aDigestBegunEarlyServesEveryConversion() throws {
    try TestFiles.withTemporaryFolder { folder in
      let file = Fixtures.path("genuine/views.pt")
      let source = try Checkpoint.open(path: file, digesting: true)
      // A conversion that fails leaves it to the next.
      #expect(throws: CheckpointError.self) {
        try Conversion(source).write(to: "\(folder)/none/a.safetensors", as: .safetensors)
      }
      for format in [Checkpoint.Format.torch, .safetensors, .hdf5] {
        let path = "\(folder)/out.\(format.rawValue)"
        try Conversion(source).write(to: path, as: format)
        #expect(try Checkpoint.open(path: path).metadata["source_sha256"] == digest(of: file))
      }
    }
  }

  /// tools/official_model.py's directory_sha256 says the same of this file.
  @Test func aDirectoryHasTheDigestThatPythonFinds() throws {
    #expect(
      try Fixtures.open("genuine/nans.pt").directoryDigest
        == "5b33e8f17343dccc17be177f6e4de1ed0425e741c5ced4c587a94fa8b557ed6e")
    #expect(try Fixtures.open("genuine/reference.safetensors").directoryDigest == nil)
  }

  @Test func aSourceThatChangesMeanwhileIsRefused() throws {
    try TestFiles.withTemporaryFolder { folder in
      let file = "\(folder)/in.pt"
      try FileManager.default.copyItem(atPath: Fixtures.path("genuine/nans.pt"), toPath: file)
      // Long ago, so that the time of the change is another however coarse the system's clock is.
      try FileManager.default.setAttributes(
        [.modificationDate: Date(timeIntervalSince1970: 1_000_000_000)], ofItemAtPath: file)
      let source = try Checkpoint.open(path: file)
      // The same bytes again: only the time tells.
      let handle = try FileHandle(forUpdating: URL(filePath: file))
      try handle.write(contentsOf: Data("P".utf8))
      try handle.close()
      for format in Checkpoint.Format.allCases {
        #expect(throws: CheckpointError.self) { try Conversion(source).write(to: "\(folder)/out", as: format) }
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["in.pt"])
    }
  }

  @Test func refusesTypesThatSafetensorsLacks() throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/out.safetensors"
      let expected = CheckpointError.safetensors(
        path: path, .elementType(tensor: "complex128", found: "complex128"))
      #expect(throws: expected) {
        try Conversion(try Fixtures.open("genuine/dtypes.pt")).write(to: path, as: .safetensors)
      }
      let files = try FileManager.default.contentsOfDirectory(atPath: folder)
      #expect(files.isEmpty)
    }
  }

  @Test(arguments: [Checkpoint.Format.torch, .hdf5]) func writesEveryType(_ format: Checkpoint.Format) throws {
    try TestFiles.withTemporaryFolder { folder in
      let source = try Fixtures.open("genuine/dtypes.pt")
      try Conversion(source).write(to: "\(folder)/out", as: format)
      let result = try Checkpoint.open(path: "\(folder)/out")
      for entry in source.entries {
        #expect(result[entry.name]?.elementType == entry.elementType)
        #expect(try result.copy(of: entry.name) == source.copy(of: entry.name))
      }
    }
  }

  @Test(arguments: Checkpoint.Format.allCases)
  func leavesNothingBehindWhenTheSourceIsBroken(_ format: Checkpoint.Format) throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/out"
      try Data("before".utf8).write(to: URL(filePath: path))
      let source = try Fixtures.open("hostile/11_storage_checksum.pt")
      #expect(throws: CheckpointError.self) { try Conversion(source).write(to: path, as: format) }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["out"])
      #expect(try String(contentsOfFile: path, encoding: .utf8) == "before")
    }
  }

  /// C would end the name at the zero, and the tensor would be called `a`.
  @Test func refusesANameWithAZeroForHDF5() throws {
    try TestFiles.withTemporaryFolder { folder in
      let header = Array(#"{"a\u0000b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#.utf8)
      let file = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) } + header + [7]
      try Data(file).write(to: URL(filePath: "\(folder)/in.safetensors"))
      let source = try Checkpoint.open(path: "\(folder)/in.safetensors")
      #expect(throws: CheckpointError.self) { try Conversion(source).write(to: "\(folder)/out.h5", as: .hdf5) }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["in.safetensors"])
    }
  }

  @Test func namesAFolderThatIsNotThere() throws {
    let path = "/nonexistent/out.safetensors"
    #expect(throws: CheckpointError.file(.unwritable(path: path, reason: "No such file or directory"))) {
      try Conversion(try Fixtures.open("genuine/nans.pt")).write(to: path, as: .safetensors)
    }
  }
}
