// Modules made for the purpose: what happens between the modules inside one.
import Kernels
import Prompts
import Synchronization
import Taps
import Tensors
import Testing
import TestSupport
import Traces
import Verification

@testable import SAM2

/// Adds one.
private struct Increment: TorchModule {
  let path: ModulePath
  func forward(_ x: consuming Tensor, _ run: Run) -> Tensor { x + 1 }
}

/// Two increments, with something between them and after.
private struct Pair: Module {
  let path: ModulePath
  var between: Float = 0
  var after: Float = 0
  /// Counts how often it runs.
  let runs: Counter

  final class Counter: Sendable {
    private let state = Mutex(0)
    var count: Int { state.withLock { $0 } }
    func add() { state.withLock { $0 += 1 } }
  }

  func forward(_ x: consuming Tensor, _ run: Run) -> Tensor {
    runs.add()
    let first = Increment(path: path.child("first"))(x, run) + between
    return Increment(path: path.child("second"))(first, run) + after
  }
}

private let provenance = Provenance(
  producer: "test", producerVersion: "1", backend: "none", backendVersion: "0", threads: 1,
  checkpointSHA256: "", inputSHA256: "", input: TraceInput(width: 1, height: 1, preprocessing: ""),
  prompts: PromptScript(multimask: false, objects: []))

/// Records a pair without faults, and verifies another.
private func verify(
  _ pair: Pair, recording patterns: [String] = [], input: Tensor = Tensor([4], [1, 2, 3, 4])
) throws -> LiveComparison {
  try TestFiles.withTemporaryFolder { folder in
    let writer = try TraceWriter(path: "\(folder)/r.h5", provenance: provenance)
    let taps = Taps(writer: writer, patterns: patterns)
    _ = Pair(path: pair.path, runs: .init())(Tensor([4], [1, 2, 3, 4]), Run(taps: taps))
    try taps.finish()
    let verifier = LiveComparison(
      reference: .trace(try TraceReader(path: "\(folder)/r.h5")), policy: .f32, isolates: true)
    _ = pair(input, Run(taps: verifier.makeTaps()))
    try verifier.finish()
    return verifier
  }
}

@Test func whatAParentDoesBetweenItsModulesIsNoFaultOfTheirs() throws {
  let found = try #require(try verify(Pair(path: ModulePath("p"), between: 0.5, runs: .init())).divergence)
  #expect(found.tap == "p.second/0/input/input")
  #expect(found.origin.kind == .glue)
  #expect(found.origin.module == "p.second")
  #expect(found.origin.inside == "p")
  #expect(found.carried == 2)
}

@Test func whatAParentDoesLastIsItsOwn() throws {
  let found = try #require(try verify(Pair(path: ModulePath("p"), after: 0.5, runs: .init())).divergence)
  #expect(found.tap == "p/0/output")
  #expect(found.origin.kind == .module)
  #expect(found.origin.module == "p")
  #expect(found.carried == 0)
}

@Test func anotherInputIsNobodysFault() throws {
  let verifier = try verify(
    Pair(path: ModulePath("p"), runs: .init()), input: Tensor([4], [1, 2, 3, 5]))
  let found = try #require(verifier.divergence)
  #expect(found.origin.kind == .glue)
  #expect(found.origin.module == "p")
  #expect(found.origin.inside == nil)
  #expect(verifier.comparison.arrays.allSatisfy { $0.isolated.map { $0.maxAbsError == 0 } ?? true })
}

@Test func aModuleInsideThatWasNotRecordedRuns() throws {
  let runs = Pair.Counter()
  let verifier = try verify(Pair(path: ModulePath("p"), after: 0.5, runs: runs), recording: ["p", "p.second"])
  #expect(runs.count == 2)
  #expect(verifier.comparison.arrays.count == 4)
  #expect(verifier.divergence?.origin.module == "p")
}

@Test func anotherShapeIsNotRunOn() throws {
  let runs = Pair.Counter()
  let verifier = try verify(
    Pair(path: ModulePath("p"), runs: runs), input: Tensor([2, 2], [1, 2, 3, 4]))
  #expect(runs.count == 1)
  #expect(!verifier.comparison.passes)
  #expect(verifier.comparison.arrays.allSatisfy { $0.outcome == .shapeMismatch(candidate: [2, 2]) })
}

@Test func callsThatAreNotMadeAreMissing() throws {
  try TestFiles.withTemporaryFolder { folder in
    let writer = try TraceWriter(path: "\(folder)/r.h5", provenance: provenance)
    let taps = Taps(writer: writer)
    let pair = Pair(path: ModulePath("p"), runs: .init())
    for _ in 0..<2 { _ = pair(Tensor([4], [1, 2, 3, 4]), Run(taps: taps)) }
    try taps.finish()
    let verifier = LiveComparison(
      reference: .trace(try TraceReader(path: "\(folder)/r.h5")), policy: .f32, isolates: true)
    _ = pair(Tensor([4], [1, 2, 3, 4]), Run(taps: verifier.makeTaps()))
    #expect(!verifier.comparison.passes)
    #expect(verifier.comparison.arrays.filter { $0.outcome == .missing }.count == 6)
  }
}
