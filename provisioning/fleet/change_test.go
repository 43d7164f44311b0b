package fleet_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/provisioning"
	"tollhouse/provisioning/fleet"
	"tollhouse/tenants"
)

func (w *world) plan(id provisioning.SiteID, want fleet.Want) fleet.Plan {
	w.t.Helper()
	p, err := w.fleet.Plan(context.Background(), id, want)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func (w *world) putFails(id provisioning.SiteID, want fleet.Want) error {
	w.t.Helper()
	err := w.try(func(ctx context.Context, tx tenants.Tx) error {
		_, _, err := w.fleet.Put(ctx, tx, w.by, id, want, 0)
		return err
	})
	if err == nil {
		w.t.Fatalf("%+v was taken", want)
	}
	if _, planErr := w.fleet.Plan(context.Background(), id, want); planErr == nil || planErr.Error() != err.Error() {
		w.t.Errorf("plan says %v, put says %v", planErr, err)
	}
	return err
}

func TestPut_repeatChangesNothing(t *testing.T) {
	w := newWorld(t)
	want := fleet.Want{Operator: w.operator("nordnetz"), Cloud: "memory", Size: "small", AddOns: map[string]int{"worker": 1}}
	id := newID()
	first := w.put(id, want)
	again := w.put(id, want)
	if first.Revision != 1 || again.Revision != 1 || !slices.Equal(w.events(id), []string{"asked"}) {
		t.Errorf("first %+v, again %+v, %v", first, again, w.events(id))
	}
	want.AddOns["worker"] = 3
	if after := w.put(id, want); after.Revision != 2 || after.Shape.Workers != 3 || after.Monthly.Text() != "460.00" {
		t.Errorf("after: %+v", after)
	}
	err := w.try(func(ctx context.Context, tx tenants.Tx) error {
		_, _, err := w.fleet.Put(ctx, tx, w.by, id, fleet.Want{Operator: want.Operator, Cloud: "memory", Size: "small"}, 1)
		return err
	})
	if !errors.Is(err, fleet.ErrRevision) {
		t.Errorf("over a change that was not read: %v", err)
	}
}

func TestPut_refusesByField(t *testing.T) {
	w := newWorld(t)
	operator := w.operator("nordnetz")
	good := fleet.Want{Operator: operator, Cloud: "memory", Size: "small"}
	scaled := func(s fleet.Scaling) fleet.Want { other := good; other.Scaling = &s; return other }
	rule := []fleet.Rule{{Measure: provisioning.CPUPercent, Above: 70, Below: 30}}
	for field, want := range map[string]fleet.Want{
		"cloud":             {Operator: operator, Cloud: "mars", Size: "small"},
		"size":              {Operator: operator, Cloud: "memory", Size: "worker"},
		"add_ons.gold":      {Operator: operator, Cloud: "memory", Size: "small", AddOns: map[string]int{"gold": 1}},
		"add_ons.worker":    {Operator: operator, Cloud: "memory", Size: "small", AddOns: map[string]int{"worker": 0}},
		"schedules[0].size": {Operator: operator, Cloud: "memory", Size: "small", Schedules: []fleet.Schedule{{Size: "huge", From: 1, To: 3}}},
		"schedules[0].to":   {Operator: operator, Cloud: "memory", Size: "small", Schedules: []fleet.Schedule{{Size: "large", From: 3, To: 1}}},
		"schedules[1]": {Operator: operator, Cloud: "memory", Size: "small", Schedules: []fleet.Schedule{
			{Size: "large", From: 1, To: 3}, {Size: "medium", From: 3, To: 5}}},
		"scaling.max":              scaled(fleet.Scaling{Min: 2, Max: 2, Rules: rule, CooldownMinutes: 10}),
		"scaling.rules":            scaled(fleet.Scaling{Max: 2, CooldownMinutes: 10}),
		"scaling.cooldown_minutes": scaled(fleet.Scaling{Max: 2, Rules: rule}),
		"scaling.rules[0].measure": scaled(fleet.Scaling{Max: 2, Rules: []fleet.Rule{{Measure: "mood", Above: 2, Below: 1}}, CooldownMinutes: 10}),
		"scaling.rules[0].below":   scaled(fleet.Scaling{Max: 2, Rules: []fleet.Rule{{Measure: provisioning.CPUPercent, Above: 2, Below: 2}}, CooldownMinutes: 10}),
	} {
		t.Run(field, func(t *testing.T) { refused(t, w.putFails(newID(), want), field) })
	}
	if err := w.putFails(newID(), fleet.Want{Operator: tenant.NewID(), Cloud: "memory", Size: "small"}); !errors.Is(err, tenants.ErrNotFound) {
		t.Errorf("for nobody: %v", err)
	}
}

func TestPut_dataVolumeNeverShrinks(t *testing.T) {
	w := newWorld(t)
	w.reconcile(quick)
	want := fleet.Want{Operator: w.operator("nordnetz"), Cloud: "memory", Size: "medium", AddOns: map[string]int{"volume-100": 2}}
	s := w.ready(want)
	if s.Shape.DataGB != 400 {
		t.Fatalf("shape %+v", s.Shape)
	}
	smaller := want
	smaller.AddOns = map[string]int{"volume-100": 1}
	refused(t, w.putFails(s.ID, smaller), "size")
	smaller.Size, smaller.AddOns = "small", nil
	err := w.putFails(s.ID, smaller)
	refused(t, err, "size")
	if !strings.Contains(err.Error(), "never shrinks") {
		t.Errorf("refused: %v", err)
	}
	// a smaller machine with the volume it has is a change like any other
	smaller.AddOns = map[string]int{"volume-100": 4}
	if after := w.put(s.ID, smaller); after.Shape.DataGB != 450 || after.Shape.Flavor != "tollhouse.small" {
		t.Errorf("after: %+v", after.Shape)
	}
}

func TestPlan_saysWhatItDoesAndCosts(t *testing.T) {
	w := newWorld(t)
	w.reconcile(quick)
	operator := w.operator("nordnetz")
	s := w.ready(fleet.Want{Operator: operator, Cloud: "memory", Size: "small"})
	p := w.plan(s.ID, fleet.Want{Operator: operator, Cloud: "memory", Size: "medium", AddOns: map[string]int{"worker": 2},
		Scaling: &fleet.Scaling{Max: 4, CooldownMinutes: 10, Rules: []fleet.Rule{{Measure: provisioning.ChargesPerSecond, Above: 900, Below: 300}}}})
	if p.Before == nil || p.Before.Text() != "190.00" || p.Monthly.Text() != "670.00" || p.AtMost.Text() != "1030.00" || p.Revision != 2 || !p.Fits {
		t.Errorf("plan: %+v", p)
	}
	var parts []string
	for _, c := range p.Changes {
		parts = append(parts, string(c.Deed)+" "+c.Part+" "+c.From+">"+c.To)
	}
	want := []string{"change size small>medium", "change machine tollhouse.small>tollhouse.medium", "change data_volume 50 GB>200 GB", "make workers 0>3",
		"make scaling >0–4 workers, charges_per_second >900 <300, every 10 min"}
	if !slices.Equal(parts, want) {
		t.Errorf("changes:\n%s\nwanted:\n%s", strings.Join(parts, "\n"), strings.Join(want, "\n"))
	}
	if after := w.get(s.ID); after.Revision != 1 || after.State != fleet.Ready {
		t.Errorf("planning changed it: %+v", after)
	}
	big := w.plan(newID(), fleet.Want{Operator: operator, Cloud: "memory", Size: "large", AddOns: map[string]int{"worker": 60}})
	if big.Fits || big.Before != nil {
		t.Errorf("sixty workers fit: %+v", big)
	}
	w.cloud.Fail(func(call string, _ provisioning.SiteID) error {
		if call == "Room" {
			return provisioning.Because("The cloud does not answer.", errors.New("down"))
		}
		return nil
	})
	if blind := w.plan(newID(), fleet.Want{Operator: operator, Cloud: "memory", Size: "large"}); blind.Fits || blind.RoomWhy != "The cloud does not answer." {
		t.Errorf("without the cloud: %+v", blind)
	}
}

func TestPlan_scheduleCostsItsDays(t *testing.T) {
	w := newWorld(t)
	p := w.plan(newID(), fleet.Want{Operator: w.operator("nordnetz"), Cloud: "memory", Size: "medium", Schedules: []fleet.Schedule{{Size: "large", From: 1, To: 3}}})
	// 490 + (1290 - 490) × 3/30
	if p.Monthly.Text() != "570.00" || p.AtMost.Text() != "570.00" {
		t.Errorf("plan: %+v", p)
	}
}

func TestPutOffer_changesNothingThatStands(t *testing.T) {
	w := newWorld(t)
	w.reconcile(quick)
	operator := w.operator("nordnetz")
	s := w.ready(fleet.Want{Operator: operator, Cloud: "memory", Size: "small"})
	offer := fleet.Offer{Name: "small", Kind: fleet.Size, Title: "Small", Guarantee: 300, Price: money.New(money.MustDecimal("210"), money.MustCurrency("EUR")),
		Shape: provisioning.Shape{Flavor: "tollhouse.medium", WorkerFlavor: "tollhouse.small", BootGB: 20, DataGB: 60}}
	w.write(func(ctx context.Context, tx tenants.Tx) error {
		_, err := fleet.PutOffer(ctx, tx, w.by, offer, false)
		return err
	})
	time.Sleep(50 * time.Millisecond)
	if after := w.get(s.ID); after.Revision != 1 || after.Shape != s.Shape || after.Monthly.Text() != "190.00" {
		t.Errorf("changed: %+v", after)
	}
	if other := w.put(newID(), fleet.Want{Operator: operator, Cloud: "memory", Size: "small"}); other.Monthly.Text() != "210.00" || other.Shape.DataGB != 60 {
		t.Errorf("another: %+v", other)
	}
	// one that is retired is not sold any more, but kept
	w.write(func(ctx context.Context, tx tenants.Tx) error {
		_, err := fleet.PutOffer(ctx, tx, w.by, offer, true)
		return err
	})
	refused(t, w.putFails(newID(), fleet.Want{Operator: operator, Cloud: "memory", Size: "small"}), "size")
	w.put(s.ID, fleet.Want{Operator: operator, Cloud: "memory", Size: "small", AddOns: map[string]int{"worker": 1}})
	for field, bad := range map[string]func(o *fleet.Offer){
		"name":          func(o *fleet.Offer) { o.Name = "Small!" },
		"title":         func(o *fleet.Offer) { o.Title = " " },
		"shape.flavor":  func(o *fleet.Offer) { o.Shape.Flavor = "" },
		"shape.data_gb": func(o *fleet.Offer) { o.Shape.DataGB = 0 },
		"price":         func(o *fleet.Offer) { o.Price = money.New(money.MustDecimal("-1"), money.MustCurrency("EUR")) },
		"price.amount":  func(o *fleet.Offer) { o.Price = money.New(money.MustDecimal("1.005"), money.MustCurrency("EUR")) },
	} {
		o := offer
		bad(&o)
		refused(t, w.try(func(ctx context.Context, tx tenants.Tx) error {
			_, err := fleet.PutOffer(ctx, tx, w.by, o, false)
			return err
		}), field)
	}
	err := w.try(func(ctx context.Context, tx tenants.Tx) error {
		_, err := fleet.PutOffer(ctx, tx, w.by, fleet.Offer{Name: "small", Kind: fleet.AddOn, Title: "x", Price: offer.Price, Shape: provisioning.Shape{Workers: 1}}, false)
		return err
	})
	if !errors.Is(err, fleet.ErrOfferName) {
		t.Errorf("an add-on took a size's name: %v", err)
	}
}

func TestClose_waitsForTheGraceAndAFinalBackup(t *testing.T) {
	w := newWorld(t)
	w.reconcile(quick)
	s := w.ready(fleet.Want{Operator: w.operator("nordnetz"), Cloud: "memory", Size: "small"})
	shut := func(days int, reason string) error {
		return w.try(func(ctx context.Context, tx tenants.Tx) error {
			_, err := w.fleet.Close(ctx, tx, w.by, s.ID, reason, days)
			return err
		})
	}
	refused(t, shut(14, " "), "reason")
	refused(t, shut(-1, "the contract has ended"), "grace_days")
	if err := shut(14, "the contract has ended"); err != nil {
		t.Fatal(err)
	}
	if err := shut(14, "the contract has ended"); !errors.Is(err, fleet.ErrState) {
		t.Errorf("closed twice: %v", err)
	}
	refusedPut := w.putFails(s.ID, fleet.Want{Operator: s.Want.Operator, Cloud: "memory", Size: "medium"})
	if !errors.Is(refusedPut, fleet.ErrState) {
		t.Errorf("changed while it is closed: %v", refusedPut)
	}
	w.write(func(ctx context.Context, tx tenants.Tx) error {
		_, err := w.fleet.Reopen(ctx, tx, w.by, s.ID)
		return err
	})
	w.untilState(s.ID, fleet.Ready)
	if err := shut(14, "the contract has ended"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond)
	if s := w.get(s.ID); s.State != fleet.Closing || len(w.cloud.Standing()) != 1 {
		t.Errorf("within the grace: %+v", s)
	}
	w.pass(15 * 24 * time.Hour)
	got := w.until(s.ID, "waiting for its backup", func(s fleet.Site) bool {
		return s.State == fleet.Closing && strings.Contains(s.Reason, "table 3 of 90")
	})
	if len(w.cloud.Standing()) != 1 {
		t.Errorf("deleted without a backup: %+v", got)
	}
	w.backups.finish()
	got = w.untilState(s.ID, fleet.Removed)
	if got.FinalBackup != "backup/nordnetz" || got.RemovedAt == nil || len(w.cloud.Standing()) != 0 || w.hosts.Withdrawn(s.ID) == 0 {
		t.Errorf("removed: %+v", got)
	}
}

func TestClose_withoutBackupOnlyByWrittenWord(t *testing.T) {
	w := newWorld(t)
	w.reconcile(quick)
	s := w.ready(fleet.Want{Operator: w.operator("nordnetz"), Cloud: "memory", Size: "small"})
	waive := func(reason string) error {
		return w.try(func(ctx context.Context, tx tenants.Tx) error {
			_, err := w.fleet.Waive(ctx, tx, w.by, s.ID, reason)
			return err
		})
	}
	if err := waive("a trial without data"); !errors.Is(err, fleet.ErrState) {
		t.Errorf("waived before it is closed: %v", err)
	}
	w.write(func(ctx context.Context, tx tenants.Tx) error {
		_, err := w.fleet.Close(ctx, tx, w.by, s.ID, "the trial is over", 0)
		return err
	})
	w.until(s.ID, "waiting", func(s fleet.Site) bool { return s.Reason != "" })
	refused(t, waive(""), "reason")
	if err := waive("a trial without data"); err != nil {
		t.Fatal(err)
	}
	if got := w.untilState(s.ID, fleet.Removed); got.Waiver != "a trial without data" || got.WaivedBy == "" {
		t.Errorf("removed: %+v", got)
	}
}

func TestSchedule_bringsItsMachinesInTheOperatorsZone(t *testing.T) {
	w := newWorld(t)
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	w.pass(time.Until(time.Date(2027, 3, 31, 20, 0, 0, 0, berlin)))
	w.reconcile(quick)
	want := fleet.Want{Operator: w.operator("nordnetz"), Cloud: "memory", Size: "medium", Schedules: []fleet.Schedule{{Size: "large", From: 1, To: 3}}}
	s := w.ready(want)
	w.pass(time.Hour) // 21:00 on the 31st
	w.hosts.Come(s.ID)
	time.Sleep(60 * time.Millisecond)
	if got := w.get(s.ID); got.Sized != "medium" {
		t.Fatalf("on the 31st: %+v", got)
	}
	w.pass(3*time.Hour + time.Minute) // after midnight in Berlin, before midnight UTC
	w.hosts.Come(s.ID)
	got := w.until(s.ID, "large", func(s fleet.Site) bool { return s.State == fleet.Ready && s.Sized == "large" && s.Made == s.Revision })
	if got.Shape.Flavor != "tollhouse.large" || got.Shape.Workers != 2 || got.Shape.DataGB != 200 {
		t.Errorf("on the 1st: %+v", got.Shape)
	}
	w.pass(3 * 24 * time.Hour)
	w.hosts.Come(s.ID)
	got = w.until(s.ID, "medium again", func(s fleet.Site) bool { return s.State == fleet.Ready && s.Sized == "medium" && s.Made == s.Revision })
	if got.Shape != s.Shape || !slices.Contains(w.events(s.ID), "scheduled") {
		t.Errorf("on the 4th: %+v, %v", got.Shape, w.events(s.ID))
	}
}

func TestScaling_addsAndTakesWorkersWithinItsBounds(t *testing.T) {
	w := newWorld(t)
	w.reconcile(quick)
	s := w.ready(fleet.Want{Operator: w.operator("nordnetz"), Cloud: "memory", Size: "small", Scaling: &fleet.Scaling{Max: 2, CooldownMinutes: 10,
		Rules: []fleet.Rule{{Measure: provisioning.CPUPercent, Above: 70, Below: 30}, {Measure: provisioning.P99Millis, Above: 50, Below: 20}}}})
	load := func(cpu, p99 int64) {
		w.hosts.Say(s.ID, provisioning.Seen{Enrolled: true, Healthy: true, Load: provisioning.Load{provisioning.CPUPercent: cpu, provisioning.P99Millis: p99}})
	}
	scaled := func(n int) {
		t.Helper()
		got := w.until(s.ID, "scaled", func(s fleet.Site) bool { return s.State == fleet.Ready && s.Scaled == n && s.Made == s.Revision })
		if got.Shape.Workers != n {
			t.Errorf("shape %+v", got.Shape)
		}
	}
	load(20, 80) // one rule above is enough
	scaled(1)
	time.Sleep(60 * time.Millisecond)
	scaled(1) // within the cooldown
	w.pass(11 * time.Minute)
	load(90, 80)
	scaled(2)
	w.pass(11 * time.Minute)
	load(90, 80)
	time.Sleep(60 * time.Millisecond)
	scaled(2) // never above its bound
	load(10, 40)
	time.Sleep(60 * time.Millisecond)
	scaled(2) // all have to be below
	load(10, 10)
	scaled(1)
	w.pass(11 * time.Minute) // what was said is old now, and says nothing
	time.Sleep(60 * time.Millisecond)
	scaled(1)
	if kinds := w.events(s.ID); !slices.Contains(kinds, "scaled") {
		t.Errorf("history: %v", kinds)
	}
}

func TestOrphans_adoptedOrDeletedByStaff(t *testing.T) {
	w := newWorld(t)
	operator := w.operator("nordnetz")
	lost, waste := newID(), newID()
	for _, id := range []provisioning.SiteID{lost, waste} {
		if _, err := w.cloud.Ensure(context.Background(), provisioning.Site{ID: id, Operator: operator, Name: "nordnetz", Revision: 7, UserData: "as it was",
			Shape: provisioning.Shape{Flavor: "tollhouse.small", WorkerFlavor: "tollhouse.small", BootGB: 20, DataGB: 50}}); err != nil {
			t.Fatal(err)
		}
	}
	w.hosts.Come(lost)
	w.reconcile(quick)
	orphans := func() (n int) {
		w.write(func(ctx context.Context, tx tenants.Tx) error {
			views, err := w.fleet.CloudViews(ctx, tx)
			if err == nil {
				n = len(views[0].Orphans)
			}
			return err
		})
		return n
	}
	eventually(t, "two orphans", func() bool { return orphans() == 2 })
	w.write(func(ctx context.Context, tx tenants.Tx) error {
		_, err := w.fleet.Adopt(ctx, tx, w.by, "memory", lost.String(), fleet.Want{Operator: operator, Size: "small"})
		return err
	})
	s := w.untilState(lost, fleet.Ready)
	if s.Revision != 7 || s.Made != 7 || w.cloud.Made != 2 {
		t.Errorf("adopted: %+v", s)
	}
	w.put(lost, fleet.Want{Operator: operator, Cloud: "memory", Size: "medium"})
	w.until(lost, "grown", func(s fleet.Site) bool { return s.State == fleet.Ready && s.Made == 8 })
	if len(w.cloud.Data) != 2 {
		t.Errorf("its machine was made again: %q", w.cloud.Data)
	}
	drop := func(id, reason string) error {
		return w.try(func(ctx context.Context, tx tenants.Tx) error {
			return w.fleet.DeleteOrphan(ctx, tx, w.by, "memory", id, reason)
		})
	}
	refused(t, drop(waste.String(), ""), "reason")
	if err := drop(lost.String(), "not ours"); !errors.Is(err, fleet.ErrOrphan) {
		t.Errorf("a known site was deleted as an orphan: %v", err)
	}
	if err := drop(uuid.NewString(), "not ours"); !errors.Is(err, fleet.ErrOrphan) {
		t.Errorf("what is not there was deleted: %v", err)
	}
	if err := drop(waste.String(), "left over from a trial"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "no orphan", func() bool { return orphans() == 0 && len(w.cloud.Standing()) == 1 })
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for late := time.Now().Add(20 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(late) {
			t.Fatalf("not %s", what)
		}
	}
}

func TestCapacity_countsWhatIsUsedPromisedAndGrows(t *testing.T) {
	w := newWorld(t)
	w.reconcile(quick)
	w.ready(fleet.Want{Operator: w.operator("nordnetz"), Cloud: "memory", Size: "medium", Scaling: &fleet.Scaling{Max: 3, CooldownMinutes: 10,
		Rules: []fleet.Rule{{Measure: provisioning.CPUPercent, Above: 70, Below: 30}}}})
	capacity := func(what string) (c fleet.Capacity) {
		w.write(func(ctx context.Context, tx tenants.Tx) error {
			views, err := w.fleet.CloudViews(ctx, tx)
			if err != nil {
				return err
			}
			list, err := fleet.CapacityOf(ctx, tx, views[0])
			for _, one := range list {
				if one.What == what {
					c = one
				}
			}
			return err
		})
		return c
	}
	// a medium machine and a small worker stand; three small ones may come
	eventually(t, "seen", func() bool { c := capacity("vcpu"); return c.Used == 3 && c.Reserved == 3 })
	if c := capacity("vcpu"); c.Has != 64 || c.Free() != 58 || c.Days != 0 || c.RunsOut != nil {
		t.Errorf("capacity: %+v", c)
	}
	w.pass(10 * 24 * time.Hour)
	w.ready(fleet.Want{Operator: w.operator("sudnetz"), Cloud: "memory", Size: "large"})
	eventually(t, "grown", func() bool { c := capacity("vcpu"); return c.Used == 11 && c.Days == 10 })
	if c := capacity("vcpu"); c.Grew != 8 || c.RunsOut == nil {
		t.Errorf("capacity: %+v", c)
	}
}
