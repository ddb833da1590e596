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
        ledger.remembers(0)
        #expect(ledger.rememberedCount == 0)
        #expect(ledger.decide("g", number: 1, lowest: 1) == .lookUp)
    }

    @Test func `a gateway that has not spoken since the restart makes room when it is forgotten`() {
        var ledger = known(remembered: Limits.gatewaysPerProducer)
        #expect(ledger.decide("g", number: 1, lowest: 1) == .tooManyGateways)
        ledger.forgot("silent")
        ledger.remembers(Limits.gatewaysPerProducer - 1)
        #expect(ledger.decide("g", number: 1, lowest: 1) == .accept)
    }

    @Test func `a new gateway whose first request could not be written takes no place`() {
        var ledger = known(remembered: Limits.gatewaysPerProducer - 1)
        for _ in 0..<3 {
            #expect(ledger.decide("g", number: 1, lowest: 1) == .accept)
            #expect(ledger.rememberedCount == Limits.gatewaysPerProducer)
            ledger.failed("g", number: 1)
            ledger.shrink(to: 0)
            ledger.know("g", answered: nil, lowest: 0)
        }
        #expect(ledger.rememberedCount == Limits.gatewaysPerProducer - 1)
    }

    @Test func `the last place is given once`() {
        var ledger = known(remembered: Limits.gatewaysPerProducer - 1)
        ledger.know("h", answered: nil, lowest: 0)
        #expect(ledger.decide("g", number: 1, lowest: 1) == .accept)
        #expect(ledger.decide("g", number: 2, lowest: 1) == .accept)
        #expect(ledger.decide("h", number: 1, lowest: 1) == .tooManyGateways)
        ledger.remembers(Limits.gatewaysPerProducer)
        ledger.answered("g", number: 1)
        #expect(ledger.rememberedCount == Limits.gatewaysPerProducer)
        #expect(ledger.decide("h", number: 1, lowest: 1) == .tooManyGateways)
    }
}
