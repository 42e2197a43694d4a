import SwiftOperators
import SwiftParser
import SwiftSyntax

/// Finds the places of a source file where a slip can be planted, whatever types are there: the compiler sorts out later
/// what doesn't fit.
final class SlipFinder: SyntaxVisitor {
  private let file: String
  private let places: SourceLocationConverter
  private(set) var slips: [Slip] = []

  /// What an operator is taken for.
  private static let others: [String: (String, Slip.Kind)] = [
    "<": ("<=", .comparison), "<=": ("<", .comparison), ">": (">=", .comparison), ">=": (">", .comparison),
    "==": ("!=", .comparison), "!=": ("==", .comparison), "&&": ("||", .logic), "||": ("&&", .logic),
    "+": ("-", .arithmetic), "-": ("+", .arithmetic), "*": ("/", .arithmetic), "/": ("*", .arithmetic),
    "+=": ("-=", .assignment), "-=": ("+=", .assignment), "*=": ("/=", .assignment),
  ]
  /// Calls whose absence is no slip: they say what can't be.
  private static let checks: Set<String> = ["precondition", "assert", "preconditionFailure", "fatalError"]
  /// Longer places are more than a slip.
  private static let longest = 160

  /// - Parameters:
  ///   - source: the file's text.
  ///   - file: its path from the package's folder.
  static func slips(in source: String, file: String) -> [Slip] {
    let tree = Parser.parse(source: source)
    guard
      let folded = OperatorTable.standardOperators.foldAll(tree, errorHandler: { _ in })
        .as(SourceFileSyntax.self)
    else { return [] }
    let finder = SlipFinder(file: file, tree: folded)
    finder.walk(folded)
    return finder.slips
  }

  private init(file: String, tree: SourceFileSyntax) {
    self.file = file
    places = SourceLocationConverter(fileName: file, tree: tree)
    super.init(viewMode: .sourceAccurate)
  }

  private func add(_ node: some SyntaxProtocol, _ kind: Slip.Kind, after: String, planted: String) {
    let before = node.trimmedDescription
    guard !before.contains("\n"), !after.contains("\n"), before.utf8.count <= Self.longest, before != after
    else {
      return
    }
    let position = node.positionAfterSkippingLeadingTrivia
    let place = places.location(for: position)
    slips.append(
      Slip(
        file: file, line: place.line, column: place.column, kind: kind, before: before, after: after,
        offset: position.utf8Offset, planted: planted))
  }

  /// A slip that makes another expression of one.
  private func add(_ node: some SyntaxProtocol, _ kind: Slip.Kind, _ after: String) {
    add(node, kind, after: after, planted: "(%slip ? \(after) : \(node.trimmedDescription))")
  }

  // MARK: Where nothing is planted

  /// Code that clients compile can't call what is private to a file.
  private func isInlinable(_ attributes: AttributeListSyntax) -> Bool {
    let text = attributes.trimmedDescription
    return text.contains("@inlinable") || text.contains("@_") || text.contains("@Test")
  }

  override func visit(_ node: FunctionDeclSyntax) -> SyntaxVisitorContinueKind {
    isInlinable(node.attributes) ? .skipChildren : .visitChildren
  }

  override func visit(_ node: InitializerDeclSyntax) -> SyntaxVisitorContinueKind {
    isInlinable(node.attributes) ? .skipChildren : .visitChildren
  }

  override func visit(_ node: VariableDeclSyntax) -> SyntaxVisitorContinueKind {
    // Help is no behaviour, and options' defaults are read by the parser of arguments.
    let text = node.attributes.trimmedDescription
    return isInlinable(node.attributes) || text.contains("@Option") || text.contains("@Argument")
      || text.contains("@Flag") ? .skipChildren : .visitChildren
  }

  override func visit(_ node: SubscriptDeclSyntax) -> SyntaxVisitorContinueKind {
    isInlinable(node.attributes) ? .skipChildren : .visitChildren
  }

  override func visit(_ node: FunctionParameterSyntax) -> SyntaxVisitorContinueKind { .skipChildren }
  override func visit(_ node: EnumCaseElementSyntax) -> SyntaxVisitorContinueKind { .skipChildren }
  override func visit(_ node: ExpressionPatternSyntax) -> SyntaxVisitorContinueKind { .skipChildren }
  override func visit(_ node: AttributeSyntax) -> SyntaxVisitorContinueKind { .skipChildren }
  override func visit(_ node: IfConfigDeclSyntax) -> SyntaxVisitorContinueKind { .skipChildren }
  override func visit(_ node: MacroExpansionExprSyntax) -> SyntaxVisitorContinueKind { .skipChildren }
  override func visit(_ node: StringLiteralExprSyntax) -> SyntaxVisitorContinueKind { .skipChildren }

  // MARK: Where something is

  override func visit(_ node: InfixOperatorExprSyntax) -> SyntaxVisitorContinueKind {
    guard let word = node.operator.as(BinaryOperatorExprSyntax.self)?.operator.text else {
      return .visitChildren
    }
    let (left, right) = (node.leftOperand.trimmedDescription, node.rightOperand.trimmedDescription)
    if word == "..<" || word == "..." {
      let moved = "\(left)\(word)(%slip ? (\(right)) - 1 : (\(right)))"
      add(node, .bound, after: "\(left)\(word)\(right) - 1", planted: moved)
    }
    guard let (other, kind) = Self.others[word] else { return .visitChildren }
    // Text is joined with + as well.
    if word == "+", left.contains("\"") || right.contains("\"") { return .visitChildren }
    let after = "\(left) \(other) \(right)"
    if kind == .assignment {
      guard node.parent?.is(CodeBlockItemSyntax.self) == true else { return .visitChildren }
      add(node, kind, after: after, planted: "if %slip { \(after) } else { \(node.trimmedDescription) }")
    } else {
      add(node, kind, after)
    }
    return .visitChildren
  }

  override func visit(_ node: PrefixOperatorExprSyntax) -> SyntaxVisitorContinueKind {
    let inner = node.expression
    let isLiteral = inner.is(IntegerLiteralExprSyntax.self) || inner.is(FloatLiteralExprSyntax.self)
    if node.operator.text == "!" || node.operator.text == "-" && !isLiteral {
      add(node, .negation, inner.trimmedDescription)
    }
    return .visitChildren
  }

  override func visit(_ node: IntegerLiteralExprSyntax) -> SyntaxVisitorContinueKind {
    if let value = Int(node.literal.text) { add(node, .number, "\(value + 1)") }
    return .skipChildren
  }

  override func visit(_ node: FloatLiteralExprSyntax) -> SyntaxVisitorContinueKind {
    if let value = Double(node.literal.text) { add(node, .number, "\(value == 0 ? 1.0 : value * 1.5)") }
    return .skipChildren
  }

  override func visit(_ node: BooleanLiteralExprSyntax) -> SyntaxVisitorContinueKind {
    add(node, .flag, node.literal.text == "true" ? "false" : "true")
    return .skipChildren
  }

  override func visit(_ node: GuardStmtSyntax) -> SyntaxVisitorContinueKind {
    for element in node.conditions {
      guard case .expression(let condition) = element.condition else { continue }
      add(
        condition, .guardRemoved, after: "true", planted: "(%slip || (\(condition.trimmedDescription)))")
    }
    return .visitChildren
  }

  override func visit(_ node: IfExprSyntax) -> SyntaxVisitorContinueKind {
    if node.conditions.count == 1, let element = node.conditions.first,
      case .expression(let condition) = element.condition
    {
      add(
        condition, .branchRemoved, after: "false", planted: "(!%slip && (\(condition.trimmedDescription)))")
    }
    return .visitChildren
  }

  override func visit(_ node: ArrayExprSyntax) -> SyntaxVisitorContinueKind {
    var elements = node.elements.map { $0.expression.trimmedDescription }
    if elements.count >= 2, elements.count <= 6, elements[0] != elements[1] {
      elements.swapAt(0, 1)
      add(node, .order, "[\(elements.joined(separator: ", "))]")
    }
    return .visitChildren
  }

  override func visit(_ node: FunctionCallExprSyntax) -> SyntaxVisitorContinueKind {
    let name = node.calledExpression.trimmedDescription
    guard !Self.checks.contains(name) else { return .skipChildren }
    guard node.trailingClosure == nil, node.rightParen != nil else { return .visitChildren }
    let arguments = node.arguments.map { argument in
      (label: argument.label?.text, text: argument.expression.trimmedDescription)
    }
    func call(_ name: String, _ arguments: [(label: String?, text: String)]) -> String {
      "\(name)(\(arguments.map { ($0.label.map { "\($0): " } ?? "") + $0.text }.joined(separator: ", ")))"
    }
    if let other = ["min": "max", "max": "min"][name], arguments.count >= 2 {
      add(node, .leastForLargest, call(other, arguments))
    } else if arguments.count >= 2, arguments[0].text != arguments[1].text {
      // The values change places, labels stay where they are.
      var swapped = arguments
      swapped[0].text = arguments[1].text
      swapped[1].text = arguments[0].text
      add(node, .argumentsSwapped, call(name, swapped))
    }
    if let last = arguments.last, last.label != nil {
      add(node, .argumentDropped, call(name, arguments.dropLast()))
    }
    return .visitChildren
  }

  override func visit(_ node: CodeBlockItemSyntax) -> SyntaxVisitorContinueKind {
    guard let list = node.parent?.as(CodeBlockItemListSyntax.self), list.count > 1,
      case .expr(let expression) = node.item
    else { return .visitChildren }
    let call = expression.as(TryExprSyntax.self)?.expression ?? expression
    if let called = call.as(FunctionCallExprSyntax.self), called.trailingClosure == nil {
      let name = called.calledExpression.trimmedDescription
      let text = expression.trimmedDescription
      if !Self.checks.contains(name), !name.hasSuffix(".init") {
        add(expression, .callDropped, after: "", planted: "if !%slip { \(text) }")
      }
    }
    return .visitChildren
  }
}
