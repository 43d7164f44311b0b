package bench

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// cpu is the time that this process and those it has started (the database
// cluster among them) have been on a processor: ours and theirs.
func cpu() (own, others time.Duration) {
	parents, times := map[int]int{}, map[int]time.Duration{}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0, 0
	}
	for _, entry := range entries {
		id, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if parent, took, err := readStat(id); err == nil {
			parents[id], times[id] = parent, took
		}
	}
	self := os.Getpid()
	for id, took := range times {
		for above := id; above > 1; above = parents[above] {
			if above != self {
				continue
			}
			if id == self {
				own += took
			} else {
				others += took
			}
			break
		}
	}
	return own, others
}

// tick is the unit of the kernel's times for programs.
const tick = 10 * time.Millisecond

// readStat reads the parent and the user and system time of a process. The
// program's name, in brackets, may hold spaces.
func readStat(id int) (parent int, took time.Duration, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", id))
	if err != nil {
		return 0, 0, err
	}
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	const parentAt, userAt, systemAt = 1, 11, 12
	var user, system int
	for at, into := range map[int]*int{parentAt: &parent, userAt: &user, systemAt: &system} {
		if *into, err = strconv.Atoi(string(fields[at])); err != nil {
			return 0, 0, err
		}
	}
	return parent, time.Duration(user+system) * tick, nil
}

// costOf runs fn and says how much processor time each of its pieces took, of
// ours and of the database, in microseconds.
func costOf(fn func() (pieces float64, err error)) (own, others float64, err error) {
	ownBefore, othersBefore := cpu()
	pieces, err := fn()
	if err != nil || pieces == 0 {
		return 0, 0, err
	}
	ownAfter, othersAfter := cpu()
	return float64((ownAfter - ownBefore).Microseconds()) / pieces, float64((othersAfter - othersBefore).Microseconds()) / pieces, nil
}

// micros is a time in microseconds.
func micros(d time.Duration) float64 { return float64(d.Microseconds()) }
