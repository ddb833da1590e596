import Bytes
import Wire

/// What is known to have been accepted: kept apart from the nodes, for the checkers.
final class Book {
    /// One event as gateways know it.
    struct Event {
        var id: String
        var station: StationName
        var isPoison: Bool
        /// How many workers more it kills, of those that only do so for a while.
        var deathsLeft: Int
        /// As a gateway sends it.
        var raw: [UInt8]
    }

    /// One place in a producer's sequences.
    struct Place: Hashable, Comparable, CustomStringConvertible {
        var producer: Identifier128
        var epoch: UInt64
        var sequence: UInt64

        var description: String { "producer \(producer), epoch \(epoch), sequence \(sequence)" }

        static func < (left: Place, right: Place) -> Bool {
            (left.producer, left.epoch, left.sequence) < (right.producer, right.epoch, right.sequence)
        }
    }

    private(set) var events: [Event] = []
    private(set) var byID: [String: Int] = [:]
    /// Which event was accepted at which place, durably.
    private(set) var accepted: [Place: Int] = [:]
    /// The places in the order in which they were accepted.
    private(set) var order: [Place] = []
    /// How often each event was accepted.
    private(set) var acceptances: [Int: Int] = [:]
    /// Places whose outbox was taken away before they were archived: they may be missing.
    var forgiven: Set<Place> = []
    /// Producers whose outbox is gone.
    var gone: Set<Identifier128> = []
    /// Whether an outbox lost answers, so that a retry may be accepted anew.
    var mayAcceptTwice = false
    /// Whether the archive's disk lost what it had synced, so that what is missing must be told of.
    var mayLoseArchived = false
    /// Whether another archive was mounted for a while,
    var hasMistakenArchive = false
    /// what archives held that were exchanged for older copies, or lost,
    var onceArchived: Set<Place> = []
    /// what the mistaken one's disk holds, and what the right ones had by then,
    var strays: [(disk: SimulatedDisk, known: Set<Place>)] = []
    /// and the manifests of segments whose lines retention took away.
    var purged: Set<String> = []
    /// What is wrong, the first thing first.
    private(set) var violations: [String] = []

    func newEvent(at station: StationName, isPoison: Bool, deaths: Int = .max) -> Int {
        let id = "e\(events.count)"
        let padding = String(repeating: "x", count: events.count % 60)
        let raw = Array("{\"id\":\"\(id)\",\"occurred_at\":\"2026-11-23T11:00:00Z\",\"note\":\"\(padding)\"}".utf8)
        byID[id] = events.count
        events.append(Event(id: id, station: station, isPoison: isPoison, deathsLeft: isPoison ? deaths : 0, raw: raw))
        return events.count - 1
    }

    func accept(_ event: Int, at place: Place) {
        if let other = accepted[place] {
            violate("sequence \(place.sequence) was given to \(events[other].id) and to \(events[event].id)")
        }
        accepted[place] = event
        order.append(place)
        let times = acceptances[event, default: 0] + 1
        acceptances[event] = times
        if times > 1, !mayAcceptTwice { violate("\(events[event].id) was accepted twice") }
    }

    func violate(_ words: String) { if violations.count < 20 { violations.append(words) } }
}

extension Book {
    private static let prefix = Array("{\"id\":\"e".utf8)

    /// The event of a line, raw or enriched.
    func event(_ line: ArraySlice<UInt8>) -> Int? {
        guard line.starts(with: Self.prefix) else { return nil }
        var number = 0
        var at = line.startIndex + Self.prefix.count
        while at < line.endIndex, (48...57).contains(line[at]) {
            number = number * 10 + Int(line[at] - 48)
            at += 1
        }
        return number < events.count ? number : nil
    }

    /// Whether no worker survives this line, for now at least.
    func isPoison(_ line: ArraySlice<UInt8>) -> Bool { event(line).map { events[$0].deathsLeft > 0 } ?? false }

    /// Whether a line is one of those that kill workers, or did.
    func isSuspicious(_ line: ArraySlice<UInt8>) -> Bool { event(line).map { events[$0].isPoison } ?? false }

    /// A worker died of this line.
    func died(of line: ArraySlice<UInt8>) {
        if let index = event(line), events[index].deathsLeft < .max { events[index].deathsLeft -= 1 }
    }
}
