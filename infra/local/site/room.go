package site

import (
	"bufio"
	"context"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"tollhouse/provisioning"
)

// flavors are the sizes of machine that this one plays. Nothing holds a
// process to them: they say how many sites are sensible here.
var flavors = []provisioning.Flavor{
	{Name: "tollhouse.small", VCPUs: 1, MemoryMB: 1024, DiskGB: 10}, {Name: "tollhouse.medium", VCPUs: 2, MemoryMB: 2048, DiskGB: 20},
	{Name: "tollhouse.large", VCPUs: 4, MemoryMB: 4096, DiskGB: 40}, {Name: "tollhouse.xlarge", VCPUs: 8, MemoryMB: 8192, DiskGB: 80},
}

// Room implements provisioning.Sites.
func (c *Cloud) Room(context.Context) (provisioning.Room, error) {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(c.dir, &disk); err != nil {
		return provisioning.Room{}, because(err)
	}
	total, free, err := memory()
	if err != nil {
		return provisioning.Room{}, because(err)
	}
	name, err := os.Hostname()
	if err != nil {
		return provisioning.Room{}, because(err)
	}
	cpus, servers, err := c.taken()
	if err != nil {
		return provisioning.Room{}, err
	}
	const gigabyte = 1_000_000_000
	size, available := int64(disk.Blocks)*disk.Bsize/gigabyte, int64(disk.Bavail)*disk.Bsize/gigabyte
	return provisioning.Room{Flavors: flavors, At: c.now().UTC(), Hypervisors: []provisioning.Hypervisor{{Name: name, Up: true, Amounts: []provisioning.Amount{
		{What: "vcpu", Limit: int64(runtime.NumCPU()), Used: cpus},
		{What: "memory_mb", Limit: total, Used: total - free},
		{What: "volume_gb", Limit: size, Used: size - available},
	}}}, Quotas: []provisioning.Amount{{What: "servers", Limit: -1, Used: servers}}}, nil
}

// taken is what the sites here were promised.
func (c *Cloud) taken() (cpus, servers int64, err error) {
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return 0, 0, because(err)
	}
	for _, e := range entries {
		id, err := provisioning.ParseSiteID(e.Name())
		if err != nil || !e.IsDir() {
			continue
		}
		r, _, err := read(c.folder(id))
		if err != nil {
			return 0, 0, err
		}
		for _, f := range flavors {
			if f.Name == r.Shape.Flavor {
				cpus, servers = cpus+int64(f.VCPUs), servers+1
			}
			if f.Name == r.Shape.WorkerFlavor {
				cpus, servers = cpus+int64(f.VCPUs*r.Shape.Workers), servers+int64(r.Shape.Workers)
			}
		}
	}
	return cpus, servers, nil
}

// memory reads what the kernel says of it, in megabytes.
func memory() (total, available int64, err error) {
	file, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = file.Close() }()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) < 2 {
			continue
		}
		n, _ := strconv.ParseInt(words[1], 10, 64) // what is no number is no line of ours
		switch words[0] {
		case "MemTotal:":
			total = n / 1024
		case "MemAvailable:":
			available = n / 1024
		}
	}
	return total, available, lines.Err()
}
