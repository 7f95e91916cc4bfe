package mem

// Copy is the built-in copy, for what may be large. Go's memmove on x86-64 without AVX, which
// the kernel leaves to programs, moves more than 2 KiB by REP MOVS: byte by byte where the two
// sides are not aligned alike, which an emulator takes twenty times as long for. Smaller pieces
// go through vector registers.
func Copy(dst, src []byte) int {
	const piece = 2 << 10
	n := min(len(dst), len(src))
	at := 0
	for ; n-at > piece; at += piece {
		copy(dst[at:at+piece], src[at:])
	}
	copy(dst[at:n], src[at:])
	return n
}
