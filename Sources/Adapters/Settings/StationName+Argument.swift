import ArgumentParser
import Bytes

extension StationName: ExpressibleByArgument {
    /// A station's name on the command line: 1 to 32 of a-z, 0-9 and hyphens.
    public init?(argument: String) { self.init(argument) }
}
