package binfmt

import (
	"bytes"

	"golang.org/x/sys/unix"
)

// ScriptMax is how much of a script's first line Linux reads (BINPRM_BUF_SIZE).
const ScriptMax = 256

// Script parses the first bytes of a file, at most ScriptMax, as an interpreter
// script: "#!" interpreter [argument]. The argument is one word, whatever blanks are
// in it. ok is false where the file is no script; ENOEXEC is for a script whose first
// line cannot be used.
func Script(first []byte) (interp, arg string, ok bool, err error) {
	line, found := bytes.CutPrefix(first, []byte("#!"))
	if !found {
		return "", "", false, nil
	}
	line = line[:min(len(line), ScriptMax-2)]
	whole := len(first) < ScriptMax // the file ends here
	newline := false
	if i := bytes.IndexByte(line, '\n'); i >= 0 {
		line, whole, newline = line[:i], true, true
	}
	if i := bytes.IndexByte(line, 0); i >= 0 {
		line, whole = line[:i], true
	}
	line = bytes.TrimLeft(line, " \t")
	i := bytes.IndexAny(line, " \t")
	switch {
	case len(line) == 0 && newline:
		return "", "", true, unix.ENOEXEC
	case len(line) == 0:
		return "", "", true, unix.EACCES // the empty path is the working directory
	case i < 0 && !whole:
		return "", "", true, unix.ENOEXEC // the interpreter's name may be cut off
	case i < 0:
		return string(line), "", true, nil
	}
	return string(line[:i]), string(bytes.Trim(line[i:], " \t")), true, nil
}
