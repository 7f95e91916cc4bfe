package tty

// ring is a queue of bytes that grows as it needs: who adds to it keeps to a limit.
type ring struct {
	buf  []byte // its length is a power of two, or zero
	head int    // index of the first byte, below len(buf)
	n    int
}

func (r *ring) len() int { return r.n }

func (r *ring) reset() { r.head, r.n = 0, 0 }

// put appends p.
func (r *ring) put(p []byte) {
	if r.n+len(p) > len(r.buf) {
		r.grow(r.n + len(p))
	}
	tail := (r.head + r.n) & (len(r.buf) - 1)
	k := copy(r.buf[tail:], p)
	copy(r.buf, p[k:])
	r.n += len(p)
}

func (r *ring) putByte(c byte) {
	if r.n == len(r.buf) {
		r.grow(r.n + 1)
	}
	r.buf[(r.head+r.n)&(len(r.buf)-1)] = c
	r.n++
}

// take moves bytes from the front into p and returns how many.
func (r *ring) take(p []byte) int {
	n := r.peek(p)
	r.skip(n)
	return n
}

// peek copies bytes from the front into p.
func (r *ring) peek(p []byte) int {
	p = p[:min(len(p), r.n)]
	if len(p) == 0 {
		return 0
	}
	k := copy(p, r.buf[r.head:])
	copy(p[k:], r.buf)
	return len(p)
}

// skip drops n bytes from the front.
func (r *ring) skip(n int) {
	r.n -= n
	if r.n == 0 {
		r.head = 0
		return
	}
	r.head = (r.head + n) & (len(r.buf) - 1)
}

// truncate drops what is behind the first n bytes.
func (r *ring) truncate(n int) { r.n = min(r.n, n) }

func (r *ring) takeByte() byte {
	c := r.buf[r.head]
	r.skip(1)
	return c
}

func (r *ring) grow(n int) {
	size := max(len(r.buf), 256)
	for size < n {
		size *= 2
	}
	buf := make([]byte, size)
	r.peek(buf)
	r.buf, r.head = buf, 0
}
