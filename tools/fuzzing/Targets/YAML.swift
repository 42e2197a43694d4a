// A model's configuration, which converted files carry: what is read is written and read back the same.
import Architecture
import Configurations

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let text = String(decoding: input(start, count), as: UTF8.self)
  guard let configuration = try? ModelConfiguration(yaml: text, origin: "input") else { return 0 }
  do {
    let again = try ModelConfiguration(yaml: configuration.json, origin: "its JSON")
    require(again == configuration, "writing and reading keeps the configuration")
    let withoutYAML = try ModelConfiguration(json: configuration.json, origin: "its JSON")
    require(withoutYAML == configuration, "what reads JSON alone reads the same")
  } catch {
    require(false, "what is written is read: \(error)")
  }
  return 0
}
