// compare with other programs' dumps, and what it writes for a CI and a browser.
import Foundation
import Testing
import TestSupport

/// Three arrays of an ONNX export under onnxruntime, the same of one with GELU's approximation, and the taps that they are
/// of; recorded by tools/fixtures/record_onnx.py.
private func onnx(_ name: String) -> String { TestFiles.package("Tests/DumpsTests/Fixtures/onnx/\(name)") }
private let map = TestFiles.package("tools/verify_onnx/encoder.map.json")

@Test func anExportPassesAndABrokenOneDoesNot() throws {
  try TestFiles.withTemporaryFolder { folder in
    let (junit, html, saved) = ("\(folder)/r.xml", "\(folder)/r.html", "\(folder)/r.json")
    let whole = try Program.run("compare", onnx("reference.h5"), onnx("export.npz"), "--map", map)
    #expect(whole.code == 0, "\(whole.output)\(whole.errors)")
    let broken = try Program.run(
      "compare", onnx("reference.h5"), onnx("gelu.npz"), "--map", map, "--junit", junit, "--html", html,
      "--save",
      saved, "--order", "worst")
    #expect(broken.code == 1 && broken.output.contains("FAIL"), "\(broken.errors)")
    // No colours where nobody watches.
    #expect(!broken.output.contains("\u{1B}["))
    let xml = try String(contentsOfFile: junit, encoding: .utf8)
    #expect(xml.contains("<failure type=\"diverged\""))
    let page = try String(contentsOfFile: html, encoding: .utf8)
    #expect(page.hasPrefix("<!DOCTYPE html>") && page.contains("✗ Fail") && page.hasSuffix("</html>\n"))
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["r.html", "r.json", "r.xml"])
    // A page and a verdict can be made of a saved comparison as well.
    let again = try Program.run("judge", saved, "--html", html, "--tolerance", "1")
    let second = try String(contentsOfFile: html, encoding: .utf8)
    #expect(again.code == 0 && second.contains("✓ Pass"))
  }
}

@Test func aDumpThatCannotBeReadIsRefusedAndLeavesNothing() throws {
  try TestFiles.withTemporaryFolder { folder in
    let page = "\(folder)/r.html"
    let nameless = try Program.run("compare", onnx("reference.h5"), onnx("export.npz"), "--html", page)
    #expect(nameless.code == 2 && nameless.errors.contains("or a map that leads to them (--map FILE)"))
    #expect(
      try Program.run("compare", onnx("reference.h5"), onnx("export.npz"), "--map", "none.json").code == 2)
    #expect(try Program.run("compare", onnx("reference.h5"), onnx("export.npz"), "--layout", "NHW").code == 64)
    #expect(
      try Program.run("compare", onnx("reference.h5"), onnx("export.npz"), "--html", page, "--junit", page).code
        == 64)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
  }
}
