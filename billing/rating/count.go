package rating

// counted returns how much a session that is billed up to a position adds to
// each counter.
func (m *meter) counted(to []int64, takes []Take, billed int64) []int64 {
	to = cleared(to, len(m.usage.counters))
	for i := range m.work.pieces {
		p := &m.work.pieces[i]
		t := p.rule.tiers
		if t == nil || p.from >= billed {
			continue
		}
		units := min(p.to, billed) - p.from
		for j := range takes {
			units -= max(0, min(p.to, billed, takes[j].To)-max(p.from, takes[j].From))
		}
		to[t.counter] += units
	}
	return to
}

// count tells what this piece adds to the period's counters.
func (m *meter) count(r *Result, billed int64) {
	w := m.work
	if len(m.usage.counters) == 0 {
		return
	}
	w.now = m.counted(w.now, r.Taken, billed)
	for i, code := range m.usage.counters {
		if w.now[i] == w.old[i] {
			continue
		}
		if r.Counted == nil {
			r.Counted = map[string]int64{}
		}
		r.Counted[code] = w.now[i] - w.old[i]
	}
}
