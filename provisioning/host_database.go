package provisioning

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/tenants"
)

// HostDatabase is a database in which stacks can stand.
type HostDatabase struct {
	Name     string
	Kind     HostKind
	Database string // its name on the server
	ServesAt string // where the process answers that carries it; may be empty
	Capacity int    // stacks
	Open     bool   // takes others
	// ChargesPerSecond is what it carries of online charges, as staff have set
	// it; zero: nothing may be guaranteed there.
	ChargesPerSecond int64
	Stacks           int // that stand there
	AddedAt          time.Time

	sealedURL []byte
}

// HostKind is for how many a host database is.
type HostKind string

// The kinds of host databases.
const (
	Pooled    HostKind = "pooled"
	Dedicated HostKind = "dedicated"
)

// Errors of host databases.
var (
	// ErrNoHost means that no host database has this name.
	ErrNoHost = errors.New("no such host database")
	// ErrHostFull means that a host database takes no more stacks.
	ErrHostFull = errors.New("the host database takes no more stacks")
	// ErrHostName, ErrHostURL, ErrHostKind and ErrHostCapacity refuse what is not written as it must be.
	ErrHostName     = errors.New("a name of 3 to 40 small letters, digits, - and _ is wanted")
	ErrHostURL      = errors.New("a postgres:// URL of the server's administrator is wanted")
	ErrHostKind     = errors.New("pooled or dedicated is wanted")
	ErrHostCapacity = errors.New("a capacity of 1 to 300 stacks is wanted, 1 for a dedicated one")
	// ErrHostCharges refuses what no host database carries.
	ErrHostCharges = errors.New("0 to 1,000,000 charges a second are wanted")
)

// NewHostDatabase is a host database to be written down.
type NewHostDatabase struct {
	Name, Database, URL, ServesAt string
	Kind                          HostKind
	Capacity                      int
	Open                          bool
	ChargesPerSecond              *int64 // nil: as it was, or 0
}

var hostName = regexp.MustCompile(`^[a-z][a-z0-9_-]{1,38}[a-z0-9]$`)

func (n NewHostDatabase) check() error {
	u, err := url.Parse(n.URL)
	switch {
	case !hostName.MatchString(n.Name):
		return ErrHostName
	case err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql":
		return ErrHostURL
	case n.Kind != Pooled && n.Kind != Dedicated:
		return ErrHostKind
	case n.Capacity < 1 || n.Capacity > 300 || n.Kind == Dedicated && n.Capacity != 1:
		return ErrHostCapacity
	case n.ChargesPerSecond != nil && (*n.ChargesPerSecond < 0 || *n.ChargesPerSecond > 1_000_000):
		return ErrHostCharges
	}
	return nil
}

// hostContext binds a sealed URL to its row.
func hostContext(name string) string { return tenants.HostDatabaseContext(name) }

// PutHostDatabase writes a host database down, or changes what is known of it.
// The same again changes nothing.
func PutHostDatabase(ctx context.Context, tx tenants.Tx, by tenants.Actor, seal tenants.Sealer, n NewHostDatabase) (HostDatabase, error) {
	if n.Database == "" {
		n.Database = "tollhouse_host"
	}
	if err := n.check(); err != nil {
		return HostDatabase{}, err
	}
	before, err := HostDatabaseOf(ctx, tx, n.Name)
	if err != nil && !errors.Is(err, ErrNoHost) {
		return HostDatabase{}, err
	}
	if n.ChargesPerSecond == nil {
		n.ChargesPerSecond = &before.ChargesPerSecond
	}
	if err == nil {
		if link, err := before.URL(seal); err == nil && link == n.URL && before.Kind == n.Kind && before.Database == n.Database &&
			before.ServesAt == n.ServesAt && before.Capacity == n.Capacity && before.Open == n.Open &&
			before.ChargesPerSecond == *n.ChargesPerSecond {
			return before, nil
		}
	}
	sealed, err := seal.Seal(hostContext(n.Name), []byte(n.URL))
	if err != nil {
		return HostDatabase{}, err
	}
	_, err = tx.Exec(ctx, `
		insert into host_database (name, kind, database, sealed_url, serves_at, capacity, open, added_by, added_at, charges_per_second)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		on conflict (name) do update
		   set kind = excluded.kind, database = excluded.database, sealed_url = excluded.sealed_url, serves_at = excluded.serves_at,
		       capacity = excluded.capacity, open = excluded.open, charges_per_second = excluded.charges_per_second`,
		n.Name, n.Kind, n.Database, sealed, n.ServesAt, n.Capacity, n.Open, by.String(), tx.At, *n.ChargesPerSecond)
	if err != nil {
		return HostDatabase{}, fmt.Errorf("write down host database %s: %w", n.Name, err)
	}
	err = tenants.Record(ctx, tx, by, tenants.Entry{Action: "host_database.put", Object: uuid.NewSHA1(uuid.NameSpaceURL, []byte(n.Name)),
		Detail: map[string]any{"name": n.Name, "kind": n.Kind, "capacity": n.Capacity, "open": n.Open, "charges_per_second": *n.ChargesPerSecond}})
	if err != nil {
		return HostDatabase{}, err
	}
	return HostDatabaseOf(ctx, tx, n.Name)
}

// Carries sets what a host database carries of online charges a second. The
// same again changes nothing.
func Carries(ctx context.Context, tx tenants.Tx, by tenants.Actor, name string, chargesPerSecond int64) error {
	if chargesPerSecond < 0 || chargesPerSecond > 1_000_000 {
		return ErrHostCharges
	}
	done, err := tx.Exec(ctx, `update host_database set charges_per_second = $2 where name = $1 and charges_per_second <> $2`, name, chargesPerSecond)
	if err != nil {
		return fmt.Errorf("set what %s carries: %w", name, err)
	}
	if done.RowsAffected() == 0 {
		_, err := HostDatabaseOf(ctx, tx, name)
		return err
	}
	return tenants.Record(ctx, tx, by, tenants.Entry{Action: "host_database.carries", Object: uuid.NewSHA1(uuid.NameSpaceURL, []byte(name)),
		Detail: map[string]any{"name": name, "charges_per_second": chargesPerSecond}})
}

// URL opens the administrator's address.
func (h HostDatabase) URL(seal tenants.Sealer) (string, error) {
	link, err := seal.Open(hostContext(h.Name), h.sealedURL)
	return string(link), err
}

// Takes says whether another stack may come: ErrHostFull if not.
func (h HostDatabase) Takes(ctx context.Context, tx tenants.Tx) error {
	var coming int
	if err := tx.QueryRow(ctx, `select count(*) from move where to_host = $1 and done_at is null and switched_at is null`, h.Name).Scan(&coming); err != nil {
		return fmt.Errorf("count what comes to %s: %w", h.Name, err)
	}
	if !h.Open || h.Stacks+coming >= h.Capacity {
		return fmt.Errorf("%s has %d of %d: %w", h.Name, h.Stacks+coming, h.Capacity, ErrHostFull)
	}
	return nil
}

// HostDatabaseOf reads one; ErrNoHost if there is none.
func HostDatabaseOf(ctx context.Context, tx tenants.Tx, name string) (HostDatabase, error) {
	found, err := hostDatabases(ctx, tx, `where h.name = $1`, name)
	if err == nil && len(found) == 0 {
		err = ErrNoHost
	}
	if err != nil {
		return HostDatabase{}, err
	}
	return found[0], nil
}

// HostDatabases reads all.
func HostDatabases(ctx context.Context, tx tenants.Tx) ([]HostDatabase, error) {
	return hostDatabases(ctx, tx, `order by h.name`)
}

func hostDatabases(ctx context.Context, tx tenants.Tx, which string, args ...any) ([]HostDatabase, error) {
	rows, err := tx.Query(ctx, `
		select h.name, h.kind, h.database, h.serves_at, h.capacity, h.open, h.charges_per_second, h.added_at, h.sealed_url, (select count(*) from stack s where s.host = h.name)
		  from host_database h `+which, args...)
	if err != nil {
		return nil, fmt.Errorf("read host databases: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (h HostDatabase, err error) {
		err = row.Scan(&h.Name, &h.Kind, &h.Database, &h.ServesAt, &h.Capacity, &h.Open, &h.ChargesPerSecond, &h.AddedAt, &h.sealedURL, &h.Stacks)
		return h, err
	})
	if err != nil {
		return nil, fmt.Errorf("read host databases: %w", err)
	}
	return found, nil
}
