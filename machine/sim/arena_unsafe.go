package sim

import (
	"reflect"
	"unsafe"

	"golang.org/x/sys/unix"

	"kevlar/machine/mem"
)

// newArena reserves physical memory and gives it to package mem. It lies outside
// the Go heap, as on a real machine: programs may race on it, and neither the
// garbage collector nor the race detector looks at it. It is never unmapped.
func newArena() {
	const prot, flags = unix.PROT_READ | unix.PROT_WRITE, unix.MAP_PRIVATE | unix.MAP_ANONYMOUS | unix.MAP_NORESERVE
	frames, err := unix.Mmap(-1, 0, arenaFrames*mem.PageSize, prot, flags)
	if err != nil {
		panic("sim: cannot reserve memory: " + err.Error())
	}
	refs, err := unix.Mmap(-1, 0, arenaFrames*4, prot, flags)
	if err != nil {
		panic("sim: cannot reserve memory: " + err.Error())
	}
	arena.next = 1
	mem.SetDirectMap(uintptr(unsafe.Pointer(&frames[0])), arenaFrames, unsafe.Pointer(&refs[0]))
	mem.SetSource(&arena.source)
}

// bytesOf is the memory of the value that v, a non-nil pointer, points to. Sound
// because the value's type has no pointers (checked) and the slice is as long as it.
func bytesOf(v reflect.Value) []byte {
	t := v.Type().Elem()
	if hasPointers(t) {
		panic("sim: " + t.String() + " has pointers: programs cannot see Go memory")
	}
	return unsafe.Slice((*byte)(v.UnsafePointer()), t.Size())
}

func hasPointers(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Array:
		return hasPointers(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if hasPointers(t.Field(i).Type) {
				return true
			}
		}
		return false
	default:
		return t.Kind() < reflect.Bool || t.Kind() > reflect.Complex128
	}
}
