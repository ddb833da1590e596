import Foundation
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
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
        where !line.isEmpty {
            records.append((index + 1, Self.fields(line)))
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

    func number(_ name: String, _ row: (line: Int, fields: [String])) throws(ReferenceError) -> Double {
        guard let value = Double(text(name, row)) else {
            throw ReferenceError(path, line: row.line, "\(name) must be a number")
        }
        return value
    }
}

/// The part of GeoJSON that the border uses.
struct LineFeature: Decodable {
    struct Geometry: Decodable {
        var type: String
        var coordinates: [[Double]]
    }
    var geometry: Geometry
}
