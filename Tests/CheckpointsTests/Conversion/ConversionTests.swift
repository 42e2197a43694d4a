import Checkpoints
import Files
import Foundation
import TestSupport
import Testing

@Suite struct ConversionTests {
  private func digest(of path: String) throws -> String {
    let file = try MappedFile(path: path)
    return withExtendedLifetime(file) { SHA256.hex(of: file.bytes) }
  }

  @Test(
    arguments: ["views", "training", "nans", "parameters", "deflated"], [Checkpoint.Format.safetensors, .hdf5])
  func keepsEveryBit(_ file: String, _ format: Checkpoint.Format) throws {
    try TestFiles.withTemporaryFolder { folder in
      let source = try Fixtures.open("genuine/\(file).pt")
      let path = "\(folder)/out.\(format.rawValue)"
      try Conversion(source, metadata: ["note": "a \"b\"\n\u{1}"]).write(to: path, as: format)
      let result = try Checkpoint.open(path: path)
      #expect(result.format == format)
      #expect(Set(result.entries.map(\.name)) == Set(source.entries.map(\.name)))
      for entry in source.entries {
        #expect(result[entry.name]?.shape == entry.shape)
        #expect(result[entry.name]?.elementType == entry.elementType)
        #expect(try result.copy(of: entry.name) == source.copy(of: entry.name))
      }
      let sum = try digest(of: source.path)
      let expected = ["note": "a \"b\"\n\u{1}", "source_sha256": sum]
      #expect(result.metadata == expected)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["out.\(format.rawValue)"])
    }
  }

  @Test func goesBothWaysBetweenSafetensorsAndHDF5() throws {
    try TestFiles.withTemporaryFolder { folder in
      let source = try Fixtures.open("genuine/reference.safetensors")
      try Conversion(source).write(to: "\(folder)/a.h5", as: .hdf5)
      let middle = try Checkpoint.open(path: "\(folder)/a.h5")
      try Conversion(middle).write(to: "\(folder)/b.safetensors", as: .safetensors)
      let result = try Checkpoint.open(path: "\(folder)/b.safetensors")
      for entry in source.entries { #expect(try result.copy(of: entry.name) == source.copy(of: entry.name)) }
      let sum = try digest(of: "\(folder)/a.h5")
      #expect(result.metadata == ["source_sha256": sum])
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
      for format in [Checkpoint.Format.safetensors, .hdf5] {
        let path = "\(folder)/out.\(format.rawValue)"
        try Conversion(source).write(to: path, as: format)
        #expect(try Checkpoint.open(path: path).metadata["source_sha256"] == digest(of: file))
      }
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

  @Test func writesEveryTypeToHDF5() throws {
    try TestFiles.withTemporaryFolder { folder in
      let source = try Fixtures.open("genuine/dtypes.pt")
      try Conversion(source).write(to: "\(folder)/out.h5", as: .hdf5)
      let result = try Checkpoint.open(path: "\(folder)/out.h5")
      for entry in source.entries {
        #expect(result[entry.name]?.elementType == entry.elementType)
        #expect(try result.copy(of: entry.name) == source.copy(of: entry.name))
      }
    }
  }

  @Test(arguments: [Checkpoint.Format.safetensors, .hdf5])
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

  @Test func doesNotWriteTorchArchives() throws {
    #expect(throws: CheckpointError.notWritable(path: "out.pt", format: "pt")) {
      try Conversion(try Fixtures.open("genuine/nans.pt")).write(to: "out.pt", as: .torch)
    }
  }
}
