import CPlatform

/// The terminal that output goes to.
public enum Terminal {
    /// How many columns it has; 0 when standard output is no terminal, or it does not say.
    public static var columns: Int { Int(enlace_terminal_columns(1)) }
}
