import ArgumentParser
import Bytes
import Daemon
import Glibc
import Mutation
import Platform
import Simulation

@main
struct SimCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enlace-sim",
        abstract:
            "Runs the shipped machines under faults, on one thread and a virtual clock, each schedule from a seed.",
        discussion: """
            A schedule is a few gateways, producers, workers, a sink and tails, some 250 events and 20 to 32 faults. \
            Afterwards every promise is checked. The same seed does the same again.

            Examples:
              enlace-sim --seeds 2000
              enlace-sim --from 500000 --seeds 20000
              enlace-sim --seed 4711 --trace | less
              enlace-sim --mutants --seeds 2000      (in a debug build: deliberate mistakes, and who finds them)
            """
    )

    @Option(help: "Run this seed alone, and print what happened when a promise broke.") var seed: UInt64?
    @Option(help: "The first seed.") var from: UInt64 = 1
    @Option(help: "How many seeds, one after the other.") var seeds: UInt64 = 2_000
    @Option(help: "Run the seeds that a file lists, one a line; # begins a comment.") var file: String?
    @Flag(help: "Print what happened in a sound schedule too (with --seed).") var trace = false
    @Flag(help: "Make one mistake after the other, and look whether the seeds find it.") var mutants = false
    @Option(help: "Make this mistake.") var mutant: String?

    func validate() throws {
        guard seed == nil || file == nil else { throw ValidationError("--seed and --file exclude each other") }
    }

    func run() throws {
        Self.hashAlike()
        if mutants { return try runMutants() }
        if let mutant { try activate(mutant) }
        var failed: [UInt64] = []
        var (events, faults) = (0, 0)
        let started = Clock.monotonicNanoseconds()
        let numbers = try chosen()
        for (index, number) in numbers.enumerated() {
            let outcome = simulate(number, isTracing: seed != nil)
            events += outcome.events
            faults += outcome.faults
            if seed != nil, trace || !outcome.violations.isEmpty { outcome.trace.forEach { Program.put($0) } }
            if !outcome.violations.isEmpty {
                failed.append(number)
                for words in outcome.violations.prefix(5) { Program.put("seed \(number): \(words)") }
                Program.put("seed \(number): again with: enlace-sim --seed \(number)")
            }
            progress(index + 1, of: numbers.count, failed.count)
        }
        let milliseconds = Double(Clock.monotonicNanoseconds() - started) / 1e6
        let each = milliseconds / Double(max(numbers.count, 1))
        Program.put(
            "\(numbers.count) schedules, \(events) events accepted, \(faults) faults, \(failed.count) failed; "
                + "\((each * 10).rounded() / 10) ms a schedule"
        )
        if !failed.isEmpty { throw ExitCode(1) }
    }

    /// Starts itself again with hashing that is the same in each run: the order of a dictionary's entries is a choice too,
    /// and a seed must make all of them.
    private static func hashAlike() {
        guard getenv("SWIFT_DETERMINISTIC_HASHING") == nil else { return }
        setenv("SWIFT_DETERMINISTIC_HASHING", "1", 1)
        var arguments = CommandLine.unsafeArgv
        _ = withUnsafeMutablePointer(to: &arguments) { execv("/proc/self/exe", $0.pointee) }
    }

    private func simulate(_ number: UInt64, isTracing: Bool = false) -> Simulation.Outcome {
        Simulation(SimulationOptions(seed: number), crc: .hardware).run(isTracing: isTracing)
    }

    private func chosen() throws -> [UInt64] {
        if let seed { return [seed] }
        guard let file else { return Array(from..<from + seeds) }
        let text = String(decoding: try Files.read(file), as: UTF8.self)
        return try text.split(separator: "\n").enumerated().compactMap { index, line in
            let word = line.prefix { $0 != "#" }.filter { $0 != " " }
            if word.isEmpty { return nil }
            guard let number = UInt64(word) else {
                throw ValidationError("\(file), line \(index + 1): \"\(word)\" is not a seed")
            }
            return number
        }
    }

    private func progress(_ done: Int, of all: Int, _ failed: Int) {
        guard isatty(2) == 1, all > 20, done % 20 == 0 || done == all else { return }
        let line = Array("\r\(done) of \(all), \(failed) failed\(done == all ? "\n" : "")".utf8)
        _ = line.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
    }

    // MARK: - Mistakes

    private func activate(_ name: String) throws {
        guard let known = Mutant(rawValue: name) else {
            let names = Mutant.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("no mistake is called \"\(name)\"; there are \(names)")
        }
        guard Mutation.activate(known) else {
            throw ValidationError("this build makes no mistakes: build enlace-sim in debug form")
        }
    }

    private func runMutants() throws {
        var missed = 0
        for mutant in Mutant.allCases {
            try activate(mutant.rawValue)
            var found: Simulation.Outcome?
            var tried: UInt64 = 0
            while found == nil, tried < seeds {
                let outcome = simulate(from + tried)
                tried += 1
                if !outcome.violations.isEmpty { found = outcome }
            }
            let name = mutant.rawValue + String(repeating: " ", count: max(1, 24 - mutant.rawValue.count))
            if let found {
                Program.put("\(name)found by seed \(found.seed), the \(tried)th: \(found.violations[0])")
            } else {
                missed += 1
                Program.put("\(name)NOT FOUND by \(tried) seeds")
            }
        }
        _ = Mutation.activate(nil)
        Program.put("\(Mutant.allCases.count - missed) of \(Mutant.allCases.count) mistakes found")
        if missed > 0 { throw ExitCode(1) }
    }
}
