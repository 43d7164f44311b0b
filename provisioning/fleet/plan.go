package fleet

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"tollhouse/billing/money"
	"tollhouse/provisioning"
	"tollhouse/tenants"
)

// Plan is what a change will do, before it is made.
type Plan struct {
	Site     provisioning.SiteID
	Revision int64 // that the site will have
	Changes  []Change
	Before   *money.Amount // a month; nil for a new site
	Monthly  money.Amount  // a month, schedules counted by their days
	AtMost   money.Amount  // a month, with all workers that rules may add
	Room     []RoomNeed
	Fits     bool   // there is room for the change and for what it may grow to
	RoomWhy  string // plain words: why nothing can be said of the room
	RoomAt   time.Time
}

// Deed is what happens to a part of a site.
type Deed string

// The deeds.
const (
	Make   Deed = "make"
	Alter  Deed = "change"
	Delete Deed = "delete"
)

// Change is one part of a site that will be made, changed or deleted.
type Change struct {
	Deed     Deed
	Part     string // machine, worker, boot_volume, data_volume, standby, size, schedule, scaling
	From, To string
}

// RoomNeed is how much of something a change takes, and how much is free.
type RoomNeed struct {
	What  string
	Needs int64 // at most; below zero: it is given back
	Free  int64 // below zero: no limit is set
}

// changesOf compares shapes and wants.
func changesOf(from, to provisioning.Shape, fromWant, toWant Want) []Change {
	var list []Change
	add := func(deed Deed, part, from, to string) { list = append(list, Change{deed, part, from, to}) }
	differ := func(part, from, to string) {
		switch {
		case from == to:
		case from == "":
			add(Make, part, "", to)
		case to == "":
			add(Delete, part, from, "")
		default:
			add(Alter, part, from, to)
		}
	}
	differ("size", fromWant.Size, toWant.Size)
	differ("machine", from.Flavor, to.Flavor)
	differ("boot_volume", gigabytes(from.BootGB), gigabytes(to.BootGB))
	differ("data_volume", gigabytes(from.DataGB), gigabytes(to.DataGB))
	if from.Standby != to.Standby {
		differ("standby", standby(from), standby(to))
	}
	if from.Workers > 0 && to.Workers > 0 {
		differ("worker", from.WorkerFlavor, to.WorkerFlavor)
	}
	if n := to.Workers - from.Workers; n > 0 {
		add(Make, "workers", fmt.Sprint(from.Workers), fmt.Sprint(to.Workers))
	} else if n < 0 {
		add(Delete, "workers", fmt.Sprint(from.Workers), fmt.Sprint(to.Workers))
	}
	differ("schedules", schedulesText(fromWant.Schedules), schedulesText(toWant.Schedules))
	differ("scaling", scalingText(fromWant.Scaling), scalingText(toWant.Scaling))
	return list
}

func standby(s provisioning.Shape) string {
	if s.Standby {
		return s.Flavor
	}
	return ""
}

func gigabytes(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%d GB", n)
}

func schedulesText(list []Schedule) (text string) {
	for i, s := range list {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprintf("%s on %d–%d", s.Size, s.From, s.To)
	}
	return text
}

func scalingText(s *Scaling) string {
	if s == nil {
		return ""
	}
	text := fmt.Sprintf("%d–%d workers", s.Min, s.Max)
	for _, r := range s.Rules {
		text += fmt.Sprintf(", %s >%d <%d", r.Measure, r.Above, r.Below)
	}
	return text + fmt.Sprintf(", every %d min", s.CooldownMinutes)
}

// draft is a change as it would be written.
type draft struct {
	before  Site // zero for a new site
	known   bool
	want    Want
	shape   provisioning.Shape
	sized   string
	peak    provisioning.Shape
	monthly money.Amount
	most    money.Amount
}

// draftOf works out what a want makes of a site. It refuses what can't be.
func draftOf(ctx context.Context, tx tenants.Tx, before Site, known bool, want Want) (draft, error) {
	d := draft{before: before, known: known, want: want}
	offers, err := Offers(ctx, tx)
	if err != nil {
		return d, err
	}
	operator, err := tenants.GetOperator(ctx, tx, want.Operator)
	if err != nil {
		return d, err
	}
	zone, err := time.LoadLocation(operator.Settings.Zone)
	if err != nil {
		return d, fmt.Errorf("zone of %s: %w", operator.Name, err)
	}
	b := bookOf(offers)
	if err := want.check(b, before.Want); err != nil {
		return d, err
	}
	stands := before.standing()
	d.shape, d.sized = want.shapeAt(b, tx.At, zone, before.Scaled, stands), want.sizeAt(tx.At, zone)
	if d.shape.DataGB < stands.DataGB {
		return d, refuse("size", "a size whose data volume, with the add-ons, has %d GB or more: a data volume never shrinks (%d GB were asked for)", stands.DataGB, d.shape.DataGB)
	}
	if d.shape.DataGB > maxVolumeGB {
		return d, refuse("add_ons", "at most %d GB of data", maxVolumeGB)
	}
	if d.shape.Workers > maxWorkers {
		return d, refuse("add_ons", "at most %d workers", maxWorkers)
	}
	d.peak = want.peak(b, stands)
	if d.monthly, d.most, err = want.cost(b); err != nil {
		return d, refuse("size", "sizes and add-ons with prices of one currency (%v)", err)
	}
	return d, nil
}

// standing is the shape whose volumes must not shrink: nothing while nothing
// was asked of the cloud, or all is cleared.
func (s Site) standing() provisioning.Shape {
	if s.Begun == 0 || s.State == Cleared || s.State == Removed {
		return provisioning.Shape{}
	}
	return s.Shape
}

func (d draft) plan(id provisioning.SiteID) Plan {
	p := Plan{Site: id, Revision: 1, Monthly: d.monthly, AtMost: d.most}
	var from Want
	var shape provisioning.Shape
	if d.known {
		from, shape, p.Revision, p.Before = d.before.Want, d.before.Shape, d.before.Revision, &d.before.Monthly
	}
	p.Changes = changesOf(shape, d.shape, from, d.want)
	if d.known && len(p.Changes) > 0 {
		p.Revision++
	}
	return p
}

// need is how much the shape takes of what a cloud counts.
func need(s provisioning.Shape, flavors []provisioning.Flavor) (map[string]int64, error) {
	n := map[string]int64{}
	machine := func(name string, count int64) error {
		i := slices.IndexFunc(flavors, func(f provisioning.Flavor) bool { return f.Name == name })
		if i < 0 {
			return refuse("size", "a size whose machines the cloud knows: it has no flavour %q", name)
		}
		n["servers"] += count
		n["vcpu"] += count * int64(flavors[i].VCPUs)
		n["memory_mb"] += count * int64(flavors[i].MemoryMB)
		return nil
	}
	first := int64(1)
	if s.Standby {
		first = 2
	}
	if err := machine(s.Flavor, first); err != nil {
		return nil, err
	}
	if s.Workers > 0 {
		if err := machine(s.WorkerFlavor, int64(s.Workers)); err != nil {
			return nil, err
		}
	}
	n["volume_gb"] = first * int64(s.BootGB+s.DataGB)
	n["volumes"] = 2 * first
	return n, nil
}

// fit says whether there is room for a draft in a cloud, at its largest.
func (p *Plan) fit(d draft, room provisioning.Room) error {
	wants, err := need(d.peak, room.Flavors)
	if err != nil {
		return err
	}
	if _, err := need(d.shape, room.Flavors); err != nil {
		return err
	}
	if has := d.before.standing(); has.Flavor != "" {
		// A flavour that the cloud dropped gives back what is not known: nothing.
		if given, err := need(has, room.Flavors); err == nil {
			for what, n := range given {
				wants[what] -= n
			}
		}
	}
	p.RoomAt, p.Fits = room.At, true
	stock := stockOf(room)
	for _, what := range slices.Sorted(maps.Keys(wants)) {
		line, counted := stock[what]
		if !counted {
			continue
		}
		free := int64(-1)
		if line.Has >= 0 {
			free = max(line.Has-line.Used, 0)
		}
		p.Room = append(p.Room, RoomNeed{What: what, Needs: wants[what], Free: free})
		if free >= 0 && wants[what] > free {
			p.Fits = false
		}
	}
	return nil
}
