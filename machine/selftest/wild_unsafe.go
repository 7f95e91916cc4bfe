package selftest

import "unsafe"

// wild reads where nothing is mapped.
func wild() {
	println(*(*byte)(unsafe.Add(unsafe.Pointer(nil), uintptr(0x12345678))))
}
