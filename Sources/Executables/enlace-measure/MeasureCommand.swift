import ArgumentParser
import Bytes
import Daemon
import EventJSON
import Incident
import Measurement
import Platform
import ReferenceData
import Relevance
import Settings

@main
struct MeasureCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enlace-measure",
        abstract: "Time the steps of enrichment, one after the other, on one thread.",
        discussion: """
            Prints one JSON line: nanoseconds an event for each step, the least of several rounds, and allocations an \
            event once memory is warm. Machines differ and neighbours make noise: compare within one run.

            Example:
              enlace-measure incidents.jsonl --rounds 20
            """
    )

    @Argument(help: "JSON lines.") var file: String
    @Option(help: "Reference data and rules.") var seeds: String
    @Option(help: "How often each step is timed.") var rounds = 20

    func run() throws {
        let before = ContinuousClock.now
        let bundle = try ReferenceBundle.load(directory: seeds)
        let enrichment = Enrichment(reference: bundle.reference)
        let started = ContinuousClock.now - before
        var lines: [[UInt8]] = []
        let reader = try LineReader(file)
        let padding = [UInt8](repeating: 0, count: EventReader.padding)
        while let line = try reader.next() { lines.append([UInt8](line) + padding) }
        guard !lines.isEmpty else { throw ValidationError("\(file) is empty") }
        let measurement = Measurement(
            lines: lines,
            events: EventReader(checker: bundle.makeChecker()),
            enrichment: enrichment
        )
        var members = ["\"start_ms\":\(Self.nanoseconds(started) / 1_000_000)", "\"events\":\(lines.count)"]
        var last = 0
        for (name, step) in [("parse", nil)] + EnrichmentStep.allCases.map({ ($0.rawValue, Optional($0)) }) {
            let (total, allocations) = measurement.least(through: step, rounds: rounds)
            members.append("\"\(name)_ns\":\(max(0, total - last)),\"\(name)_allocations\":\(allocations)")
            last = total
        }
        Program.put("{" + members.joined(separator: ",") + ",\"total_ns\":\(last)}")
    }

    static func nanoseconds(_ duration: Duration) -> Int {
        Int(duration.components.seconds) * 1_000_000_000 + Int(duration.components.attoseconds / 1_000_000_000)
    }
}

/// The same events again and again.
struct Measurement {
    let lines: [[UInt8]]
    let events: EventReader
    let enrichment: Enrichment

    /// The least nanoseconds an event of parsing and all steps up to `step`, and the allocations of the last round.
    func least(through step: EnrichmentStep?, rounds: Int) -> (nanoseconds: Int, allocations: Double) {
        var writer = ByteWriter(capacity: 1 << 20)
        var best = Int.max
        var allocations = 0.0
        for _ in 0...rounds {
            let before = Allocations.count
            let start = ContinuousClock.now
            for line in lines {
                writer.removeAll()
                line.withUnsafeBytes { bytes in
                    let event = UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.count - EventReader.padding)])
                    guard let incident = try? events.read(event, isPadded: true, station: .any), let step else {
                        return
                    }
                    enrichment.run(through: step, incident: incident, event: event, into: &writer)
                }
            }
            best = min(best, MeasureCommand.nanoseconds(ContinuousClock.now - start))
            allocations = Double(Allocations.count - before) / Double(lines.count)
        }
        return (best / lines.count, (allocations * 100).rounded() / 100)
    }
}
