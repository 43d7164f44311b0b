package sitetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"tollhouse/provisioning"
)

// Memory is a cloud that forgets everything with its process. Each part of a
// site takes one look to be made. It does as a test says through Fail.
type Memory struct {
	mu    sync.Mutex
	sites map[provisioning.SiteID]*stood
	fail  func(call string, id provisioning.SiteID) error

	Calls  map[string]int // how often each was called
	Made   int            // sites made from nothing
	Data   []string       // user-data of machines made, one by one
	Beside []string       // user-data of the machines beside the first, by what was asked
}

// stood is a site as it stands in memory.
type stood struct {
	site    provisioning.Site
	left    int // looks until it stands, or is gone
	leaving bool
	broken  *provisioning.Observed
	drift   []string
}

// NewMemory makes an empty cloud.
func NewMemory() *Memory {
	return &Memory{sites: map[provisioning.SiteID]*stood{}, Calls: map[string]int{}}
}

// Fail has calls answered with what fn gives, where that is an error. It is
// asked before a call with the method's name, and with "after " before it once
// the call has done its work.
func (m *Memory) Fail(fn func(call string, id provisioning.SiteID) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = fn
}

// Break has a site fail half-way, with a reason.
func (m *Memory) Break(id provisioning.SiteID, reason, detail string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.sites[id]; s != nil {
		s.broken = &provisioning.Observed{Reason: reason, Detail: detail}
	}
}

// Drift has a site differ from what was asked for.
func (m *Memory) Drift(id provisioning.SiteID, what ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.sites[id]; s != nil {
		s.drift = what
	}
}

// Lose takes a site away behind everybody's back.
func (m *Memory) Lose(id provisioning.SiteID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.sites, id)
}

// Standing are the sites of which something stands.
func (m *Memory) Standing() []provisioning.Site {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []provisioning.Site
	for _, s := range m.sites {
		list = append(list, s.site)
	}
	return list
}

// Unlock runs fn while others may use the cloud; for what Fail is given, that a
// call may hang.
func (m *Memory) Unlock(fn func()) {
	m.mu.Unlock()
	defer m.mu.Lock()
	fn()
}

func (m *Memory) called(call string, id provisioning.SiteID) error {
	m.Calls[call]++
	if m.fail == nil {
		return nil
	}
	return m.fail(call, id)
}

// parts is how many looks a site takes.
const parts = 3

// Ensure implements provisioning.Sites.
func (m *Memory) Ensure(_ context.Context, want provisioning.Site) (provisioning.Observed, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.called("Ensure", want.ID); err != nil {
		return provisioning.Observed{}, err
	}
	if want.UserData != "" && want.Lacks() {
		return provisioning.Observed{}, provisioning.Because("The site has machines beside its first and no user-data for them.", errors.New("not to be made"))
	}
	s := m.sites[want.ID]
	switch {
	case s == nil:
		m.Made++
		m.Data = append(m.Data, want.UserData)
		m.Beside = append(m.Beside, want.WorkerData)
		s = &stood{site: want, left: parts}
		m.sites[want.ID] = s
	case s.leaving, want.Revision < s.site.Revision:
	case s.broken != nil, want.Revision > s.site.Revision:
		if want.UserData == "" {
			want.UserData, want.WorkerData, want.StandbyData = s.site.UserData, s.site.WorkerData, s.site.StandbyData
		}
		if want.UserData != s.site.UserData {
			m.Data = append(m.Data, want.UserData)
		}
		m.Beside = append(m.Beside, want.WorkerData)
		s.site, s.broken, s.drift, s.left = want, nil, nil, parts
	}
	obs := m.look(s)
	return obs, m.called("after Ensure", want.ID)
}

// Observe implements provisioning.Sites.
func (m *Memory) Observe(_ context.Context, id provisioning.SiteID) (provisioning.Observed, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.called("Observe", id); err != nil {
		return provisioning.Observed{}, err
	}
	s := m.sites[id]
	if s == nil {
		return provisioning.Observed{Phase: provisioning.SiteAbsent}, nil
	}
	s.left = max(s.left-1, 0)
	if s.leaving && s.left == 0 {
		delete(m.sites, id)
		return provisioning.Observed{Phase: provisioning.SiteAbsent}, nil
	}
	return m.look(s), nil
}

// Remove implements provisioning.Sites.
func (m *Memory) Remove(_ context.Context, id provisioning.SiteID) (provisioning.Observed, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.called("Remove", id); err != nil {
		return provisioning.Observed{}, err
	}
	s := m.sites[id]
	if s == nil {
		return provisioning.Observed{Phase: provisioning.SiteAbsent}, nil
	}
	if !s.leaving {
		s.leaving, s.left, s.broken = true, parts, nil
	} else if s.left--; s.left <= 0 {
		delete(m.sites, id)
		return provisioning.Observed{Phase: provisioning.SiteAbsent}, nil
	}
	obs := m.look(s)
	return obs, m.called("after Remove", id)
}

func (m *Memory) look(s *stood) provisioning.Observed {
	obs := provisioning.Observed{Phase: provisioning.SiteMaking, Revision: s.site.Revision, Ref: "memory-" + s.site.ID.String(), Drift: slices.Clone(s.drift)}
	now := time.Now().UTC().Truncate(time.Microsecond)
	for i, name := range []string{"network", "volume", "server"} {
		state := "done"
		if i >= parts-s.left {
			state = "working"
		}
		obs.Steps = append(obs.Steps, provisioning.Step{Name: name, State: state, BeganAt: &now, ChangedAt: &now})
	}
	switch {
	case s.leaving:
		obs.Phase = provisioning.SiteLeaving
	case s.broken != nil:
		obs.Phase, obs.Reason, obs.Detail = provisioning.SiteBroken, s.broken.Reason, s.broken.Detail
	case s.left == 0:
		obs.Phase, obs.Address = provisioning.SiteStanding, "192.0.2.10"
	}
	return obs
}

// Orphans implements provisioning.Sites.
func (m *Memory) Orphans(_ context.Context, known []provisioning.SiteID) ([]provisioning.Orphan, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.called("Orphans", provisioning.SiteID{}); err != nil {
		return nil, err
	}
	var list []provisioning.Orphan
	for id, s := range m.sites {
		if !slices.Contains(known, id) {
			list = append(list, provisioning.Orphan{Ref: "memory-" + id.String(), Kind: "stack", Name: s.site.Name, Site: id.String(), At: time.Now().UTC().Truncate(time.Microsecond)})
		}
	}
	return list, nil
}

// flavors are what the cloud in memory offers.
var flavors = []provisioning.Flavor{
	{Name: "tollhouse.small", VCPUs: 1, MemoryMB: 2048, DiskGB: 20}, {Name: "tollhouse.medium", VCPUs: 2, MemoryMB: 4096, DiskGB: 40}, {Name: "tollhouse.large", VCPUs: 4, MemoryMB: 8192, DiskGB: 80},
}

// Room implements provisioning.Sites: two hypervisors and a quota.
func (m *Memory) Room(context.Context) (provisioning.Room, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.called("Room", provisioning.SiteID{}); err != nil {
		return provisioning.Room{}, err
	}
	var servers, cpus, memory, disk int64
	for _, s := range m.sites {
		machines := map[string]int64{s.site.Shape.Flavor: 1, s.site.Shape.WorkerFlavor: int64(s.site.Shape.Workers)}
		if s.site.Shape.WorkerFlavor == s.site.Shape.Flavor {
			machines = map[string]int64{s.site.Shape.Flavor: 1 + int64(s.site.Shape.Workers)}
		}
		for _, f := range flavors {
			n := machines[f.Name]
			servers, cpus, memory = servers+n, cpus+n*int64(f.VCPUs), memory+n*int64(f.MemoryMB)
		}
		disk += int64(s.site.Shape.BootGB + s.site.Shape.DataGB)
	}
	room := provisioning.Room{At: time.Now().UTC().Truncate(time.Microsecond), Flavors: flavors,
		Quotas: []provisioning.Amount{{What: "servers", Limit: 40, Used: servers}, {What: "volume_gb", Limit: 4000, Used: disk}, {What: "networks", Limit: -1}}}
	for i := range 2 {
		h := provisioning.Hypervisor{Name: fmt.Sprintf("compute-%d", i+1), Up: true}
		if i == 0 {
			h.Amounts = []provisioning.Amount{{What: "vcpu", Limit: 32, Used: cpus}, {What: "memory_mb", Limit: 65536, Used: memory}}
		} else {
			h.Amounts = []provisioning.Amount{{What: "vcpu", Limit: 32}, {What: "memory_mb", Limit: 65536}}
		}
		room.Hypervisors = append(room.Hypervisors, h)
	}
	return room, nil
}

var _ provisioning.Sites = (*Memory)(nil)
