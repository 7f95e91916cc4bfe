package mm

import "kevlar/machine/mem"

// Dirty is the number of pages that differ from the device.
func (c *PageCache) Dirty() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dirty
}

// Sync implements Syncer: it writes the dirty pages of [first, last) to the filler.
func (c *PageCache) Sync(first, last uint64) error {
	if c.filler == nil {
		return nil
	}
	c.sync.Lock()
	defer c.sync.Unlock()
	for first < last {
		c.mu.Lock()
		start, frames := c.takeDirty(first, last)
		c.mu.Unlock()
		if len(frames) == 0 {
			return nil
		}
		end := start + uint64(len(frames))
		// From here on a write through a mapping makes the page dirty again.
		c.Clean(start, end)
		pages := make([][]byte, len(frames))
		for i, f := range frames {
			pages[i] = f.Data()[:]
		}
		err := c.filler.WriteBack(start, pages)
		c.mu.Lock()
		for i, f := range frames {
			if index := start + uint64(i); err != nil && c.slot(index).frame() == f {
				c.flag(index, slotDirty, 0)
			}
			f.Unref()
		}
		c.mu.Unlock()
		if err != nil {
			return err
		}
		first = end
	}
	return nil
}

// takeDirty marks the first run of dirty pages in [first, last) clean, and returns
// it with references. The caller holds mu.
func (c *PageCache) takeDirty(first, last uint64) (start uint64, frames []mem.Frame) {
	if c.dirty == 0 {
		return 0, nil
	}
	for _, k := range c.keys(first, last) {
		for i := range uint64(leafSize) {
			index := k*leafSize + i
			if index < first || index >= last {
				continue
			}
			if len(frames) > 0 && (index != start+uint64(len(frames)) || len(frames) == maxFill) {
				return start, frames
			}
			s := c.slot(index)
			if s&slotDirty == 0 {
				if len(frames) > 0 {
					return start, frames
				}
				continue
			}
			if len(frames) == 0 {
				start = index
			}
			c.flag(index, 0, slotDirty)
			s.frame().Ref()
			frames = append(frames, s.frame())
		}
	}
	return start, frames
}

// Invalidate drops clean pages that nobody maps (POSIX_FADV_DONTNEED, a changed device).
func (c *PageCache) Invalidate(first, last uint64) {
	if c.filler == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range c.keys(first, last) {
		for i := range uint64(leafSize) {
			index := k*leafSize + i
			s := c.slot(index)
			if index >= first && index < last && s != 0 && s&(slotBusy|slotDirty) == 0 && s.frame().Refs() == 1 {
				c.remove(index)
			}
		}
	}
}
