package futex

import (
	"encoding/binary"

	"kevlar/linux/mm"
	"kevlar/linux/user"
)

// HeadSize is the size of struct robust_list_head, which set_robust_list(2) insists on.
const HeadSize = 24

// maxRobust is how many locks of a list are looked at (ROBUST_LIST_LIMIT): a list may be
// a circle.
const maxRobust = 2048

// ReleaseRobust marks the locks that thread tid leaves behind, which are in the list at
// head, and wakes somebody who waits for each (get_robust_list(2)). It comes before Die.
// Memory that cannot be read ends the list.
func ReleaseRobust(m *mm.Space, head user.Addr, tid uint32) {
	var h [HeadSize]byte
	if n, err := m.CopyIn(h[:], head); err != nil || n < len(h) {
		return
	}
	le := binary.LittleEndian
	offset := le.Uint64(h[8:])
	pending := le.Uint64(h[16:])
	// The lowest bit of an address says that the lock knows its owner (FUTEX_LOCK_PI).
	const pi = 1
	entry := le.Uint64(h[0:])
	for range maxRobust {
		at := entry &^ pi
		if user.Addr(at) == head {
			break
		}
		var b [8]byte
		n, err := m.CopyIn(b[:], user.Addr(at))
		if at != pending&^pi && !release(m, user.Addr(at+offset), tid, entry&pi != 0, false) {
			return
		}
		if err != nil || n < len(b) {
			return
		}
		entry = le.Uint64(b[:])
	}
	if at := pending &^ pi; at != 0 {
		release(m, user.Addr(at+offset), tid, pending&pi != 0, true)
	}
}

// release marks the lock at a, if thread tid has it. pending says that the thread was
// about to take it or to give it up.
func release(m *mm.Space, a user.Addr, tid uint32, pi, pending bool) (ok bool) {
	word, err := At(m, a, true)
	if err != nil {
		return false
	}
	for {
		v, err := m.LoadWord(a)
		if err != nil {
			return false
		}
		if pending && !pi && v == 0 {
			// Unlocked, but the wake that belongs to it may be missing.
			Wake(word.Key, 1, AnyBit)
			return true
		}
		if v&tidMask != tid {
			return true
		}
		swapped, err := m.CompareAndSwapWord(a, v, v&waitersBit|ownerDiedBit)
		if err != nil {
			return false
		}
		if swapped {
			if !pi && v&waitersBit != 0 {
				Wake(word.Key, 1, AnyBit)
			}
			return true
		}
	}
}
