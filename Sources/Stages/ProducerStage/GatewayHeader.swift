import EventJSON

/// The second frame of what a gateway sends: who it is and what it wants.
package struct GatewayHeader {
    /// What a gateway may want.
    package enum Wish {
        case publish(request: UInt64, lowest: UInt64)
        case progress
        case forget
    }

    /// What is wrong with a header.
    package struct Malformed: Error {
        package var request: UInt64?
        package var reason: String
    }

    package var gateway: String
    package var wish: Wish

    /// The longest header taken, in bytes.
    package static let maximumBytes = 1024

    /// Reads a header.
    package init(_ bytes: UnsafeRawBufferPointer) throws(Malformed) {
        guard bytes.count <= Self.maximumBytes, let value = try? JSONValue.parse(bytes), case .object = value else {
            throw Malformed(reason: "the second frame must be a JSON object of at most 1024 bytes")
        }
        let request = value["request"]?.unsigned
        guard let gateway = value["gateway"]?.string, Self.isName(gateway) else {
            throw Malformed(
                request: request,
                reason: "\"gateway\" must be 1 to 64 of letters, digits and ._:- and stay the same"
            )
        }
        self.gateway = gateway
        if let query = value["query"] {
            guard query.string == "progress" else {
                throw Malformed(request: request, reason: "\"query\" must be \"progress\"")
            }
            wish = .progress
        } else if value["forget"]?.boolean == true {
            wish = .forget
        } else {
            guard let request, request > 0 else {
                throw Malformed(reason: "\"request\" must be a whole number from 1 on, one more each time")
            }
            guard let lowest = value["lowest"]?.unsigned, lowest > 0, lowest <= request else {
                throw Malformed(
                    request: request,
                    reason: "\"lowest\" must be the lowest request number still without an answer"
                )
            }
            wish = .publish(request: request, lowest: lowest)
        }
    }

    private static func isName(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 48...57, 65...90, 97...122, 45, 46, 58, 95: true
                default: false
                }
            }
    }
}
