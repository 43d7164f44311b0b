package bench

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// oldKeysGoal is the least ratio to COPY into empty tables beside so many keys.
const oldKeysGoal = 0.4

// ingestOldKeys is ingest where the operator has taken in usage for years: all
// keys of that time are there, as they are kept for ever. All rounds have one
// operator; COPY still fills empty tables.
func ingestOldKeys(ctx context.Context, s scale, say reporter) (Result, error) {
	h, err := openHouse(ctx)
	if err != nil {
		return Result{}, err
	}
	defer h.close()
	target, err := h.ingestTarget(ctx, s, say)
	if err != nil {
		return Result{}, err
	}
	conn, err := h.admin(ctx)
	if err != nil {
		return Result{}, err
	}
	p := oldKeys{schema: target.stack.Ref.Slot.Schema(), say: say}
	if err := p.plant(ctx, conn, target.feeds, s.oldKeys); err != nil {
		return Result{}, err
	}
	r, err := h.ingestRounds(ctx, s, say, oldKeysGoal, func(int) (*ingestTarget, error) { return target, nil })
	r.Note = fmt.Sprintf("beside %d old keys of %.1f GB, planted in %s; ", s.oldKeys, float64(p.sized)/1e9, seconds(p.took)) + r.Note
	return r, err
}

// oldKeys fills a key table as years of usage do, in minutes: one COPY of rows
// that need no more seeing to, in the order of their keys, then the primary key
// at once. Keys of ours are hashes: they are spread evenly over all there can
// be, as these are, and new ones fall between them anywhere.
type oldKeys struct {
	schema string
	say    reporter
	took   time.Duration
	sized  int64 // of table and index, in bytes
}

// grown is how full pages of an index are that grew by keys in no order (two
// thirds to three quarters); one made at once would have room for none.
const grown = 70

func (p *oldKeys) plant(ctx context.Context, conn *pgx.Conn, feeds []feedOf, n int) error {
	began := time.Now()
	table := p.schema + ".usage_key"
	var name, definition string
	err := conn.QueryRow(ctx, `select conname, pg_get_constraintdef(oid) from pg_constraint where conrelid = $1::text::regclass and contype = 'p'`, table).Scan(&name, &definition)
	if err != nil {
		return fmt.Errorf("read the primary key: %w", err)
	}
	if err := p.copyAll(ctx, conn, table, name, feeds, n); err != nil {
		return err
	}
	p.say("%d old keys copied in %s; indexing", n, seconds(time.Since(began)))
	for _, command := range []string{
		`set maintenance_work_mem = '2GB'`,
		fmt.Sprintf(`alter table %s add constraint %s %s with (fillfactor = %d)`, table, name, definition, grown),
		`alter index ` + p.schema + `.` + name + ` reset (fillfactor)`,
		`reset maintenance_work_mem`,
		`analyze ` + table,
		`checkpoint`,
	} {
		if _, err := conn.Exec(ctx, command); err != nil {
			return fmt.Errorf("%s: %w", command, err)
		}
	}
	if err := conn.QueryRow(ctx, `select pg_total_relation_size($1::text::regclass)`, table).Scan(&p.sized); err != nil {
		return err
	}
	p.took = time.Since(began)
	p.say("%d old keys stand, %.1f GB, after %s", n, float64(p.sized)/1e9, seconds(p.took))
	return nil
}

// copyAll writes the rows. The table has to be emptied in the same transaction
// for them to be frozen from the start.
func (p *oldKeys) copyAll(ctx context.Context, conn *pgx.Conn, table, primaryKey string, feeds []feedOf, n int) error {
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		for _, command := range []string{`alter table ` + table + ` drop constraint ` + primaryKey, `truncate ` + table} {
			if _, err := tx.Exec(ctx, command); err != nil {
				return fmt.Errorf("%s: %w", command, err)
			}
		}
		left := n
		for i, f := range feeds {
			count := n * f.percent / 100
			if i == len(feeds)-1 {
				count = left
			}
			left -= count
			rows := newKeyRows(f.feed.ID, count)
			done, err := conn.PgConn().CopyFrom(ctx, rows, `copy `+table+` (source_id, key, body) from stdin (format binary, freeze)`)
			if err != nil {
				return fmt.Errorf("copy old keys: %w", err)
			}
			if done.RowsAffected() != int64(count) {
				return fmt.Errorf("copy old keys: %d of %d came", done.RowsAffected(), count)
			}
		}
		return nil
	})
}

// keyRows is a reader of rows of a source's keys in COPY's binary form, in order.
type keyRows struct {
	random *rand.ChaCha8
	row    []byte // the next one, of which key and body are filled in
	ready  []byte // made and not read yet
	buffer []byte
	done   int
	count  int
	closed bool
}

const (
	copyHead   = "PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	hashLength = 16
	rowsAtOnce = 1_000
)

func newKeyRows(source uuid.UUID, count int) *keyRows {
	r := &keyRows{random: rand.NewChaCha8([32]byte(append(source[:], source[:]...))), count: count, ready: []byte(copyHead)}
	field := func(value []byte) { r.row = append(binary.BigEndian.AppendUint32(r.row, uint32(len(value))), value...) }
	r.row = binary.BigEndian.AppendUint16(r.row, 3)
	field(source[:])
	field(make([]byte, hashLength))
	field(make([]byte, hashLength))
	r.buffer = make([]byte, 0, rowsAtOnce*len(r.row))
	return r
}

// Read gives the next bytes.
func (r *keyRows) Read(into []byte) (int, error) {
	if len(r.ready) == 0 {
		r.make()
	}
	if len(r.ready) == 0 {
		return 0, io.EOF
	}
	n := copy(into, r.ready)
	r.ready = r.ready[n:]
	return n, nil
}

// make writes some rows. Of a key the upper half is the row's share of all there
// can be, moved within its share, so that keys ascend; the rest is drawn.
func (r *keyRows) make() {
	r.buffer = r.buffer[:0]
	body := len(r.row) - hashLength
	key := body - 4 - hashLength
	for range rowsAtOnce {
		if r.done == r.count {
			break
		}
		share, _ := bits.Div64(1, 0, uint64(r.count)+1) // 2^64 by one more than there are
		binary.BigEndian.PutUint64(r.row[key:], share*uint64(r.done)+r.random.Uint64()%share)
		binary.BigEndian.PutUint64(r.row[key+8:], r.random.Uint64())
		binary.BigEndian.PutUint64(r.row[body:], r.random.Uint64())
		binary.BigEndian.PutUint64(r.row[body+8:], r.random.Uint64())
		r.buffer = append(r.buffer, r.row...)
		r.done++
	}
	if r.done == r.count && !r.closed {
		r.buffer, r.closed = binary.BigEndian.AppendUint16(r.buffer, 0xffff), true // the end
	}
	r.ready = r.buffer
}
