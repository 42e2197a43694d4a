// Which kernels are chosen, by what a processor can do and what OpenBLAS chose itself.
import Foundation
import Testing

@testable import OpenBLASBackend

@Test(
  arguments: [
    // What 0.3.21 falls back to where it doesn't know the model.
    ("Prescott", Processor.avx512, "SkylakeX"), ("Prescott", .avx2, "Haswell"), ("Prescott", .any, nil),
    ("Barcelona", .avx512, "SkylakeX"), ("Nehalem", .avx2, "Haswell"), ("Sandybridge", .avx2, "Haswell"),
    // AVX-512 left unused.
    ("Zen", .avx512, "SkylakeX"), ("Haswell", .avx512, "SkylakeX"),
    // As good as it gets, or better.
    ("Zen", .avx2, nil), ("Haswell", .avx2, nil), ("Excavator", .avx2, nil), ("SkylakeX", .avx512, nil),
    ("Cooperlake", .avx512, nil), ("SapphireRapids", .avx512, nil),
    // Of a newer version, or of another sort of processor.
    ("Zen9", .avx512, nil), ("NEOVERSEN1", .any, nil),
  ] as [(String, Processor, String?)])
func choosesWhatUsesMoreOfTheProcessor(own: String, processor: Processor, better: String?) {
  #expect(CoreType(name: own).better(on: processor)?.name == better)
}

@Test(
  arguments: [
    ("Cooperlake", Processor.avx512, ["SkylakeX", "Haswell", "Prescott"]),
    ("Zen9", .avx512, ["SkylakeX", "Haswell", "Prescott"]), ("SkylakeX", .avx512, ["Haswell", "Prescott"]),
    ("Zen", .avx512, ["Prescott"]), ("Haswell", .avx2, ["Prescott"]),
    ("SkylakeX", .avx2, ["Haswell", "Prescott"]),
    ("Prescott", .avx512, []), ("Haswell", .any, []), ("NEOVERSEN1", .any, []),
  ] as [(String, Processor, [String])])
func fallsBackOnWhatUsesLessOfTheProcessor(own: String, processor: Processor, weaker: [String]) {
  #expect(CoreType(name: own).weaker(on: processor).map(\.name) == weaker)
}

/// A library that has all kernels, some of them wrong.
private final class ScriptedLibrary: LoadableLibrary {
  let own: String
  let wrong: Set<String>
  /// Whether the program holds it itself, so that it can't be loaded anew.
  let isHeld: Bool
  private(set) var loads: [String?] = []
  private var kernels = ""

  init(own: String, wrong: Set<String> = [], isHeld: Bool = false) {
    (self.own, self.wrong, self.isHeld) = (own, wrong, isHeld)
  }

  let version = "1.2.3"

  func load(_ core: CoreType?) -> CoreType {
    loads.append(core?.name)
    kernels = isHeld ? own : core?.name ?? own
    return CoreType(name: kernels)
  }

  func firstWrongProduct() -> String? { wrong.contains(kernels) ? "5 instead of 4" : nil }
}

@Test(
  arguments: [
    ("Prescott", Processor.avx512, [], [nil, "SkylakeX"]),
    ("Cooperlake", .avx512, [], [nil]),
    ("Zen", .avx2, [], [nil]),
    ("Prescott", .any, [], [nil]),
    ("Prescott", .avx512, ["SkylakeX"], [nil, "SkylakeX", "Haswell"]),
    ("Prescott", .avx512, ["SkylakeX", "Haswell"], [nil, "SkylakeX", "Haswell", "Prescott"]),
    ("Cooperlake", .avx512, ["Cooperlake"], [nil, "SkylakeX"]),
  ] as [(String, Processor, Set<String>, [String?])])
func loadsUntilItMultiplies(own: String, processor: Processor, wrong: Set<String>, loads: [String?]) throws {
  let library = ScriptedLibrary(own: own, wrong: wrong)
  let loaded = try Library(library, processor: processor)
  #expect(library.loads == loads)
  #expect(loaded.kernels == (loads.last ?? nil) ?? own && loaded.version == "1.2.3")
}

@Test func aLibraryThatTheProgramHoldsKeepsItsKernels() throws {
  #expect(try Library(ScriptedLibrary(own: "Prescott", isHeld: true), processor: .avx512).kernels == "Prescott")
}

/// Also where the environment says which kernels to use, so that none may be chosen.
@Test(
  arguments: [
    ("Zen", ["Zen"], false, Processor.any, "Zen"), ("Zen", ["Zen"], true, .avx2, "Zen"),
    ("Prescott", ["Prescott", "Haswell"], false, .avx2, "Haswell"),
  ] as [(String, Set<String>, Bool, Processor, String)])
func wrongProductsAreRefused(
  own: String, wrong: Set<String>, isHeld: Bool, processor: Processor, kernels: String
) throws {
  let library = ScriptedLibrary(own: own, wrong: wrong, isHeld: isHeld)
  let error = try #require(throws: OpenBLASError.self) { try Library(library, processor: processor) }
  let text = error.description
  for part in ["1.2.3", kernels, "5 instead of 4", "OPENBLAS_CORETYPE"] {
    #expect(text.contains(part), "\(text)")
  }
}

#if os(Linux) && arch(x86_64)
  /// Linux lists a feature only where it saves the registers that it needs.
  @Test func processorIsWhatTheSystemSays() throws {
    let lines = try String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8).split(separator: "\n")
    let flags = Set(try #require(lines.first { $0.hasPrefix("flags") }).split(separator: " ").map(String.init))
    let isWide = flags.isSuperset(of: ["avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"])
    #expect(Processor.own == (!flags.isSuperset(of: ["avx2", "fma"]) ? .any : isWide ? .avx512 : .avx2))
  }
#endif
