package trace

import (
	"fmt"
	"strconv"
	"strings"
)

func hex(v uint64) string { return "0x" + strconv.FormatUint(v, 16) }

// pointer is an address as strace shows one that it does not look behind.
func pointer(v uint64) string {
	if v == 0 {
		return "NULL"
	}
	return hex(v)
}

// quote writes bytes as a C string, in strace's manner: octal escapes as short as what
// follows allows.
func quote(b []byte) string {
	var s strings.Builder
	s.WriteByte('"')
	for i, c := range b {
		switch c {
		case '"', '\\':
			s.WriteByte('\\')
			s.WriteByte(c)
		case '\n':
			s.WriteString(`\n`)
		case '\t':
			s.WriteString(`\t`)
		case '\r':
			s.WriteString(`\r`)
		case '\f':
			s.WriteString(`\f`)
		case '\v':
			s.WriteString(`\v`)
		default:
			switch {
			case c >= ' ' && c < 0x7f:
				s.WriteByte(c)
			case i+1 < len(b) && b[i+1] >= '0' && b[i+1] <= '7':
				fmt.Fprintf(&s, `\%03o`, c)
			default:
				fmt.Fprintf(&s, `\%o`, c)
			}
		}
	}
	s.WriteByte('"')
	return s.String()
}

// hexQuote writes bytes that mean nothing to people.
func hexQuote(b []byte) string {
	var s strings.Builder
	s.WriteByte('"')
	for _, c := range b {
		fmt.Fprintf(&s, `\x%02x`, c)
	}
	s.WriteByte('"')
	return s.String()
}

// flag is a bit, or several, with a name.
type flag struct {
	bits uint64
	name string
}

// flags writes the names of bits, in the order of the table, and what has no name as a
// number. none is what zero is called.
func flags(v uint64, table []flag, none string) string {
	if v == 0 {
		return none
	}
	var names []string
	for _, f := range table {
		if f.bits != 0 && v&f.bits == f.bits {
			names = append(names, f.name)
			v &^= f.bits
		}
	}
	if v != 0 {
		names = append(names, hex(v))
	}
	return strings.Join(names, "|")
}

// name is a value's name, or the value.
func name(v uint64, table []flag, unknown func(uint64) string) string {
	for _, f := range table {
		if f.bits == v {
			return f.name
		}
	}
	return unknown(v)
}

func decimal(v uint64) string { return strconv.FormatInt(int64(int32(v)), 10) }
