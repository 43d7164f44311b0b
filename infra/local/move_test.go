package local_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing"
	"tollhouse/billing/identity"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
	"tollhouse/infra/local"
	"tollhouse/infra/postgres"
	"tollhouse/infra/postgres/pgtest"
	"tollhouse/provisioning"
	"tollhouse/provisioning/move"
	"tollhouse/tenants"
)

// road is a house with a second host database, and what runs on both.
type road struct {
	*house
	other *pgtest.Host
	fleet *local.Fleet
	made  tenants.Created
	hosts map[string]*billing.Host
}

func newRoad(t *testing.T) *road {
	t.Helper()
	r := &road{house: newHouse(t), other: pgtest.NewHost(t), hosts: map[string]*billing.Host{}}
	ctx := context.Background()
	reconciler := r.reconciler(t, r.cloud, provisioning.Config{Poll: 20 * time.Millisecond})
	r.made = r.create(t, reconciler, "nordnetz")
	r.await(t, r.made.ID)
	names := []string{r.host.Database, r.other.Database}
	err := r.control.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		for _, name := range names {
			_, err := provisioning.PutHostDatabase(ctx, tx, tenants.System, r.box, provisioning.NewHostDatabase{Name: name, Database: name,
				URL: r.host.Server.AdminURL("postgres"), Kind: provisioning.Pooled, Capacity: 300, Open: true})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	r.fleet = local.NewFleet(r.cloud, func(_ context.Context, name string) (local.Config, error) {
		return local.Config{Server: r.host.Server, Host: name, DB: r.other.DB, Identity: r.authority, Seal: r.box.Tenants(), Now: time.Now, Log: r.log()}, nil
	}, func(context.Context) ([]string, error) { return names, nil })
	t.Cleanup(r.fleet.Close)
	for name, db := range map[string]*tenant.DB{r.host.Database: r.db, r.other.Database: r.other.DB} {
		r.hosts[name] = billing.NewHost(billing.Config{DB: db, Identity: r.authority, Seal: r.box.Tenants(), Inbox: t.TempDir(),
			PublicURL: "https://tollhouse.example", Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	}
	return r
}

// find is the stack wherever it can be found, as a door in front of both hosts
// would find it.
func (r *road) find(ctx context.Context) (*billing.Stack, error) {
	var last error
	for _, name := range []string{r.host.Database, r.other.Database} {
		stack, err := r.hosts[name].Resolve(ctx, "nordnetz")
		if err == nil {
			return stack, nil
		}
		if last == nil || !errors.Is(err, tenant.ErrUnknown) {
			last = err
		}
	}
	return nil, last
}

func (r *road) mover(t *testing.T, ends move.Ends) *move.Mover { return r.moverOn(t, r.control, ends) }

func (r *road) moverOn(t *testing.T, db *tenants.DB, ends move.Ends) *move.Mover {
	t.Helper()
	m := move.New(db, ends, move.Config{Poll: 20 * time.Millisecond, Lease: 400 * time.Millisecond, Watch: 50 * time.Millisecond}, r.log())
	m.Start(context.Background())
	t.Cleanup(m.Stop)
	return m
}

// controlThrough is the control plane's database through a wire of its own.
func (r *road) controlThrough(t *testing.T, wire *trip) *tenants.DB {
	t.Helper()
	var name string
	err := r.control.Read(context.Background(), func(ctx context.Context, tx tenants.Tx) error {
		return tx.QueryRow(ctx, `select current_database()`).Scan(&name)
	})
	if err != nil {
		t.Fatal(err)
	}
	return tenants.Open(r.pool(t, postgres.RoleControl, name, wire), time.Now)
}

func (r *road) start(t *testing.T, to string) (m move.Move) {
	t.Helper()
	err := r.control.Write(context.Background(), func(ctx context.Context, tx tenants.Tx) (err error) {
		m, err = move.Start(ctx, tx, tenants.System, move.Order{Operator: r.made.ID, To: to})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (r *road) decide(t *testing.T, id uuid.UUID, wish move.Wish) {
	t.Helper()
	err := r.control.Write(context.Background(), func(ctx context.Context, tx tenants.Tx) error {
		_, err := move.Decide(ctx, tx, tenants.System, id, wish)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (r *road) look(t *testing.T, id uuid.UUID) (m move.Move) {
	t.Helper()
	err := r.control.Read(context.Background(), func(ctx context.Context, tx tenants.Tx) (err error) { m, err = move.Get(ctx, tx, id); return err })
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (r *road) until(t *testing.T, id uuid.UUID, want move.State) move.Move {
	t.Helper()
	for deadline := time.Now().Add(40 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		m := r.look(t, id)
		if m.State == want {
			return m
		}
		if time.Now().After(deadline) {
			t.Fatalf("the move is %s and not %s: %s %+v", m.State, want, m.Reason, m.Steps)
		}
	}
}

// traffic debits calls from several callers until it is stopped. Each call is
// asked for under its key until it is answered.
type traffic struct {
	answered atomic.Int64
	refused  atomic.Int64 // to be asked again
	longest  atomic.Int64 // nanoseconds that a caller waited
	stop     chan struct{}
	wait     sync.WaitGroup
	source   uuid.UUID
}

func (r *road) traffic(t *testing.T, name string, callers int) *traffic {
	t.Helper()
	ctx := context.Background()
	stack, err := r.find(ctx)
	if err != nil {
		t.Fatal(err)
	}
	f := &traffic{stop: make(chan struct{})}
	at := time.Date(2026, 6, 2, 12, 0, 0, 0, time.UTC)
	write(t, stack, func(ctx context.Context, tx tenant.Tx) error {
		return tx.QueryRow(ctx, `select id from usage_source where name = 'switch'`).Scan(&f.source)
	})
	for caller := range callers {
		f.wait.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-f.stop:
					return
				default:
				}
				record := usage.Record{Key: fmt.Sprintf("%s-%d-%d", name, caller, n), Kind: usage.Voice, Identity: usage.Identity{Kind: usage.MSISDN, Value: "+4915100000001"},
					Destination: "+4930123456789", Start: at, End: at.Add(time.Minute), Quantity: 60, Unit: money.Second}
				time.Sleep(3 * time.Millisecond)
				for began := time.Now(); ; {
					stack, err := r.find(ctx)
					if err == nil {
						_, err = stack.Online().Debit(ctx, stack.Ref, f.source, record)
					}
					if err == nil {
						f.answered.Add(1)
						if took := int64(time.Since(began)); took > f.longest.Load() {
							f.longest.Store(took)
						}
						break
					}
					if !errors.Is(err, tenant.ErrMoving) && !errors.Is(err, tenant.ErrUnreachable) && !errors.Is(err, tenant.ErrUnknown) {
						t.Errorf("%s: %v", record.Key, err)
						return
					}
					f.refused.Add(1)
					time.Sleep(20 * time.Millisecond)
				}
			}
		})
	}
	return f
}

func (f *traffic) end() { close(f.stop); f.wait.Wait() }

// books checks the ledger where the stack is now, and that each call was
// charged once.
func (r *road) books(t *testing.T, prefix string, want int64) {
	t.Helper()
	stack, err := r.find(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	err = stack.Read(context.Background(), func(ctx context.Context, tx tenant.Tx) error {
		report, err := ledger.ControlSums(ctx, tx)
		if err == nil {
			err = report.Check()
		}
		if err != nil {
			return err
		}
		var charges, keys int64
		err = tx.QueryRow(ctx, `select count(*), count(distinct r.producer_id) from charge c join usage_record r on r.id = c.usage_id where r.producer_id like $1`, prefix+"-%").Scan(&charges, &keys)
		if charges != want || keys != want {
			t.Errorf("%d calls were answered, %d charged, %d of them different ones", want, charges, keys)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A stack moves to another host database, and back, while calls are charged:
// none is lost, none charged twice, and the pause is short and measured.
func TestMove_whileCallsAreCharged(t *testing.T) {
	t.Parallel()
	r := newRoad(t)
	stack := r.resolve(t, "nordnetz")
	r.fill(t, stack)
	mover := r.mover(t, r.fleet)
	f := r.traffic(t, "there", 4)
	m := r.start(t, r.other.Database)
	mover.Wake()
	moved := r.until(t, m.ID, move.Moved)
	for before := f.answered.Load(); f.answered.Load() < before+50; time.Sleep(10 * time.Millisecond) {
	}
	if moved.Pause == nil || *moved.Pause > move.DefaultPause || moved.Detail.Rows == 0 {
		t.Fatalf("pause %v, %+v", moved.Pause, moved.Detail)
	}
	if s := r.get(t, r.made.ID); s.Place.Host != r.other.Database || s.Epoch != 2 {
		t.Errorf("the registry has it at %+v, epoch %d", s.Place, s.Epoch)
	}
	if _, err := r.hosts[r.host.Database].Resolve(context.Background(), "nordnetz"); !errors.Is(err, tenant.ErrMoving) {
		t.Errorf("the former host says %v", err)
	}
	// A ticket of the former placement opens nothing any more.
	if err := stack.Write(context.Background(), func(ctx context.Context, tx tenant.Tx) error { return nil }); !errors.Is(err, tenant.ErrMoving) {
		t.Errorf("a transaction at the old epoch: %v", err)
	}
	t.Logf("there: pause %s, %d tables, %d rows, %d sums; %d answered, %d told to ask again, longest wait %s", *moved.Pause, moved.Detail.Tables, moved.Detail.Rows,
		moved.Detail.Sums, f.answered.Load(), f.refused.Load(), time.Duration(f.longest.Load()))
	r.decide(t, m.ID, move.Back)
	mover.Wake()
	back := r.until(t, m.ID, move.Returned)
	f.end()
	if back.BackPause == nil || *back.BackPause > move.DefaultPause {
		t.Errorf("pause on the way back %v", back.BackPause)
	}
	t.Logf("back: pause %s; %d answered in all, longest wait %s", *back.BackPause, f.answered.Load(), time.Duration(f.longest.Load()))
	if s := r.get(t, r.made.ID); s.Place.Host != r.host.Database || s.Epoch != 3 {
		t.Errorf("the registry has it at %+v, epoch %d", s.Place, s.Epoch)
	}
	r.books(t, "there", f.answered.Load())
	r.ownerSignsIn(t)
	r.nothingLeft(t, r.other, m)
	if d := time.Duration(f.longest.Load()); d > move.DefaultPause {
		t.Errorf("a caller waited %s", d)
	}
}

// ownerSignsIn needs the tenant's sealed signing key, and writes.
func (r *road) ownerSignsIn(t *testing.T) {
	t.Helper()
	ctx := context.Background()
	stack, err := r.find(ctx)
	if err == nil {
		_, err = r.authority.SignIn(ctx, r.hosts[r.get(t, r.made.ID).Place.Host].DB(), stack.Ref, identity.Credentials{Email: r.made.OwnerEmail, Password: r.made.OwnerPassword})
	}
	if err != nil {
		t.Errorf("the owner can't sign in: %v", err)
	}
}

// nothingLeft looks for streams and tables that nobody needs.
func (r *road) nothingLeft(t *testing.T, at *pgtest.Host, m move.Move) {
	t.Helper()
	for what, query := range map[string]string{
		"schema":      `select count(*) from pg_namespace where nspname = 't_' || $1`,
		"publication": `select count(*) from pg_publication where strpos(pubname, $1) > 0`,
		"slot":        `select count(*) from pg_replication_slots where strpos(slot_name, $1) > 0 and database = current_database()`,
		"follower":    `select count(*) from pg_subscription where strpos(subname, $1) > 0 and subdbid = (select oid from pg_database where datname = current_database())`,
		"placement":   `select count(*) from host.placement where slot = $1`,
		"host slot":   `select count(*) from host.slot where name = $1`,
	} {
		var n int
		if err := at.Admin.QueryRow(context.Background(), query, m.Slot.String()).Scan(&n); err != nil || n != 0 {
			t.Errorf("%d %s left at %s, %v", n, what, at.Database, err)
		}
	}
}

// deadly are ends whose process dies at its n-th call, before or after it was done.
type deadly struct {
	move.Ends
	n, at int64
	after bool
	trip  *trip
	died  chan struct{}
	free  chan struct{}
}

var errKilled = errors.New("killed")

func (d *deadly) call(fn func() error) error {
	n := atomic.AddInt64(&d.n, 1)
	if n > d.at {
		<-d.free
		return errKilled
	}
	var err error
	if n < d.at || d.after {
		err = fn()
	}
	if n == d.at {
		d.trip.arm(1) // it writes nothing more
		close(d.died)
		<-d.free
		return errKilled
	}
	return err
}

func (d *deadly) Prepare(ctx context.Context, r move.Route) error {
	return d.call(func() error { return d.Ends.Prepare(ctx, r) })
}
func (d *deadly) CopyRows(ctx context.Context, r move.Route, p func(string, int, int) error) error {
	return d.call(func() error { return d.Ends.CopyRows(ctx, r, p) })
}
func (d *deadly) Fence(ctx context.Context, r move.Route) error {
	return d.call(func() error { return d.Ends.Fence(ctx, r) })
}
func (d *deadly) Unfence(ctx context.Context, r move.Route) error {
	return d.call(func() error { return d.Ends.Unfence(ctx, r) })
}
func (d *deadly) CaughtUp(ctx context.Context, r move.Route) error {
	return d.call(func() error { return d.Ends.CaughtUp(ctx, r) })
}
func (d *deadly) Keep(ctx context.Context, r move.Route) error {
	return d.call(func() error { return d.Ends.Keep(ctx, r) })
}
func (d *deadly) Skip(ctx context.Context, r move.Route) error {
	return d.call(func() error { return d.Ends.Skip(ctx, r) })
}
func (d *deadly) Arrive(ctx context.Context, r move.Route, epoch int64) error {
	return d.call(func() error { return d.Ends.Arrive(ctx, r, epoch) })
}
func (d *deadly) Depart(ctx context.Context, r move.Route, epoch int64) error {
	return d.call(func() error { return d.Ends.Depart(ctx, r, epoch) })
}
func (d *deadly) Unfollow(ctx context.Context, r move.Route) error {
	return d.call(func() error { return d.Ends.Unfollow(ctx, r) })
}
func (d *deadly) FollowBack(ctx context.Context, r move.Route) error {
	return d.call(func() error { return d.Ends.FollowBack(ctx, r) })
}
func (d *deadly) Clear(ctx context.Context, r move.Route) error {
	return d.call(func() error { return d.Ends.Clear(ctx, r) })
}

// A control plane dies at each call in turn and another takes over; the dead
// one comes back late. The stack is moved, whole, and can be written.
func TestMove_killedAnywhere(t *testing.T) {
	t.Parallel()
	r := newRoad(t)
	r.fill(t, r.resolve(t, "nordnetz"))
	f := r.traffic(t, "kill", 2)
	to := r.other.Database
	// within the copy, the pause, the decision, the opening, the clearing
	for i, n := range []int64{2, 4, 5, 7, 9, 10, 11, 12, 13, 15} {
		dead := &deadly{Ends: r.fleet, at: n, after: n%2 == 0, trip: &trip{}, died: make(chan struct{}), free: make(chan struct{})}
		first := r.moverOn(t, r.controlThrough(t, dead.trip), dead)
		m := r.start(t, to)
		first.Wake()
		survived := false
		for over := false; !over; {
			select {
			case <-dead.died:
				over = true
			case <-time.After(20 * time.Millisecond):
				switch at := r.look(t, m.ID); at.State {
				case move.Moved:
					if at.Wish == move.None {
						r.decide(t, m.ID, move.Confirm)
					}
				case move.Done:
					survived, over = true, true
				}
			}
		}
		second := r.mover(t, r.fleet)
		if at := r.look(t, m.ID); at.Wish != move.Confirm && at.State != move.Clearing && at.State != move.Done {
			r.until(t, m.ID, move.Moved)
			r.decide(t, m.ID, move.Confirm)
		}
		time.AfterFunc(300*time.Millisecond, func() { close(dead.free) })
		r.until(t, m.ID, move.Done)
		for before, deadline := f.answered.Load(), time.Now().Add(20*time.Second); f.answered.Load() < before+4; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("killed at call %d: nobody can be charged any more", n)
			}
		}
		first.Stop()
		second.Stop()
		if s := r.get(t, r.made.ID); s.Place.Host != to || s.Epoch != int64(i)+2 {
			t.Fatalf("killed at call %d: at %s, epoch %d", n, s.Place.Host, s.Epoch)
		}
		from := r.host
		if to == r.host.Database {
			from, to = r.other, r.other.Database
		} else {
			to = r.host.Database
		}
		r.nothingLeft(t, from, m)
		if survived || t.Failed() {
			t.Logf("%d kills", i)
			break
		}
	}
	f.end()
	r.books(t, "kill", f.answered.Load())
}

// A move that is called off leaves no trace.
func TestMove_cancelled(t *testing.T) {
	t.Parallel()
	r := newRoad(t)
	stack := r.resolve(t, "nordnetz")
	write(t, stack, func(ctx context.Context, tx tenant.Tx) error {
		_, err := usage.CreateSource(ctx, tx, "switch", mustPreset(t))
		return err
	})
	// A file that is being read can't travel: the move waits for it.
	if _, err := r.host.Admin.Exec(context.Background(), `insert into `+stack.Ref.Slot.Schema()+`.usage_file (id, source_id, name, digest, size_bytes, state, received_at)
		select gen_random_uuid(), id, 'f', decode(repeat('00', 32), 'hex'), 1, 'received', now() from `+stack.Ref.Slot.Schema()+`.usage_source`); err != nil {
		t.Fatal(err)
	}
	r.mover(t, r.fleet)
	m := r.start(t, r.other.Database)
	eventually(t, "the reason", func() bool { return r.look(t, m.ID).Reason != "" })
	if at := r.look(t, m.ID); at.State != move.Following {
		t.Errorf("it is %s", at.State)
	}
	err := r.control.Write(context.Background(), func(ctx context.Context, tx tenants.Tx) error {
		_, err := move.Start(ctx, tx, tenants.System, move.Order{Operator: r.made.ID, To: r.other.Database})
		return err
	})
	if !errors.Is(err, move.ErrOpen) {
		t.Errorf("a second move beside the first: %v", err)
	}
	r.decide(t, m.ID, move.Cancel)
	r.until(t, m.ID, move.Cancelled)
	r.nothingLeft(t, r.other, m)
	r.ownerSignsIn(t)
}

func mustPreset(t *testing.T) usage.Mapping {
	t.Helper()
	mapping, err := usage.FindPreset("json-events", "Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return mapping
}
