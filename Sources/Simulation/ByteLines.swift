extension ArraySlice<UInt8> {
    /// The lines without their line feeds; empty ones are left out.
    var lines: [ArraySlice<UInt8>] {
        var lines: [ArraySlice<UInt8>] = []
        var start = startIndex
        withUnsafeBufferPointer { bytes in
            for at in 0..<bytes.count where bytes[at] == 0x0A {
                let end = startIndex + at
                if end > start { lines.append(self[start..<end]) }
                start = end + 1
            }
        }
        if start < endIndex { lines.append(self[start...]) }
        return lines
    }
}
