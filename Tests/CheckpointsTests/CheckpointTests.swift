import Checkpoints
import Foundation
import Tensors
import Testing
import TestSupport

@Suite struct CheckpointTests {
  @Test func convertsToFloat32() throws {
    let checkpoint = try Fixtures.open("genuine/dtypes.pt")
    let bytes = (0..<48).map { UInt8(truncatingIfNeeded: 37 * $0 + 11) }
    func numbers<Number>(_ type: Number.Type) -> [Number] {
      bytes.withUnsafeBytes { Array($0.bindMemory(to: Number.self)) }
    }
    #expect(try checkpoint.float32("bool").elements == [1, 0, 1])
    #expect(try checkpoint.float32("uint8").elements == bytes.map(Float.init))
    #expect(try checkpoint.float32("int8").elements == numbers(Int8.self).map { Float($0) })
    #expect(try checkpoint.float32("int16").elements == numbers(Int16.self).map { Float($0) })
    #expect(try checkpoint.float32("int32").elements == numbers(Int32.self).map { Float($0) })
    #expect(try checkpoint.float32("uint64").elements == numbers(UInt64.self).map { Float($0) })
    #expect(try checkpoint.float32("float64").elements == numbers(Double.self).map { Float($0) })
    #expect(try checkpoint.float32("float32").elements == numbers(Float.self))
  }

  /// Every type of the file, complex and float8 among them.
  @Test func handsOutTheStoredType() throws {
    let checkpoint = try Fixtures.open("genuine/dtypes.pt")
    #expect(Set(checkpoint.entries.map(\.elementType)).count > 12)
    for entry in checkpoint.entries {
      let tensor = try checkpoint.tensor(entry.name)
      #expect(tensor.elementType == entry.elementType && tensor.shape == entry.shape)
      let stored = try checkpoint.bytes(of: entry.name).withBytes { Array($0) }
      #expect(tensor.withBytes { Array($0) } == stored)
    }
  }

  @Test(arguments: [ElementType.float8E4M3FN, .complex64])
  func refusesTypesThatAreNoFloat32(_ type: ElementType) throws {
    let name = "genuine/dtypes.pt"
    let checkpoint = try Fixtures.open(name)
    #expect(throws: WeightError.notFloat32(origin: Fixtures.path(name), name: type.rawValue, found: type)) {
      try checkpoint.float32(type.rawValue)
    }
  }

  @Test func namesAMissingTensor() throws {
    let name = "genuine/nans.pt"
    let checkpoint = try Fixtures.open(name)
    let expected = CheckpointError.missingTensor(path: Fixtures.path(name), name: "v")
    #expect(throws: expected) { try checkpoint.bytes(of: "v") }
    #expect(throws: expected) { try checkpoint.tensor("v") }
  }

  @Test func sharesTheFilesMemory() throws {
    let checkpoint = try Fixtures.open("genuine/training.pt")
    let stored = try checkpoint.bytes(of: "weight").withBytes { $0.baseAddress.map(Int.init(bitPattern:)) }
    let borrowed = try checkpoint.tensor("weight").withElements {
      $0.baseAddress.map { Int(bitPattern: UnsafeRawPointer($0)) }
    }
    #expect(stored == borrowed)
  }

  @Test func outlivesItsCheckpoint() throws {
    let tensor = try Fixtures.open("genuine/training.pt").tensor("weight")
    #expect(tensor.elements == [0, 1, 2, 3, 4, 5])
  }

  /// Files with one bit flipped after another: refused, or nothing that was read changes. Bits that mean
  /// nothing, such as time stamps, may flip freely.
  @Test(arguments: ["nans.pt", "deflated.pt"]) func noticesEveryFlippedBit(_ file: String) throws {
    let genuine = try Fixtures.open("genuine/\(file)")
    let bytes = try Array(Data(contentsOf: URL(filePath: genuine.path)))
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/flipped.pt"
      try Data(bytes).write(to: URL(filePath: path))
      let file = try FileHandle(forUpdating: URL(filePath: path))
      func write(_ byte: UInt8, at offset: Int) throws {
        try file.seek(toOffset: UInt64(offset))
        try file.write(contentsOf: [byte])
      }
      var accepted = 0
      // Every third bit, for time.
      for bit in stride(from: 0, to: bytes.count * 8, by: 3) {
        try write(bytes[bit / 8] ^ 1 << (bit % 8), at: bit / 8)
        defer { try? write(bytes[bit / 8], at: bit / 8) }
        guard let checkpoint = try? Checkpoint.open(path: path), (try? checkpoint.verify()) != nil else {
          continue
        }
        accepted += 1
        #expect(checkpoint.entries == genuine.entries, "bit \(bit)")
        for entry in genuine.entries {
          let (found, expected) = (try checkpoint.copy(of: entry.name), try genuine.copy(of: entry.name))
          #expect(found == expected, "bit \(bit)")
        }
      }
      #expect(accepted < bytes.count * 4 / 3)
    }
  }

  @Test(arguments: ["genuine/nans.pt", "genuine/reference.safetensors"])
  func refusesEveryTruncation(_ file: String) throws {
    let bytes = try Data(contentsOf: URL(filePath: Fixtures.path(file)))
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/cut"
      try bytes.write(to: URL(filePath: path))
      let file = try FileHandle(forUpdating: URL(filePath: path))
      for count in stride(from: bytes.count - 1, through: 0, by: -5) {
        try file.truncate(atOffset: UInt64(count))
        #expect(throws: CheckpointError.self, "\(count) bytes") { try Checkpoint.open(path: path) }
      }
    }
  }
}
