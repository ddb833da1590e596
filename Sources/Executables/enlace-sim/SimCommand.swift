import ArgumentParser
import Bytes
import Platform
import Simulation

@main
struct SimCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enlace-sim",
        abstract: "Runs the shipped machines under faults, on one thread and a virtual clock, from a seed."
    )

    @Option(help: "Run this seed alone and print what happened when a promise broke.") var seed: UInt64?
    @Option(help: "The first seed.") var from: UInt64 = 1
    @Option(help: "How many seeds.") var seeds: UInt64 = 1000
    @Flag(help: "Print the trace of a sound schedule too.") var trace = false

    func run() throws {
        var failed = 0
        for number in seed.map({ $0..<$0 + 1 }) ?? from..<from + seeds {
            let outcome = Simulation(SimulationOptions(seed: number), crc: .hardware).run(isTracing: seed != nil)
            if !outcome.violations.isEmpty || trace {
                for line in outcome.trace { print(line) }
            }
            if !outcome.violations.isEmpty {
                failed += 1
                for words in outcome.violations.prefix(5) { print("seed \(number): \(words)") }
            }
        }
        print("\(failed) failed")
        if failed > 0 { throw ExitCode(1) }
    }
}
