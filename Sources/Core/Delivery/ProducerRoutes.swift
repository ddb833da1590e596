import Bytes
import Wire

/// Where the sink reaches each producer: the routes that its last hellos came by. Pure.
///
/// A cloned outbox makes two processes speak for one producer; each is known by its current epoch.
public struct ProducerRoutes<Route: Sendable>: Sendable {
    private struct Entry: Sendable {
        var route: Route
        var epochs: [UInt64]
        var current: UInt64
        var heard_ms: Int64
    }

    private var entries: [Identifier128: [Entry]] = [:]

    /// After this silence a route is forgotten; a producer says hello four times a second.
    public static var patienceMilliseconds: Int64 { 5_000 }
    /// The most routes of one producer.
    public static var limit: Int { 4 }

    /// Begins with nobody.
    public init() {}

    /// A hello came by this route. Says whether another process speaks for the same producer at this time.
    @discardableResult
    public mutating func heard(_ hello: Hello, by route: Route, now_ms: Int64) -> Bool {
        guard let current = hello.epochs.last?.epoch else { return false }
        let all = entries[hello.producer] ?? []
        var known = all.filter { $0.current != current && now_ms - $0.heard_ms < Self.patienceMilliseconds }
        // The run before a restart never speaks again; a rival does, in turn with this one.
        let before_ms = all.first { $0.current == current }?.heard_ms
        let hasRival = before_ms.map { before_ms in known.contains { $0.heard_ms > before_ms } } ?? false
        let mine = hello.epochs.map(\.epoch)
        known.append(Entry(route: route, epochs: mine, current: current, heard_ms: now_ms))
        entries[hello.producer] = Array(known.suffix(Self.limit))
        return hasRival
    }

    /// The routes of those who know the epoch.
    public func routes(to producer: Identifier128, epoch: UInt64) -> [Route] {
        guard let known = entries[producer] else { return [] }
        return known.compactMap { $0.epochs.contains(epoch) ? $0.route : nil }
    }
}
