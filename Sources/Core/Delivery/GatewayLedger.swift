import Bytes
import Wire

/// Decides for each gateway request whether it is new, a repeat or stale. Pure.
///
/// The answers themselves are in the outbox, stored by the commit that accepted the request; the ledger knows their
/// numbers. A gateway's record is looked up once, when it first speaks to this run of the producer.
public struct GatewayLedger: Sendable {
    /// What to do with a request.
    public enum Decision: Equatable, Sendable {
        /// Look the gateway's record up in the outbox, give it to `know`, and ask again.
        case lookUp
        /// Take its events and answer when they are on disk.
        case accept
        /// It was answered before: send the stored answer.
        case repeatAnswer
        /// It is being written: the answer will come.
        case inProgress
        /// Its number is older than what is remembered.
        case stale(oldestKnown: UInt64)
        /// The producer remembers as many gateways as it may.
        case tooManyGateways
    }

    private struct Gateway {
        var answered: [UInt64]
        var pending: Set<UInt64> = []
        var lowest: UInt64
        var isStored: Bool
    }

    private var gateways: [String: Gateway] = [:]
    /// Gateways whose first request is being written.
    private var newcomers: Set<String> = []
    private var storedCount: Int

    /// Begins with the number of gateways that the outbox remembers.
    public init(rememberedCount: Int) { storedCount = rememberedCount }

    /// How many gateways the outbox remembers, or will when what is being written is written.
    public var rememberedCount: Int { storedCount + newcomers.count }

    /// Tells how many gateways the outbox remembers now; to be called after each of its commits. Only the outbox knows:
    /// a gateway that is forgotten need not have spoken to this run of the producer.
    public mutating func remembers(_ count: Int) { storedCount = count }

    /// Tells what the outbox remembers of a gateway: the numbers with stored answers, and the lowest number that
    /// is not stale. `nil` when it has never spoken.
    public mutating func know(_ gateway: String, answered: [UInt64]?, lowest: UInt64) {
        gateways[gateway] = Gateway(
            answered: (answered ?? []).sorted(),
            lowest: lowest,
            isStored: answered != nil
        )
    }

    /// Decides on request `number` of a gateway whose lowest number without an answer is `lowest`.
    public mutating func decide(_ gateway: String, number: UInt64, lowest: UInt64) -> Decision {
        guard var known = gateways[gateway] else { return .lookUp }
        if known.answered.contains(number) { return .repeatAnswer }
        if known.pending.contains(number) { return .inProgress }
        // Below the window of stored answers nobody can say any more whether the number was taken.
        let window = known.answered.count >= Limits.answersPerGateway ? known.answered[0] : 0
        let floor = max(known.lowest, window)
        if number < floor { return .stale(oldestKnown: floor) }
        let isNew = !known.isStored && !newcomers.contains(gateway)
        if isNew, rememberedCount >= Limits.gatewaysPerProducer { return .tooManyGateways }
        guard known.pending.count < Limits.answersPerGateway else { return .inProgress }
        if isNew { newcomers.insert(gateway) }
        known.pending.insert(number)
        known.lowest = max(known.lowest, min(lowest, number))
        known.answered.removeAll { $0 < known.lowest }
        gateways[gateway] = known
        return .accept
    }

    /// The lowest number of a gateway that is not stale, to be stored with the answer.
    public func lowest(of gateway: String) -> UInt64 { gateways[gateway]?.lowest ?? 0 }

    /// The request's answer is on disk.
    public mutating func answered(_ gateway: String, number: UInt64) {
        guard var known = gateways[gateway] else { return }
        known.pending.remove(number)
        known.isStored = true
        newcomers.remove(gateway)
        known.answered.append(number)
        known.answered.sort()
        if known.answered.count > Limits.answersPerGateway {
            known.answered.removeFirst(known.answered.count - Limits.answersPerGateway)
        }
        gateways[gateway] = known
    }

    /// The request could not be written: the gateway may try it again.
    public mutating func failed(_ gateway: String, number: UInt64) {
        gateways[gateway]?.pending.remove(number)
        if gateways[gateway]?.pending.isEmpty ?? true { newcomers.remove(gateway) }
    }

    /// The gateway asked to be forgotten and the outbox has done so.
    public mutating func forgot(_ gateway: String) {
        gateways[gateway] = nil
        newcomers.remove(gateway)
    }

    /// Drops what is known of gateways without a pending request when there are too many; it can be looked up again.
    public mutating func shrink(to count: Int) {
        guard gateways.count > count else { return }
        gateways = gateways.filter { !$0.value.pending.isEmpty }
    }
}
