package nk

// The vDSO for the Go runtime: the smallest ELF image whose dynamic section leads it
// to vdsoFunction under the name that the architecture has for clock_gettime, so that
// reading the time costs no trap. The runtime wants PT_LOAD, PT_DYNAMIC with STRTAB,
// SYMTAB, HASH and VERDEF; without VERSYM versions are not compared.
var goVDSO [512]byte

const (
	vdPhdr   = 64
	vdDyn    = vdPhdr + 2*56
	vdSym    = vdDyn + 5*16
	vdHash   = vdSym + 2*24
	vdVerdef = vdHash + 5*4
	vdStr    = vdVerdef + 20
)

func vdsoImage() uintptr {
	b := addressOfVDSO()
	store64(b+32, vdPhdr)   // e_phoff
	store32(b+56, 2)        // e_phnum
	store32(b+vdPhdr, 1)    // PT_LOAD: offset 0, vaddr 0, no size: no PC is in it
	store32(b+vdPhdr+56, 2) // PT_DYNAMIC
	store64(b+vdPhdr+56+8, vdDyn)
	dyn := [4][2]uint64{{5, vdStr}, {6, vdSym}, {4, vdHash}, {0x6ffffffc, vdVerdef}}
	for i := range dyn {
		store64(b+vdDyn+uintptr(i)*16, dyn[i][0])
		store64(b+vdDyn+uintptr(i)*16+8, dyn[i][1])
	}
	store32(b+vdSym+24, 1)                        // st_name
	store32(b+vdSym+28, 1<<4|2|1<<16)             // GLOBAL FUNC, section 1
	store64(b+vdSym+32, uint64(vdsoFunction()-b)) // st_value
	store32(b+vdHash, 1)                          // nbucket
	store32(b+vdHash+4, 2)                        // nchain
	store32(b+vdHash+8, 1)                        // bucket[0]
	store32(b+vdVerdef, 1|1<<16)                  // vd_version, VER_FLG_BASE: skipped
	for i := 0; i < len(vdsoName); i++ {
		store8(b+vdStr+1+uintptr(i), vdsoName[i])
	}
	return b
}
