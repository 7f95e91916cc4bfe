package mm

import (
	"testing"

	"golang.org/x/sys/unix"

	"kevlar/linux/user"
	"kevlar/machine/mem"
	"kevlar/machine/pgtable"
	"kevlar/machine/sim"
)

func TestUsage(t *testing.T) {
	s, err := New(sim.New(t, sim.Config{}))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Release()
	anonymous, err := s.Mmap(Request{Length: 8 * mem.PageSize, Prot: unix.PROT_READ | unix.PROT_WRITE, Flags: unix.MAP_PRIVATE | unix.MAP_ANONYMOUS})
	if err != nil {
		t.Fatal(err)
	}
	shared, err := s.Mmap(Request{Length: 4 * mem.PageSize, Prot: unix.PROT_READ | unix.PROT_WRITE, Flags: unix.MAP_SHARED | unix.MAP_ANONYMOUS})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if _, err := s.CopyOut(anonymous+user.Addr(i*mem.PageSize), []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.CopyOut(shared, []byte("x")); err != nil {
		t.Fatal(err)
	}
	u := s.SpaceUsage()
	if u.Total != 12*mem.PageSize || u.Resident != 4 || u.Anonymous != 3 || u.Shared != 1 || u.File != 0 || u.Data != 8 {
		t.Errorf("%+v", u)
	}
	if u.Tables < pgtable.Levels-1 {
		t.Errorf("%d page tables", u.Tables)
	}
	child, err := s.Fork()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range s.Usages() {
		switch m.Start {
		case anonymous:
			if m.Resident != 3*mem.PageSize || m.SharedDirty != m.Resident || m.Proportional != m.Resident/2 || m.Anonymous != m.Resident {
				t.Errorf("anonymous, with a child: %+v", m)
			}
		case shared:
			if m.Resident != mem.PageSize || m.PrivateDirty != mem.PageSize || m.Anonymous != 0 {
				t.Errorf("shared, with a child that has not touched it: %+v", m)
			}
		}
	}
	child.Release()
	s.Munmap(anonymous, 8*mem.PageSize)
	u = s.SpaceUsage()
	if u.Total != 4*mem.PageSize || u.Peak != 12*mem.PageSize || u.Resident != 1 || u.PeakResident != 4 {
		t.Errorf("after munmap: %+v", u)
	}
}
