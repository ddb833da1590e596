import Delivery
import Testing
import Wire

@Suite struct GatewayLedgerTests {
    private func known(answered: [UInt64]? = nil, lowest: UInt64 = 0, remembered: Int = 0) -> GatewayLedger {
        var ledger = GatewayLedger(rememberedCount: remembered)
        ledger.know("g", answered: answered, lowest: lowest)
        return ledger
    }

    @Test func `an unknown gateway is looked up`() {
        var ledger = GatewayLedger(rememberedCount: 0)
        #expect(ledger.decide("g", number: 1, lowest: 1) == .lookUp)
    }

    @Test func `a request is taken once and its answer repeated`() {
        var ledger = known()
        #expect(ledger.decide("g", number: 1, lowest: 1) == .accept)
        #expect(ledger.rememberedCount == 1)
        #expect(ledger.decide("g", number: 1, lowest: 1) == .inProgress)
        ledger.answered("g", number: 1)
        #expect(ledger.decide("g", number: 1, lowest: 1) == .repeatAnswer)
        #expect(ledger.decide("g", number: 2, lowest: 2) == .accept)
        #expect(ledger.decide("g", number: 1, lowest: 1) == .stale(oldestKnown: 2))
    }

    @Test func `a request that could not be written may be tried again`() {
        var ledger = known()
        _ = ledger.decide("g", number: 1, lowest: 1)
        ledger.failed("g", number: 1)
        #expect(ledger.decide("g", number: 1, lowest: 1) == .accept)
    }

    @Test func `below the window of stored answers a number is stale`() {
        var ledger = known(answered: Array(100..<100 + UInt64(Limits.answersPerGateway)), lowest: 1)
        #expect(ledger.decide("g", number: 99, lowest: 99) == .stale(oldestKnown: 100))
        #expect(ledger.decide("g", number: 100, lowest: 100) == .repeatAnswer)
    }

    @Test func `one gateway too many is refused, a known one is not`() {
        var ledger = known(remembered: Limits.gatewaysPerProducer)
        #expect(ledger.decide("g", number: 1, lowest: 1) == .tooManyGateways)
        var old = known(answered: [1], lowest: 1, remembered: Limits.gatewaysPerProducer)
        #expect(old.decide("g", number: 2, lowest: 2) == .accept)
    }

    @Test func `a forgotten gateway is looked up again`() {
        var ledger = known(answered: [1], lowest: 1, remembered: 1)
        ledger.forgot("g")
        #expect(ledger.rememberedCount == 0)
        #expect(ledger.decide("g", number: 1, lowest: 1) == .lookUp)
    }
}
