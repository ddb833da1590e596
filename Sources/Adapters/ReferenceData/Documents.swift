import Foundation
import Incident
import Yams

/// A YAML file whose errors name file and line.
struct YAMLDocument {
    let path: String
    let root: Node

    init(path: String, text: String) throws(ReferenceError) {
        self.path = path
        do {
            guard let node = try Yams.compose(yaml: text) else { throw ReferenceError(path, "is empty") }
            root = node
        } catch let error as ReferenceError {
            throw error
        } catch {
            throw ReferenceError(path, "is not YAML: \(error)")
        }
    }

    func list(_ name: String, in node: Node? = nil) throws(ReferenceError) -> [Node] {
        let holder = node ?? root
        guard let value = holder[name] else { throw ReferenceError(path, line: line(holder), "\(name) is missing") }
        guard let sequence = value.sequence else {
            throw ReferenceError(path, line: line(value), "\(name) must be a list")
        }
        return Array(sequence)
    }

    func optionalStrings(_ name: String, in node: Node) throws(ReferenceError) -> [String] {
        guard node[name] != nil else { return [] }
        return try strings(name, in: node)
    }

    func strings(_ name: String, in node: Node? = nil) throws(ReferenceError) -> [String] {
        var result: [String] = []
        for entry in try list(name, in: node) {
            // The scalar as written: `no` and `on` are words here.
            guard let scalar = entry.scalar else {
                throw ReferenceError(path, line: line(entry), "\(name) must be a list of words")
            }
            result.append(scalar.string)
        }
        return result
    }

    func string(_ name: String, in node: Node) throws(ReferenceError) -> String {
        guard let scalar = node[name]?.scalar else {
            throw ReferenceError(path, line: line(node), "\(name) is missing")
        }
        return scalar.string
    }

    func number(_ name: String, in node: Node) throws(ReferenceError) -> Double {
        guard let value = Double(try string(name, in: node)) else {
            throw ReferenceError(path, line: line(node), "\(name) must be a number")
        }
        return value
    }

    func isSet(_ name: String, in node: Node) -> Bool { node[name]?.scalar?.string == "true" }

    func line(_ node: Node) -> Int? { node.mark?.line }
}

/// A CSV file (RFC 4180) with a header.
struct CSVDocument {
    let path: String
    private let columns: [String: Int]
    /// The records behind the header, each with its line.
    let rows: [(line: Int, fields: [String])]

    init(path: String, text: String, columns wanted: [String]) throws(ReferenceError) {
        self.path = path
        var records: [(Int, [String])] = []
        for (index, line) in text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated()
        where !line.isEmpty {
            records.append((index + 1, Self.fields(Substring(line))))
        }
        guard let header = records.first?.1 else { throw ReferenceError(path, "is empty") }
        columns = Dictionary(header.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        for name in wanted where columns[name] == nil {
            throw ReferenceError(path, line: 1, "the column \(name) is missing")
        }
        rows = records.dropFirst().map { ($0.0, $0.1) }
        for row in rows where row.fields.count != header.count {
            throw ReferenceError(path, line: row.line, "has \(row.fields.count) fields, the header \(header.count)")
        }
    }

    private static func fields(_ line: Substring) -> [String] {
        guard line.utf8.contains(0x22) else {
            return line.utf8.split(separator: 0x2C, omittingEmptySubsequences: false).map { String(Substring($0)) }
        }
        var fields: [String] = []
        var field = ""
        var isQuoted = false
        for character in line {
            switch character {
            case "\"": isQuoted.toggle()
            case "," where !isQuoted:
                fields.append(field)
                field = ""
            default: field.append(character)
            }
        }
        return fields + [field]
    }

    func text(_ name: String, _ row: (line: Int, fields: [String])) -> String {
        columns[name].map { row.fields[$0] } ?? ""
    }

    /// The parts of a field that are parted by `|`; none when the column is not there.
    func list(_ name: String, _ row: (line: Int, fields: [String])) -> [String] {
        text(name, row).split(separator: "|").map(String.init)
    }

    /// The columns latitude and longitude.
    func position(_ row: (line: Int, fields: [String])) throws(ReferenceError) -> Position {
        let position = Position(
            latitude_deg: try number("latitude", row),
            longitude_deg: try number("longitude", row)
        )
        guard (-90...90).contains(position.latitude_deg), (-180...180).contains(position.longitude_deg) else {
            throw ReferenceError(path, line: row.line, "latitude or longitude is out of range")
        }
        return position
    }

    func number(_ name: String, _ row: (line: Int, fields: [String])) throws(ReferenceError) -> Double {
        guard let value = Double(text(name, row)) else {
            throw ReferenceError(path, line: row.line, "\(name) must be a number")
        }
        return value
    }
}
