import ArgumentParser
import Daemon
import EventJSON
import Expression
import Settings

struct ExprCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "expr",
        abstract: "Evaluate an expression, to try a condition before it is used.",
        discussion: """
            Prints the value as JSON; docs/expressions.md says what an expression may have. With --event the \
            top-level fields of each event are names, event is the whole of it, and there is one value a line. \
            An expression that cannot be read or evaluated is told on standard error with its place, and the exit \
            code is 65. One that begins with a minus goes behind --.

            Examples:
              enlace expr '"nogales".startsWith("nog") && size([1,2]) == 2'
              enlace expr 'timestamp("2026-11-25T12:00:00Z") - duration("90m")'
              enlace expr 'has(event.location) && severity == "severe"' --event incidents.jsonl
              enlace archive cat DIR --station nogales | enlace expr 'cross_border.level' --event -
            """
    )

    @Argument(help: "The expression.") var expression: String
    @Option(name: .customLong("event"), help: "A file of events, one a line; - for standard input.") var file: String?

    func run() async throws {
        try await Program.run("enlace expr") {
            let (source, file) = (expression, file)
            return try await Daemon.onThread("expr") {
                guard let file else { return Self.evaluate(source) }
                return try ExprEvents(source, file).evaluate()
            }
        }
    }

    private static func evaluate(_ source: String) -> ExitStatus {
        do throws(ExpressionError) {
            let value = try Expression(source, names: []).evaluate([:])
            return put(value) == nil ? .badData : .done
        } catch {
            // What can be read with the names of an event lacks the event.
            let isOfEvents =
                (try? Expression(source, names: [])) == nil
                && (try? Expression(source, names: EventCondition.names)) != nil
            let hint = isOfEvents ? "\nenlace expr: --event FILE gives it the fields of an event" : ""
            Program.say("enlace expr: \(error)\(hint)")
            return .badData
        }
    }

    /// Nil when the value is too large, false when nobody reads any more.
    static func put(_ value: ExpressionValue) -> Bool? {
        guard let json = JSONValue(value) else {
            Program.say("enlace expr: the value is too large to be written")
            return nil
        }
        return Program.put(json.text)
    }
}

/// An expression over the events of a file.
private final class ExprEvents {
    private let source: String
    private let path: String
    private let lines: LineReader
    /// Nil when it names what only the events at hand have: then each event's own fields are known as well.
    private let expression: Expression?
    private var last: ExpressionError?

    init(_ source: String, _ path: String) throws {
        self.source = source
        self.path = path
        expression = try? Expression(source, names: EventCondition.names)
        lines = try LineReader(path)
    }

    func evaluate() throws -> ExitStatus {
        var number = 0
        var hasFailed = false
        while let line = try lines.next() {
            number += 1
            guard line.contains(where: { ![0x20, 0x09, 0x0D].contains($0) }) else { continue }
            guard let event = try? JSONValue.parse(line), case .object(let members) = event else {
                Program.say("enlace expr: \(path):\(number): is no JSON object; an event is one line of JSON")
                hasFailed = true
                continue
            }
            guard let parsed = parsed(members.map(\.name)) else { return .badData }
            do throws(ExpressionError) {
                let value = try parsed.evaluate(EventCondition.values(event))
                guard let isRead = ExprCommand.put(value) else { return .badData }
                guard isRead else { return .done }
            } catch {
                // Of the same mistake in many events, one caret is enough.
                let isKnown = error == last
                let words = isKnown ? "\(error.line):\(error.column): \(error.reason)" : error.description
                Program.say("enlace expr: \(path):\(number): \(words)")
                last = error
                hasFailed = true
            }
        }
        if number == 0, parsed([]) == nil { return .badData }
        return hasFailed ? .badData : .done
    }

    /// Nil, and said, when it is no expression over these fields.
    private func parsed(_ fields: [String]) -> Expression? {
        if let expression { return expression }
        let names = EventCondition.names
        let others = fields.filter { !names.contains($0) }
        do throws(ExpressionError) { return try Expression(source, names: names + others) } catch {
            Program.say("enlace expr: \(error)")
            return nil
        }
    }
}
