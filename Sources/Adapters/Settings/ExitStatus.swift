/// How our programs end.
public enum ExitStatus: Int32, Sendable {
    /// All was done.
    case done = 0
    /// Something went wrong.
    case failed = 1
    /// The command line was not understood.
    case usage = 64
    /// Some of the input was refused.
    case badData = 65
    /// Not done in the time allowed; try again.
    case tryAgain = 75
    /// Interrupted by Ctrl-C.
    case interrupted = 130
}

/// What `--version` prints.
public enum Version {
    /// The version of all four programs.
    public static let text = "0.1.0"
}
