import Checkpoints
import Testing

@Suite struct LimitSettingTests {
  /// A limit that no name sets would be one that nobody can change.
  @Test func everyLimitHasOneName() {
    let fields = Mirror(reflecting: ReadingLimits()).children.count
    #expect(LimitSetting.all.count == fields)
    #expect(Set(LimitSetting.all.map(\.name)).count == fields)
    var limits = ReadingLimits()
    for setting in LimitSetting.all { limits[keyPath: setting.path] += 1 }
    for setting in LimitSetting.all { #expect(limits[keyPath: setting.path] == setting.standard + 1) }
  }

  /// Each limit lowered to nothing refuses a file that is read otherwise.
  @Test(arguments: [
    ("pickle-bytes", "genuine/nans.pt"), ("pickle-values", "genuine/nans.pt"),
    ("pickle-stack", "genuine/nans.pt"),
    ("pickle-memo", "genuine/nans.pt"), ("pickle-nesting", "genuine/model.pt"),
    ("pickle-expansion", "genuine/nans.pt"),
    ("rank", "genuine/views.pt"), ("zip-entries", "genuine/nans.pt"),
    ("safetensors-header", "genuine/reference.safetensors"), ("gguf-header", "genuine/official.gguf"),
    ("gguf-tensors", "genuine/official.gguf"), ("gguf-keys", "genuine/official.gguf"),
    ("gguf-name", "genuine/official.gguf"),
  ])
  func aLoweredLimitRefuses(_ name: String, _ file: String) throws {
    let setting = try #require(LimitSetting.named(name))
    var limits = ReadingLimits()
    #expect(Fixtures.refusal(of: file, limits: limits) == nil)
    limits[keyPath: setting.path] = 1
    #expect(Fixtures.refusal(of: file, limits: limits) != nil)
  }

  @Test func aRaisedLimitReadsWhatWasRefused() {
    var limits = ReadingLimits()
    #expect(Fixtures.refusal(of: "hostile/14_bomb.pt", limits: limits) != nil)
    limits.inflationFree = 4 << 20
    #expect(Fixtures.refusal(of: "hostile/14_bomb.pt", limits: limits) == nil)
  }
}
