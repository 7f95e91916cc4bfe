package wait

import "testing"

// count is a Notifier that counts, and consumes or not.
type count struct {
	n       int
	consume bool
}

func (c *count) Notify(*Entry, Events) bool { c.n++; return c.consume }

func TestExclusive(t *testing.T) {
	var q Queue
	plain, busy, first, second := &count{consume: true}, &count{}, &count{consume: true}, &count{consume: true}
	q.Add(&Entry{To: busy, Events: In, Exclusive: true})
	q.Add(&Entry{To: first, Events: In, Exclusive: true})
	q.Add(&Entry{To: second, Events: In, Exclusive: true})
	q.Add(&Entry{To: plain, Events: In})
	q.Wake(In)
	if busy.n != 1 || first.n != 1 || second.n != 0 || plain.n != 1 {
		t.Errorf("input told %d, %d, %d exclusive entries and %d others", busy.n, first.n, second.n, plain.n)
	}
	q.Wake(Hup)
	if second.n != 1 || plain.n != 2 {
		t.Errorf("a hangup told the last exclusive entry %d times, the other %d times", second.n, plain.n)
	}
}
