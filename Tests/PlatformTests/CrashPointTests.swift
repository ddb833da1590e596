import Testing

@testable import Platform

@Suite("Crash points")
struct CrashPointTests {
    @Test func `names are dotted, different, and those of the points`() throws {
        let names = CrashPoint.names
        #expect(names.count > 40)
        #expect(Set(names).count == names.count)
        for name in names {
            #expect(name.split(separator: ".").count >= 3 || name.hasPrefix("sink."), "\(name)")
            #expect(try CrashOrder(name).place != .event(name))
        }
        #expect(try CrashOrder("sink.commit.after").place == .point(.sinkCommitAfter))
        #expect(try CrashOrder(names[0]).place == .point(.producerOutboxOpenBefore))
        #expect(try CrashOrder(#require(names.last)).place == .point(.sinkRecoveryIndexRenameAfter))
    }

    @Test func `an entry has a name, an action, how often and from which hit on`() throws {
        let plain = try CrashOrder("sink.commit.before")
        #expect((plain.action, plain.count, plain.nth) == (.kill, 1, 1))
        let full = try CrashOrder("sink.commit.before=abort*3@7")
        #expect((full.action, full.count, full.nth) == (.abort, 3, 7))
        let some = try CrashOrder("sink.commit.before@2")
        #expect((some.action, some.count, some.nth) == (.kill, 1, 2))
        let list = try CrashOrder.parse("sink.commit.before=hang,producer.trim.after*2")
        #expect(list.map(\.action) == [.hang, .kill])
        #expect(list.map(\.count) == [1, 2])
    }

    @Test func `an event is known by its text, as often as it comes unless a count is given`() throws {
        let poison = try CrashOrder("enrich.event~narco-7=segv")
        #expect(poison.place == .event("narco-7"))
        #expect((poison.action, poison.count) == (.segv, 0))
        #expect(try CrashOrder("enrich.event~x=loop*3").count == 3)
    }

    @Test(arguments: [
        "sink.nothing", "sink.commit.before=explode", "sink.commit.before*0", "sink.commit.before*many",
        "sink.commit.before@", "enrich.event", "enrich.event~", "enrich.event~a/b", "enrich.event~a@2",
        "sink.commit.before~text", "=kill",
    ])
    func `what cannot be meant is refused and named`(entry: String) {
        let error = #expect(throws: CrashPointError.self) { try CrashOrder.parse(entry) }
        #expect(error?.variable == "ENLACE_CRASH_POINTS")
        #expect(error?.reason.contains(entry) == true)
    }

    @Test func `an unknown name is answered with all that are known`() {
        let error = #expect(throws: CrashPointError.self) { try CrashOrder("sink.nothing") }
        for name in CrashPoint.names + ["enrich.event~TEXT"] { #expect(error?.reason.contains(name) == true) }
    }

    @Test func `a point that is used up needs a directory that remembers it`() {
        for directory in ["", "/no/such/directory"] {
            let error = #expect(throws: CrashPointError.self) {
                try CrashPoint.arm(environment: [
                    "ENLACE_CRASH_POINTS": "sink.commit.before", "ENLACE_CRASH_DIRECTORY": directory,
                ])
            }
            #expect(error?.variable == "ENLACE_CRASH_DIRECTORY")
        }
        #expect(throws: Never.self) { try CrashPoint.arm(environment: [:]) }
    }
}
