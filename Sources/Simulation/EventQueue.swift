/// What is to happen, by time; what was asked for earlier comes first among equals. A binary heap of numbers: the elements
/// lie still beside it.
struct EventQueue<Element> {
    /// How many wait.
    var count: Int { heap.count }

    private struct Entry {
        var time: Int64
        var order: UInt64
        var slot: Int
    }

    private var heap: [Entry] = []
    private var slots: [Element?] = []
    private var free: [Int] = []
    private var nextOrder: UInt64 = 0

    var nextTime: Int64? { heap.first?.time }

    mutating func push(_ element: Element, at time: Int64) {
        let slot: Int
        if let reused = free.popLast() {
            slot = reused
            slots[slot] = element
        } else {
            slot = slots.count
            slots.append(element)
        }
        heap.append(Entry(time: time, order: nextOrder, slot: slot))
        nextOrder += 1
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard isBefore(child, parent) else { break }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    mutating func pop() -> (time: Int64, element: Element)? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            sink()
        }
        free.append(first.slot)
        return slots[first.slot].take().map { (first.time, $0) }
    }

    private mutating func sink() {
        var parent = 0
        while true {
            let left = 2 * parent + 1
            guard left < heap.count else { return }
            let right = left + 1
            let child = right < heap.count && isBefore(right, left) ? right : left
            guard isBefore(child, parent) else { return }
            heap.swapAt(parent, child)
            parent = child
        }
    }

    private func isBefore(_ left: Int, _ right: Int) -> Bool {
        (heap[left].time, heap[left].order) < (heap[right].time, heap[right].order)
    }
}
