import Bytes
import EventJSON
import Expression

/// The events of an archive that meet a condition, and a count of those of which it cannot be asked.
final class EventSelection {
    private let condition: EventCondition
    private var chosen = ByteWriter(capacity: 1 << 16)
    private var undecided = 0
    private var why: ExpressionError?

    /// Reads the condition.
    init(_ source: String) throws(ExpressionError) { condition = try EventCondition(source) }

    /// The lines that meet it, valid until the next call.
    func select(_ lines: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        chosen.removeAll()
        var start = 0
        while start < lines.count {
            let end = lines[start...].firstIndex(of: UInt8(ascii: "\n")) ?? lines.count
            do throws(ExpressionError) {
                if try condition.holds(UnsafeRawBufferPointer(rebasing: lines[start..<end])) {
                    chosen.append(UnsafeRawBufferPointer(rebasing: lines[start..<min(end + 1, lines.count)]))
                }
            } catch {
                undecided += 1
                why = why ?? error
            }
            start = end + 1
        }
        return chosen.bytes
    }

    /// What to tell at the end; nil when every event was decided.
    var words: String? {
        guard let why else { return nil }
        return "--where could not be asked of \(undecided) \(undecided == 1 ? "event" : "events"), left out: \(why)"
    }
}
