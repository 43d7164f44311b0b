package enrolment

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"tollhouse/provisioning/machine"
)

// meter measures the machine. CPU is measured between two looks.
type meter struct {
	mu          sync.Mutex
	busy, total int64 // clock ticks of all cores, as they were at the last look
}

// measure fills in what is known of the machine itself.
func (m *meter) measure(r *machine.Report, folders []string) {
	used := memory()
	r.MemoryTotal, r.MemoryFree = used.total, used.free
	r.LoadCenti = loadCenti()
	r.CPUPermille = m.cpu()
	var seen []syscall.Fsid
	for _, folder := range folders {
		var fs syscall.Statfs_t
		if err := syscall.Statfs(folder, &fs); err != nil || slices.Contains(seen, fs.Fsid) {
			continue
		}
		seen = append(seen, fs.Fsid)
		size := fs.Bsize
		// what root keeps for itself is no room for us
		r.Disks = append(r.Disks, machine.Disk{Path: folder, Total: (int64(fs.Blocks) - int64(fs.Bfree) + int64(fs.Bavail)) * size, Free: int64(fs.Bavail) * size})
	}
}

type memoryUse struct{ total, free int64 }

// memory is what the kernel tells of memory. Free is what could be had without
// swapping.
func memory() memoryUse {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return memoryUse{}
	}
	var m memoryUse
	for line := range strings.SplitSeq(string(text), "\n") {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		kB, _ := strconv.ParseInt(fields[1], 10, 64)
		switch fields[0] {
		case "MemTotal:":
			m.total = kB << 10
		case "MemAvailable:":
			m.free = kB << 10
		}
	}
	return m
}

// loadCenti is the load average of a minute, in hundredths.
func loadCenti() int64 {
	text, _ := os.ReadFile("/proc/loadavg")
	whole, rest, _ := strings.Cut(string(text), ".")
	cents, _, _ := strings.Cut(rest, " ")
	n, err := strconv.ParseInt(whole+cents, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// cpu is how busy all cores were since the last look, in thousandths.
func (m *meter) cpu() int64 {
	text, _ := os.ReadFile("/proc/stat")
	first, _, _ := strings.Cut(string(text), "\n")
	fields := strings.Fields(first)
	if len(fields) < 9 || fields[0] != "cpu" {
		return 0
	}
	var busy, total int64
	for i, field := range fields[1:9] { // guests are in user already
		ticks, _ := strconv.ParseInt(field, 10, 64)
		total += ticks
		if i != 3 && i != 4 { // idle, waiting for a disk
			busy += ticks
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	b, t := busy-m.busy, total-m.total
	fresh := m.total == 0
	m.busy, m.total = busy, total
	if fresh || t <= 0 || b < 0 {
		return 0
	}
	return min(b*1000/t, 1000)
}

// missing are those of the named processes that do not run.
func missing(names []string) []string {
	if len(names) == 0 {
		return nil
	}
	running := map[string]bool{}
	found, _ := filepath.Glob("/proc/[0-9]*/comm")
	for _, path := range found {
		if name, err := os.ReadFile(path); err == nil {
			running[strings.TrimSpace(string(name))] = true
		}
	}
	var gone []string
	for _, name := range names {
		if !running[name[:min(len(name), 15)]] { // the kernel keeps 15 bytes of a name
			gone = append(gone, name)
		}
	}
	return gone
}
