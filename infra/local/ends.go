package local

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"tollhouse/infra/postgres"
	"tollhouse/provisioning/move"
)

var _ move.Ends = (*Fleet)(nil)

// way is a route between two databases of the fleet.
func (f *Fleet) way(ctx context.Context, r move.Route) (postgres.Move, error) {
	from, err := f.at(ctx, r.From)
	if err != nil {
		return postgres.Move{}, err
	}
	to, err := f.at(ctx, r.To)
	if err != nil {
		return postgres.Move{}, err
	}
	return postgres.Move{Tenant: r.Tenant, Slot: r.Slot, From: from.side(), To: to.side(), Token: r.Token}, nil
}

func (c *Cloud) side() postgres.Side {
	return postgres.Side{Server: c.config.Server, Database: c.config.database()}
}

// along runs fn on a route's way.
func (f *Fleet) along(ctx context.Context, r move.Route, fn func(m postgres.Move) error) error {
	m, err := f.way(ctx, r)
	if err != nil {
		return err
	}
	return fn(m)
}

// copyRate is roughly how many bytes of tables a second are copied.
const copyRate = 20 << 20

// Preview implements move.Ends.
func (f *Fleet) Preview(ctx context.Context, r move.Route) (p move.Preview, err error) {
	p = move.Preview{From: r.From, To: r.To}
	err = f.along(ctx, r, func(m postgres.Move) error {
		look, err := m.Look(ctx)
		if err != nil {
			return err
		}
		p.SizeBytes, p.Tables, p.Compare, p.Obstacles = look.SizeBytes, look.Tables, look.Compare, look.Obstacles
		p.Copy = time.Duration(float64(look.SizeBytes)/copyRate*float64(time.Second)) + 2*time.Second
		waits, err := f.waiting(ctx, m)
		p.Obstacles = append(p.Obstacles, waits...)
		return err
	})
	return p, err
}

// Prepare implements move.Ends.
func (f *Fleet) Prepare(ctx context.Context, r move.Route) error {
	return f.along(ctx, r, func(m postgres.Move) error { return m.Prepare(ctx) })
}

// CopyRows implements move.Ends.
func (f *Fleet) CopyRows(ctx context.Context, r move.Route, progress func(string, int, int) error) error {
	return f.along(ctx, r, func(m postgres.Move) error {
		if err := m.Copy(ctx, progress); err != nil {
			return err
		}
		return m.Follow(ctx)
	})
}

// Lag implements move.Ends.
func (f *Fleet) Lag(ctx context.Context, r move.Route) (bytes int64, follows bool, err error) {
	err = f.along(ctx, r, func(m postgres.Move) error {
		lag, err := m.Lag(ctx)
		bytes, follows = lag.Bytes, lag.Active
		return err
	})
	return bytes, follows, err
}

// Waiting implements move.Ends.
func (f *Fleet) Waiting(ctx context.Context, r move.Route) (waits []string, err error) {
	err = f.along(ctx, r, func(m postgres.Move) error {
		waits, err = f.waiting(ctx, m)
		return err
	})
	return waits, err
}

// waiting: received files lie on the disk of the process that took them in.
func (f *Fleet) waiting(ctx context.Context, m postgres.Move) ([]string, error) {
	conn, err := pgx.Connect(ctx, m.From.Server.AdminURL(m.From.Database))
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	var files int
	err = conn.QueryRow(ctx, `select count(*) from `+m.Slot.Schema()+`.usage_file where state in ('received', 'running')`).Scan(&files)
	if err != nil || files == 0 {
		return nil, err
	}
	return []string{fmt.Sprintf("%d usage files are being read; it goes on when they are done.", files)}, nil
}

// Fence implements move.Ends.
func (f *Fleet) Fence(ctx context.Context, r move.Route) error {
	return f.along(ctx, r, func(m postgres.Move) error { return m.Fence(ctx, r.To, f.wallAt()) })
}

// Unfence implements move.Ends.
func (f *Fleet) Unfence(ctx context.Context, r move.Route) error {
	return f.along(ctx, r, func(m postgres.Move) error { return m.Unfence(ctx, f.wallAt()) })
}

func (f *Fleet) wallAt() time.Time { return f.Cloud.config.Now().UTC().Truncate(time.Microsecond) }

// CaughtUp implements move.Ends.
func (f *Fleet) CaughtUp(ctx context.Context, r move.Route) error {
	return f.along(ctx, r, func(m postgres.Move) error { return m.CaughtUp(ctx) })
}

// Compare implements move.Ends.
func (f *Fleet) Compare(ctx context.Context, r move.Route) (out move.Compared, err error) {
	err = f.along(ctx, r, func(m postgres.Move) error {
		c, err := m.Compare(ctx)
		out = move.Compared{Tables: c.Tables, Rows: c.Rows, Sums: c.Balance, Differ: c.Differ}
		return err
	})
	return out, err
}

// Keep implements move.Ends.
func (f *Fleet) Keep(ctx context.Context, r move.Route) error {
	return f.along(ctx, r, func(m postgres.Move) error { return m.Keep(ctx) })
}

// Skip implements move.Ends.
func (f *Fleet) Skip(ctx context.Context, r move.Route) error {
	return f.along(ctx, r, func(m postgres.Move) error { return m.Skip(ctx) })
}

// Arrived implements move.Ends.
func (f *Fleet) Arrived(ctx context.Context, r move.Route, epoch int64) (at time.Time, there bool, err error) {
	err = f.along(ctx, r, func(m postgres.Move) error {
		at, there, err = m.Arrived(ctx, epoch)
		return err
	})
	return at, there, err
}

// Arrive implements move.Ends.
func (f *Fleet) Arrive(ctx context.Context, r move.Route, epoch int64) error {
	return f.along(ctx, r, func(m postgres.Move) error {
		return m.Arrive(ctx, postgres.Arrived{Name: r.Name, Epoch: epoch, Sandbox: r.Sandbox, At: f.wallAt()})
	})
}

// Depart implements move.Ends.
func (f *Fleet) Depart(ctx context.Context, r move.Route, epoch int64) error {
	return f.along(ctx, r, func(m postgres.Move) error { return m.Depart(ctx, r.To, epoch, f.wallAt()) })
}

// Unfollow implements move.Ends.
func (f *Fleet) Unfollow(ctx context.Context, r move.Route) error {
	return f.along(ctx, r, func(m postgres.Move) error { return m.Unfollow(ctx) })
}

// FollowBack implements move.Ends.
func (f *Fleet) FollowBack(ctx context.Context, r move.Route) error {
	return f.along(ctx, r.Reverse(), func(m postgres.Move) error { return m.Follow(ctx) })
}

// Clear implements move.Ends.
func (f *Fleet) Clear(ctx context.Context, r move.Route) error {
	return f.along(ctx, r, func(m postgres.Move) error { return m.Clear(ctx) })
}
