// What a benchmark says of the machine: who made it, what it can do, what it gives at most.
import CVector
import Foundation
import Kernels
import Reports

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

extension BenchmarkReport.Processor {
  /// The one that this runs on.
  static var current: BenchmarkReport.Processor {
    BenchmarkReport.Processor(
      model: modelName, cores: ProcessInfo.processInfo.activeProcessorCount, threads: Parallelism.threads,
      features: features)
  }

  #if canImport(Darwin)
    private static var modelName: String {
      var length = 0
      guard sysctlbyname("machdep.cpu.brand_string", nil, &length, nil, 0) == 0 else { return "unknown" }
      var name = [UInt8](repeating: 0, count: length)
      guard sysctlbyname("machdep.cpu.brand_string", &name, &length, nil, 0) == 0 else { return "unknown" }
      return String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
    }

    private static var features: [String] {
      ["FEAT_BF16", "FEAT_I8MM", "FEAT_DotProd", "FEAT_SME"].filter { name in
        var (value, length) = (Int32(0), MemoryLayout<Int32>.size)
        return sysctlbyname("hw.optional.arm.\(name)", &value, &length, nil, 0) == 0 && value != 0
      }
    }
  #else
    private static var modelName: String {
      let family = ["cpu family", "model"].compactMap { cpuInfo[$0] }
      let numbers = family.count == 2 ? " (family \(family[0]), model \(family[1]))" : ""
      return (cpuInfo["model name"] ?? "unknown") + numbers
    }

    /// Those that multiply, as Linux calls them, oldest first.
    private static var features: [String] {
      let known = [
        "avx", "avx2", "fma", "f16c", "avx_vnni", "avx512f", "avx512bw", "avx512vl", "avx512_vnni",
        "avx512_bf16", "avx512_fp16", "amx_tile", "amx_int8", "amx_bf16", "amx_fp16", "asimd", "asimdhp",
        "asimddp", "i8mm", "bf16", "sve", "sve2",
      ]
      let found = Set((cpuInfo["flags"] ?? cpuInfo["Features"] ?? "").split(separator: " ").map(String.init))
      return known.filter(found.contains)
    }

    /// What Linux says of the first processor.
    private static let cpuInfo: [String: String] = {
      let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
      var info: [String: String] = [:]
      for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
        if line.isEmpty { break }
        let sides = line.split(separator: ":", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
        if sides.count == 2 { info[sides[0]] = sides[1] }
      }
      return info
    }()
  #endif
}

/// What the process holds.
enum ProcessMemory {
  /// The most memory that this process ever held, in bytes.
  static var peakBytes: Int {
    #if os(Linux)
      // Not getrusage, which counts what the parent held too when it began this process.
      let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
      let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
      let kilobytes = line?.split(separator: " ").compactMap { Int($0) }.first ?? 0
      return kilobytes * 1024
    #else
      var usage = rusage()
      return getrusage(RUSAGE_SELF, &usage) == 0 ? usage.ru_maxrss : 0
    #endif
  }
}

extension BenchmarkReport.Peaks {
  /// How long each of them is measured; the best of many tries counts, since others use the machine too.
  private static let secondsEach = 0.25

  /// What the threads that compute give together, in about a second.
  static func measured() -> BenchmarkReport.Peaks {
    let f32 = rate(cvector_peaks_f32(0))
    return BenchmarkReport.Peaks(
      f32: f32 ?? Rate(operationsPerSecond: 0, instructions: "none"), bf16: rate(cvector_peaks_bf16(0)),
      int8: rate(cvector_peaks_int8(0)), readBytesPerSecond: readRate())
  }

  private static func rate(_ loop: cvector_peaks_loop) -> Rate? {
    guard let name = loop.instructions, let sum = loop.sum else { return nil }
    let threads = Parallelism.threads
    // Tries of a few milliseconds: long beside waking the threads, short beside being interrupted.
    let single = best(of: 0.02) { _ = sum(1 << 14) }
    let calls = max(1, Int(0.004 / single))
    let seconds = best(of: secondsEach) {
      parallelFor(threads) { range in for _ in 0..<range.count * calls { _ = sum(1 << 14) } }
    }
    let products = Double(threads * calls) * Double(1 << 14) * Double(loop.products)
    return Rate(operationsPerSecond: 2 * products / seconds, instructions: String(cString: name))
  }

  /// Larger than most caches; where one is larger, some of it is read from there.
  private static let readBytes = 1 << 28

  private static func readRate() -> Double {
    let count = readBytes / MemoryLayout<UInt64>.stride
    let memory = UnsafeMutablePointer<UInt64>.allocate(capacity: count)
    defer { memory.deallocate() }
    // Written first: of memory that never was there is one page.
    memory.initialize(repeating: 1, count: count)
    let chunk = 1 << 17
    let seconds = best(of: secondsEach) {
      parallelFor(count / chunk) { range in
        _ = cvector_peaks_read(memory + range.lowerBound * chunk, range.count * chunk)
      }
    }
    return Double(readBytes) / seconds
  }

  /// The shortest time that `body` takes, of as many times as fit, at least three.
  private static func best(of seconds: Double, _ body: () -> Void) -> Double {
    let clock = ContinuousClock()
    let end = clock.now + .seconds(seconds)
    var best = Double.infinity
    var tries = 0
    repeat {
      best = min(best, clock.measure(body) / .seconds(1))
      tries += 1
    } while clock.now < end || tries < 3
    return best
  }
}
