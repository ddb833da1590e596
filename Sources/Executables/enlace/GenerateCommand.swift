import ArgumentParser
import Bytes
import Daemon
import Generator
import Platform
import ReferenceData
import Settings

struct GenerateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate",
        abstract: "Write a realistic feed of made-up incidents; the same bytes for the same seed.",
        discussion: """
            Every event carries "status": "exercise".

            Example:
              enlace generate --count 1000 --seed 7 > feed.jsonl
            """
    )

    @OptionGroup var common: CommonOptions
    @Option(help: "How many events.") var count: Int
    @Option(help: "Chooses the feed.") var seed: UInt64
    @Option(help: "Only this station; may be given again.") var station: [StationName] = []

    func run() async throws {
        try await Program.run("enlace generate") {
            let (settings, _) = try await Program.prepare("enlace", common)
            let seeds = try ReferenceBundle.locate(
                explicit: settings.seeds,
                environment: Program.environment,
                executablePath: Program.executablePath
            )
            let folder = seeds + "/incidents/generator"
            let feed = try Feed.parse(
                places: String(decoding: Files.read(folder + "/places.txt"), as: UTF8.self),
                sentences: String(decoding: Files.read(folder + "/sentences.txt"), as: UTF8.self)
            )
            var generator = try Generator(
                feed: feed,
                seed: seed,
                stations: station.map(\.description),
                count: count
            )
            var writer = ByteWriter(capacity: 1 << 20)
            var hasMore = true
            while hasMore {
                writer.removeAll()
                while hasMore, writer.count < 1_000_000 { hasMore = generator.appendNext(to: &writer) }
                guard Program.write(writer.bytes) else { return .done }
            }
            return .done
        }
    }
}
