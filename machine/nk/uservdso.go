package nk

import (
	"bytes"
	"sync"
	"sync/atomic"
	"time"

	"kevlar/machine"
	"kevlar/machine/mem"
	"kevlar/machine/vdso"
)

// The vDSO for programs: an image whose functions read the counter as now does, and a
// page of data before it, which all programs share: the counter's value at boot, its
// period as nanoseconds << 32, and the offset of the wall clock to the time since
// boot, which may change at any time and is one word therefore.
const vdsoWallWord = 2

// UserVDSO makes it on first use. It is nil where there is no memory for it.
var UserVDSO = sync.OnceValue(func() *machine.VDSO {
	var code [len(vdsoUserNames)]uintptr
	vdsoUserCode(&code)
	var funcs []vdso.Func
	for i, names := range vdsoUserNames {
		funcs = append(funcs, vdso.Func{Names: names, Code: codeAt(code[i])})
	}
	o, err := vdso.Build(vdsoUserMachine, vdsoUserVersion, funcs)
	if err != nil {
		panic(err) // the code is ours
	}
	v := &machine.VDSO{SigReturn: o.Offsets[vdsoSigReturn]}
	if v.Data, err = mem.Alloc(); err != nil {
		return nil
	}
	if v.Image, err = mem.Alloc(); err != nil {
		v.Data.Unref()
		return nil
	}
	*v.Image.Data() = o.Image
	SyncCode(v.Image)
	w := v.Data.Words()
	w[0], w[1] = vdsoUserClock()
	w[vdsoWallWord] = boot.wallBase
	return v
})

// SetWallClock makes the vDSO's wall clock Now plus offset.
func SetWallClock(offset time.Duration) {
	if v := UserVDSO(); v != nil {
		atomic.StoreUint64(&v.Data.Words()[vdsoWallWord], uint64(offset))
	}
}

// codeAt is the code of a vDSO function: up to its CODE_END.
func codeAt(p uintptr) []byte {
	code := textAt(p, vdso.Size)
	return code[:bytes.Index(code, []byte("VDSOEND\n"))]
}
