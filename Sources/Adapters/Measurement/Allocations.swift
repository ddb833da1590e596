import CMeasure

/// Counts what a program asks of the allocator. A program that links this has a slower allocator: for measurements only.
public enum Allocations {
    /// How many times memory was asked for since the program began, by any thread.
    public static var count: UInt64 { measure_allocations() }
}
