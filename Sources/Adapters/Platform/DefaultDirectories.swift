import Glibc

/// Where things lie when nobody says: the XDG directories of a user, `/run` and `/var/lib` for root.
public enum DefaultDirectories {
    /// The run directory: `$XDG_RUNTIME_DIR/enlace`, `/run/enlace` as root, else `/tmp/enlace-UID`.
    public static var run: String {
        run(runtimeDirectory: environment("XDG_RUNTIME_DIR"), user: geteuid())
    }

    /// The state directory: `/var/lib/enlace` as root, else `$XDG_STATE_HOME/enlace` or `~/.local/state/enlace`.
    public static var state: String {
        state(stateHome: environment("XDG_STATE_HOME"), home: environment("HOME"), user: geteuid())
    }

    static func run(runtimeDirectory: String?, user: uid_t) -> String {
        if user == 0 { return "/run/enlace" }
        if let runtimeDirectory { return runtimeDirectory + "/enlace" }
        return "/tmp/enlace-\(user)"
    }

    static func state(stateHome: String?, home: String?, user: uid_t) -> String {
        if user == 0 { return "/var/lib/enlace" }
        if let stateHome { return stateHome + "/enlace" }
        if let home { return home + "/.local/state/enlace" }
        return "/tmp/enlace-\(user)/state"
    }

    /// An absolute path from the environment; the XDG specification has relative ones ignored.
    private static func environment(_ name: String) -> String? {
        guard let value = getenv(name) else { return nil }
        let text = String(cString: value)
        return text.hasPrefix("/") ? text : nil
    }
}
