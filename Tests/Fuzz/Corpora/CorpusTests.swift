import Foundation
import FuzzBodies
import Testing

/// Every input of `seeds/fuzz/NAME/` through its body; what fuzzing found once stays found.
@Suite(.serialized)
struct CorpusTests {
    private static let directory =
        #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4)
        .joined(separator: "/") + "/seeds/fuzz"

    /// The inputs of a target by name.
    private func inputs(_ target: FuzzTarget) throws -> [(name: String, bytes: [UInt8])] {
        let folder = "\(Self.directory)/\(target.rawValue)"
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        return try names.map { ($0, [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\($0)")))) }
    }

    @Test(arguments: FuzzTarget.allCases)
    func `what holds of every input holds of those that are kept`(target: FuzzTarget) async throws {
        let inputs = try inputs(target)
        #expect(inputs.count >= 5, "seeds/fuzz/\(target.rawValue) has too few inputs to mean anything")
        for (name, bytes) in inputs {
            do {
                if target == .configuration {
                    try await ConfigurationBody.run(bytes)
                } else {
                    try bytes.withUnsafeBytes { try target.run($0) }
                }
            } catch { Issue.record("seeds/fuzz/\(target.rawValue)/\(name): \(error)") }
        }
    }

    @Test
    func `an archive behaves on the operating system's files as in memory`() throws {
        for (name, bytes) in try inputs(.archive) {
            let folder = NSTemporaryDirectory() + "enlace-fuzz-\(UUID().uuidString.prefix(8))"
            defer { try? FileManager.default.removeItem(atPath: folder) }
            do {
                try ArchiveBody.run(bytes, directory: folder) { path, content in
                    let url = URL(fileURLWithPath: path)
                    let parent = url.deletingLastPathComponent()
                    try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
                    try Data(content).write(to: url)
                }
            } catch { Issue.record("seeds/fuzz/archive/\(name): \(error)") }
        }
    }
}
