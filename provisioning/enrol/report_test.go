package enrol_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/provisioning"
	"tollhouse/provisioning/alarm"
	"tollhouse/provisioning/enrol"
	"tollhouse/provisioning/machine"
	"tollhouse/tenants"
)

// enrolled is a machine of a new operator.
func (w *world) enrolled(t *testing.T, name string, role machine.Role) (*server, tenants.Operator) {
	t.Helper()
	operator, box := w.operator(t, name), newServer(t, w)
	if _, err := box.apply(w.issue(t, enrol.NewInvitation{Operator: operator.ID, Role: role}).Token, name, role); err != nil {
		t.Fatal(err)
	}
	return box, operator
}

func (w *world) machine(t *testing.T, id uuid.UUID) (m enrol.Machine) {
	t.Helper()
	w.write(t, func(ctx context.Context, tx tenants.Tx) (err error) {
		m, err = enrol.GetMachine(ctx, tx, id)
		return err
	})
	return m
}

func TestReport_isHeardOnceAndFromItsMachineOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	box, _ := w.enrolled(t, "nordnetz", machine.Agent)
	ctx, r := context.Background(), machine.Report{Healthy: true, Version: digest}
	signed := box.signed(t, machine.PathReport, r)
	if _, err := w.Report(ctx, signed, r, "192.0.2.7"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Report(ctx, signed, r, "198.51.100.1"); !errors.Is(err, enrol.ErrReplay) {
		t.Errorf("the same request again: %v", err)
	}
	forged := signed
	forged.Number++
	if _, err := w.Report(ctx, forged, r, "198.51.100.1"); !errors.Is(err, enrol.ErrSignature) {
		t.Errorf("a request with another number: %v", err)
	}
	if got := w.raised(t, box.id); got[alarm.RequestReplay] != 1 || got[alarm.RequestForged] != 1 {
		t.Errorf("alarms: %v", got)
	}
	for off, want := range map[time.Duration]error{-4 * time.Minute: nil, 4 * time.Minute: nil, -6 * time.Minute: enrol.ErrClock, 6 * time.Minute: enrol.ErrClock} {
		box.number++
		late := machine.Request{Method: "POST", Path: machine.PathReport, Machine: box.id, Time: w.now().Add(off), Number: box.number}.Signed(box.keys.Sign)
		if _, err := w.Report(ctx, late, r, ""); !errors.Is(err, want) {
			t.Errorf("%s off: %v, want %v", off, err, want)
		}
	}
	if m := w.machine(t, box.id); m.Stands(w.now()) != enrol.StandsHealthy || m.Report.Version != digest {
		t.Errorf("machine: %+v", m)
	}
	box.id = uuid.New()
	if _, err := box.report(t, r); !errors.Is(err, enrol.ErrSignature) {
		t.Errorf("a machine that nobody knows: %v", err)
	}
}

func TestReport_raisesAndClearsAlarms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	box, _ := w.enrolled(t, "nordnetz", machine.Agent)
	old := w.now().Add(-48 * time.Hour)
	bad := machine.Report{Reason: "the database does not answer", Disks: []machine.Disk{{Path: "/", Total: 1000, Free: 50}}, MemoryTotal: 1000, MemoryFree: 10,
		Certificates: []machine.Certificate{{Name: "/etc/ssl/a.pem", EndsAt: w.now().AddDate(0, 0, 5)}}, Missing: []string{"nginx"}, BackupAt: &old, OffsetMillis: 60000}
	if _, err := box.report(t, bad); err != nil {
		t.Fatal(err)
	}
	want := []alarm.Kind{alarm.MachineUnhealthy, alarm.DiskLow, alarm.MemoryLow, alarm.CertificateEnds, alarm.ProcessGone, alarm.BackupOld, alarm.ClockOff}
	got := w.raised(t, box.id)
	for _, kind := range want {
		if got[kind] != 1 {
			t.Errorf("%s was not raised: %v", kind, got)
		}
	}
	if _, err := box.report(t, machine.Report{Healthy: true}); err != nil {
		t.Fatal(err)
	}
	if got := w.raised(t, box.id); len(got) != 0 {
		t.Errorf("not cleared: %v", got)
	}
}

// A host's drill that failed, is overdue or was slow is an alarm until the next
// one has gone well; one that keeps no backups has none to make.
func TestReport_judgesDrills(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	box, _ := w.enrolled(t, "nordnetz", machine.Host)
	alarmed := func(d *machine.Drill, backed bool) bool {
		t.Helper()
		r := machine.Report{Healthy: true, Drill: d}
		if at := w.now(); backed {
			r.BackupAt = &at
		}
		if _, err := box.report(t, r); err != nil {
			t.Fatal(err)
		}
		return w.raised(t, box.id)[alarm.DrillFailed] > 0
	}
	ago := func(days int) time.Time { return w.now().AddDate(0, 0, -days) }
	if alarmed(nil, true) {
		t.Error("alarm on a host that has just come")
	}
	w.pass(10 * 24 * time.Hour)
	for _, c := range []struct {
		name   string
		drill  *machine.Drill
		backed bool
		want   bool
	}{
		{"none in ten days", nil, true, true},
		{"none, and no backups", nil, false, false},
		{"it went well", &machine.Drill{At: ago(7), RestoredMS: 4000, Stacks: 1}, true, false},
		{"it failed", &machine.Drill{At: ago(1), Fault: "Nothing could be restored."}, true, true},
		{"the next went well", &machine.Drill{At: ago(0), RestoredMS: 4000, Stacks: 1}, true, false},
		{"too old", &machine.Drill{At: ago(10), RestoredMS: 4000, Stacks: 1}, true, true},
		{"slow", &machine.Drill{At: ago(1), RestoredMS: 2 * 3600 * 1000, Stacks: 1}, true, true},
	} {
		if got := alarmed(c.drill, c.backed); got != c.want {
			t.Errorf("%s: alarm %v", c.name, got)
		}
	}
	if _, err := box.report(t, machine.Report{Drill: &machine.Drill{Stacks: -1}}); !errors.Is(err, machine.ErrReport) {
		t.Errorf("a drill that cannot be: %v", err)
	}
}

func TestLookForSilence_untilItSpeaksAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	box, _ := w.enrolled(t, "nordnetz", machine.Agent)
	look := func() map[alarm.Kind]int64 {
		if err := w.LookForSilence(context.Background()); err != nil {
			t.Fatal(err)
		}
		return w.raised(t, box.id)
	}
	w.pass(enrol.Silence)
	if got := look(); len(got) != 0 {
		t.Errorf("alarm too early: %v", got)
	}
	w.pass(time.Second)
	for range 2 {
		if got := look(); got[alarm.MachineSilent] != 1 {
			t.Errorf("no alarm, or many: %v", got)
		}
	}
	if m := w.machine(t, box.id); m.Stands(w.now()) != enrol.StandsSilent {
		t.Errorf("it stands as %s", m.Stands(w.now()))
	}
	if _, err := box.report(t, machine.Report{Healthy: true}); err != nil {
		t.Fatal(err)
	}
	if got := look(); len(got) != 0 {
		t.Errorf("it spoke: %v", got)
	}
}

func TestChangeKeys_theOldOneCountsNoMore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	box, _ := w.enrolled(t, "nordnetz", machine.Host)
	w.write(t, func(ctx context.Context, tx tenants.Tx) error {
		_, err := w.RenewKeys(ctx, tx, tenants.System, box.id)
		return err
	})
	orders, err := box.report(t, machine.Report{Healthy: true})
	if err != nil || !orders.NewKeys {
		t.Fatalf("orders: %+v, %v", orders, err)
	}
	old, fresh := box.keys, newServer(t, w).keys
	renewal := machine.Renewed(old.Public(), fresh)
	for range 2 { // the answer to the first was lost
		if err := w.ChangeKeys(context.Background(), box.signed(t, machine.PathKeys, renewal), renewal, ""); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := box.report(t, machine.Report{}); !errors.Is(err, enrol.ErrSignature) {
		t.Errorf("the old key reports still: %v", err)
	}
	box.keys = fresh
	if orders, err = box.report(t, machine.Report{Healthy: true}); err != nil || orders.NewKeys {
		t.Errorf("with the new key: %+v, %v", orders, err)
	}
	configuration, err := w.Configuration(context.Background(), box.signed(t, machine.PathConfiguration, nil), "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fresh.Unseal(configuration.Key); err != nil {
		t.Errorf("the key is not sealed for the new keys: %v", err)
	}
	// the old key may not undo it
	box.keys = old
	again := machine.Renewed(fresh.Public(), newServer(t, w).keys)
	if err := w.ChangeKeys(context.Background(), box.signed(t, machine.PathKeys, again), again, ""); !errors.Is(err, enrol.ErrSignature) {
		t.Errorf("the old key changed keys: %v", err)
	}
}

// Machines beside the first are invited by themselves once it has its data: its
// own invitation stays good, and so do theirs from before.
func TestInvite_machinesBesideTheFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	operator, site := w.operator(t, "nordnetz"), provisioning.Site{ID: provisioning.SiteID(uuid.New()), Revision: 1}
	site.Operator = operator.ID
	first, err := w.Invite(context.Background(), site)
	if err != nil || first.WorkerData != "" || first.StandbyData != "" {
		t.Fatalf("%+v, %v", first, err)
	}
	site.UserData, site.Revision, site.Shape = first.UserData, 2, provisioning.Shape{Workers: 2, Standby: true}
	beside, err := w.Invite(context.Background(), site)
	if err != nil || beside.UserData != first.UserData || beside.Revision != 2 {
		t.Fatalf("%+v, %v", beside, err)
	}
	site.Revision = 3
	more, err := w.Invite(context.Background(), site)
	if err != nil || more.WorkerData == beside.WorkerData {
		t.Fatalf("%+v, %v", more, err)
	}
	for _, c := range []struct {
		data string
		role machine.Role
		want error
	}{{first.UserData, machine.Host, nil}, {beside.WorkerData, machine.Worker, nil}, {beside.WorkerData, machine.Worker, nil},
		{beside.WorkerData, machine.Worker, enrol.ErrTokenUsed}, {more.WorkerData, machine.Worker, nil},
		{beside.StandbyData, machine.Standby, nil}, {beside.StandbyData, machine.Standby, enrol.ErrTokenUsed}, {more.StandbyData, machine.Standby, nil}} {
		if _, err := newServer(t, w).apply(tokenIn(t, c.data), "nordnetz", c.role); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.role, err, c.want)
		}
	}
	site.UserData = "" // its machine is made anew
	if _, err := w.Invite(context.Background(), site); err != nil {
		t.Fatal(err)
	}
	if _, err := newServer(t, w).apply(tokenIn(t, more.WorkerData), "nordnetz", machine.Worker); !errors.Is(err, enrol.ErrTokenLate) {
		t.Errorf("one that was invited before: %v", err)
	}
}

func TestReport_tellsOfANewConfiguration(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	operator, site := w.operator(t, "nordnetz"), provisioning.Site{ID: provisioning.SiteID(uuid.New()), Shape: provisioning.Shape{Workers: 2}}
	site.Operator = operator.ID
	invited, err := w.Invite(context.Background(), site)
	if err != nil || invited.WorkerData == "" {
		t.Fatal(err)
	}
	box := newServer(t, w)
	if seen, err := w.Seen(context.Background(), site.ID); err != nil || seen.Enrolled {
		t.Errorf("seen before it came: %+v, %v", seen, err)
	}
	welcome, err := box.apply(tokenIn(t, invited.UserData), "nordnetz", machine.Host)
	if err != nil {
		t.Fatal(err)
	}
	first, err := box.report(t, machine.Report{Healthy: true, Stack: machine.StackReady, CPUPermille: 401, Disks: []machine.Disk{{Total: 1000, Free: 400}}})
	if err != nil {
		t.Fatal(err)
	}
	// Its stack stands: the owner's first password is gone here, and with it from the configuration.
	if first.Revision == welcome.Configuration.Revision {
		t.Error("the first password is in the configuration still")
	}
	w.wanted = "another"
	second, err := box.report(t, machine.Report{Healthy: true})
	if err != nil || second.Revision == first.Revision {
		t.Errorf("a new version is not told: %+v, %v", second, err)
	}
	seen, err := w.Seen(context.Background(), site.ID)
	if err != nil || !seen.Healthy || seen.Load[provisioning.CPUPercent] != 0 {
		t.Errorf("seen: %+v, %v", seen, err)
	}
	for range 2 {
		if err := w.Withdraw(context.Background(), site.ID); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := box.report(t, machine.Report{}); !errors.Is(err, enrol.ErrRevoked) {
		t.Errorf("its site is gone: %v", err)
	}
	if _, err := newServer(t, w).apply(tokenIn(t, invited.WorkerData), "nordnetz", machine.Worker); !errors.Is(err, enrol.ErrTokenLate) {
		t.Errorf("a worker of a site that is gone: %v", err)
	}
}
