import CPlatform
// The stages name the points and must not import a module of the system: they get this one type with Platform.
@_exported import enum CPlatform.CrashPoint

/// A named place at which a process can be made to end, for the tests that kill it exactly there. The names are in
/// `CrashPoints.h`.
extension CrashPoint {
    /// The process is at this point. Unless something is armed, one branch.
    @inlinable
    public static func hit(_ point: CrashPoint) { enlace_crash_hit(point) }

    /// The process is about to enrich this event. Unless something is armed, one branch.
    @inlinable
    public static func hitEvent(_ bytes: UnsafeRawBufferPointer) {
        enlace_crash_hit_event(bytes.baseAddress, bytes.count)
    }

    /// The names of all points, in the order of an event's way.
    public static var names: [String] {
        var names: [String] = []
        while let name = enlace_crash_name(Int32(names.count)) { names.append(String(cString: name)) }
        return names
    }

    /// The variable that says which points are armed: `NAME[=ACTION][*COUNT][@NTH],…` or `enrich.event~TEXT…`.
    public static let pointsVariable = "ENLACE_CRASH_POINTS"
    /// The variable that says where the tokens are made.
    public static let directoryVariable = "ENLACE_CRASH_DIRECTORY"

    /// Arms what the variables of the process ask for. Call it once, before there are other threads.
    public static func arm(environment: [String: String]) throws(CrashPointError) {
        guard let text = environment[pointsVariable], !text.isEmpty else { return }
        let orders = try CrashOrder.parse(text)
        let directory = environment[directoryVariable] ?? ""
        if orders.contains(where: { $0.count > 0 }) {
            guard Files.isDirectory(directory) else {
                throw CrashPointError(
                    variable: directoryVariable,
                    reason: "must be a directory, where a file says which points were used up"
                )
            }
            enlace_crash_directory(directory)
        }
        for order in orders {
            let status =
                switch order.place {
                case .point(let point):
                    enlace_crash_arm(point, order.action, UInt32(order.count), UInt32(order.nth))
                case .event(let text): enlace_crash_arm_event(text, order.action, UInt32(order.count))
                }
            guard status == 0 else {
                throw CrashPointError(variable: pointsVariable, reason: "\"\(order.text)\" cannot be armed as well")
            }
        }
    }
}

/// What is wrong with the variables that arm points.
public struct CrashPointError: Error, Hashable, Sendable {
    /// Which one.
    public var variable: String
    /// What is wrong with it.
    public var reason: String
}

/// One entry of the list of armed points.
struct CrashOrder: Equatable {
    enum Place: Equatable {
        case point(CrashPoint)
        case event(String)
    }

    var text: String
    var place: Place
    var action = CrashAction.kill
    /// How often over all processes; 0 for always.
    var count = 1
    /// From which hit in a process on.
    var nth = 1

    static let eventName = "enrich.event"

    private static let actions: [(name: String, action: CrashAction)] = [
        ("kill", .kill), ("segv", .segv), ("abort", .abort), ("hang", .hang), ("loop", .loop),
    ]

    static func parse(_ list: String) throws(CrashPointError) -> [CrashOrder] {
        var orders: [CrashOrder] = []
        for entry in list.split(separator: ",") { orders.append(try CrashOrder(String(entry))) }
        return orders
    }

    init(_ entry: String) throws(CrashPointError) {
        func refuse(_ why: String) -> CrashPointError {
            CrashPointError(variable: CrashPoint.pointsVariable, reason: "\"\(entry)\" \(why)")
        }
        var rest = entry[...]
        func cut(_ sign: Character) -> Substring? {
            guard let at = rest.lastIndex(of: sign) else { return nil }
            defer { rest = rest[..<at] }
            return rest[rest.index(after: at)...]
        }
        func number(_ digits: Substring?) throws(CrashPointError) -> Int? {
            guard let digits else { return nil }
            guard let number = Int(digits), (1...1_000_000).contains(number) else {
                throw refuse("has \"\(digits)\" where a number from 1 on is wanted")
            }
            return number
        }
        text = entry
        let nth = try number(cut("@"))
        let count = try number(cut("*"))
        if let word = cut("=") {
            guard let found = Self.actions.first(where: { $0.name == word }) else {
                throw refuse("has no action \"\(word)\"; there are \(Self.actions.map(\.name).joined(separator: ", "))")
            }
            action = found.action
        }
        let parts = rest.split(separator: "~", maxSplits: 1, omittingEmptySubsequences: false)
        if parts[0] == Self.eventName {
            guard parts.count == 2, !parts[1].isEmpty, !parts[1].contains("/"), parts[1].utf8.count <= 100 else {
                throw refuse("needs ~TEXT with the text to look for, without a slash, of at most 100 bytes")
            }
            guard nth == nil else { throw refuse("is for every event that has the text: leave @ out") }
            place = .event(String(parts[1]))
            self.count = count ?? 0
        } else {
            guard parts.count == 1, let index = CrashPoint.names.firstIndex(of: String(rest)),
                let point = CrashPoint(rawValue: UInt32(index))
            else {
                throw refuse(
                    "is not a crash point; there are \(CrashPoint.names.joined(separator: ", ")) and "
                        + "\(Self.eventName)~TEXT"
                )
            }
            place = .point(point)
            self.count = count ?? 1
        }
        self.nth = nth ?? 1
    }
}
