import ArgumentParser
import Settings

@main
struct EnlaceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enlace",
        abstract: "Publish, follow and keep public-safety incidents that matter across a border.",
        version: Version.text,
        subcommands: [
            UpCommand.self, PublishCommand.self, EnrichCommand.self, ExplainCommand.self, TailCommand.self,
            ShowCommand.self,
            ArchiveCommand.self, RejectsCommand.self, AuditCommand.self, TraceCommand.self, StatusCommand.self,
            ExprCommand.self, GenerateCommand.self,
        ]
    )
}
