package tenant

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgtype"
)

// Role and path are taken on inside the pipeline, so by the one function that
// takes them as values; the login role alone may call it. Plans are made
// without values and must not depend on how large a table was that day, so
// only those by index are left.
const (
	beginSQL    = `begin isolation level read committed`
	commitSQL   = `commit`
	rollbackSQL = `rollback`
	takeOnSQL   = `select set_config('role', $1, true), set_config('search_path', $2, true), set_config('plan_cache_mode', 'force_generic_plan', true),
		set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)`
)

var frame = []string{beginSQL, takeOnSQL, commitSQL, rollbackSQL}

// patience bounds a trip; the server's own timeout for a statement is shorter.
const patience = 70 * time.Second

// roundTrip sends a queue, before it what begins the transaction, behind it
// the commit. Statements new to the connection are prepared in a trip before.
func (f *Flow) roundTrip(queue []queued, commit bool) error {
	if err := f.prepare(queue); err != nil {
		return err
	}
	first := !f.begun
	f.begun = true
	return f.exchange(func() error {
		if first {
			f.begin()
		}
		for i := range queue {
			if err := f.enqueue(&queue[i]); err != nil {
				return err
			}
		}
		if commit {
			f.send(f.known[commitSQL], nil)
		}
		return nil
	}, func() error { return f.answers(queue, first, commit) })
}

func (f *Flow) begin() {
	f.send(f.known[beginSQL], nil)
	schema := []byte(f.ref.Slot.Schema())
	f.send(f.known[takeOnSQL], [][]byte{schema, append(schema[:len(schema):len(schema)], ", pg_catalog"...)})
}

// exchange sends what fill has put together and has the answers read. A broken
// connection is closed.
func (f *Flow) exchange(fill, read func() error) error {
	pg := f.conn.Conn().PgConn()
	_ = pg.Conn().SetDeadline(time.Now().Add(patience)) // a closed one says so when written to
	if err := fill(); err != nil {
		f.broken() // half a trip stands in the buffer
		return err
	}
	f.front.SendSync(&pgproto3.Sync{})
	if err := f.front.Flush(); err != nil {
		f.broken()
		return err
	}
	err := read()
	if f.conn.Conn().IsClosed() {
		f.begun = false
		return err
	}
	_ = pg.Conn().SetDeadline(time.Time{})
	return err
}

// prepare makes statements known to the connection, within the transaction:
// outside it nobody knows their tables.
func (f *Flow) prepare(queue []queued) error {
	var missing []*prepared
	var texts []string
	want := func(sql string) {
		if f.known[sql] == nil {
			p := &prepared{name: "flow_" + strconv.Itoa(len(f.known))}
			f.known[sql] = p
			missing, texts = append(missing, p), append(texts, sql)
		}
	}
	for _, sql := range frame {
		want(sql)
	}
	for i := range queue {
		want(queue[i].sql)
	}
	if len(missing) == 0 {
		return nil
	}
	first := !f.begun
	f.begun = true
	err := f.exchange(func() error {
		for i, p := range missing {
			if i == len(frame) && first && texts[0] == beginSQL || i == 0 && first && texts[0] != beginSQL {
				f.begin()
				first = false
			}
			f.front.SendParse(&pgproto3.Parse{Name: p.name, Query: texts[i]})
			f.front.SendDescribe(&pgproto3.Describe{ObjectType: 'S', Name: p.name})
		}
		if first {
			f.begin()
		}
		return nil
	}, func() error { return f.descriptions(missing) })
	if err != nil {
		// What was prepared before the failure is prepared; forgetting all of them
		// would prepare a name twice, so the connection goes.
		f.broken()
		return fmt.Errorf("prepare: %w", err)
	}
	return nil
}

// descriptions reads what the statements take and give.
func (f *Flow) descriptions(missing []*prepared) error {
	n := -1
	var fault error
	for {
		message, err := f.receive()
		if err != nil {
			return err
		}
		switch m := message.(type) {
		case *pgproto3.ParseComplete:
			n++
		case *pgproto3.ParameterDescription:
			missing[n].params = append([]uint32(nil), m.ParameterOIDs...)
		case *pgproto3.RowDescription:
			for _, field := range m.Fields {
				missing[n].fields = append(missing[n].fields, pgconn.FieldDescription{
					Name: string(field.Name), DataTypeOID: field.DataTypeOID, Format: pgtype.BinaryFormatCode})
			}
		case *pgproto3.ErrorResponse:
			if fault == nil {
				fault = pgconn.ErrorResponseToPgError(m)
			}
		case *pgproto3.ReadyForQuery:
			return fault
		}
	}
}

var binaryFormat = []int16{pgtype.BinaryFormatCode}

func (f *Flow) send(p *prepared, values [][]byte) {
	f.front.SendBind(&pgproto3.Bind{PreparedStatement: p.name, ParameterFormatCodes: binaryFormat, Parameters: values, ResultFormatCodes: binaryFormat})
	f.front.SendExecute(&pgproto3.Execute{})
}

// enqueue encodes one statement, or rows with all their data: a server that
// refuses the statement skips the data.
func (f *Flow) enqueue(q *queued) error {
	p := f.known[q.sql]
	if q.copy != nil {
		f.send(p, nil)
		f.front.Send(&pgproto3.CopyData{Data: append(q.copy.buf, trailer...)})
		f.front.Send(&pgproto3.CopyDone{})
		return nil
	}
	if len(p.params) != len(q.args) {
		return fmt.Errorf("%d arguments for %d parameters of %.60q", len(q.args), len(p.params), q.sql)
	}
	values := make([][]byte, len(q.args))
	for i, arg := range q.args {
		if value, is := appendArray(nil, p.params[i], arg); is {
			values[i] = value
			continue
		}
		value, err := f.types.Encode(p.params[i], pgtype.BinaryFormatCode, arg, make([]byte, 0, 64))
		if err != nil {
			return fmt.Errorf("argument %d of %.60q: %w", i+1, q.sql, err)
		}
		values[i] = value
	}
	f.send(p, values)
	return nil
}

// answers reads all of a trip's answers, to the end whatever happens.
func (f *Flow) answers(queue []queued, first, commit bool) (err error) {
	all := make([]queued, 0, len(queue)+3)
	if first {
		all = append(all, queued{want: -1}, queued{want: -1})
	}
	all = append(all, queue...)
	if commit {
		all = append(all, queued{sql: commitSQL, want: -1})
	}
	for i := range all {
		if err := f.answer(&all[i]); err != nil {
			if f.conn.Conn().IsClosed() {
				return err
			}
			return errors.Join(err, f.drain())
		}
	}
	if commit {
		f.begun = false
	}
	return f.drain()
}

// answer reads what one statement gave.
func (f *Flow) answer(q *queued) error {
	row := flowRow{types: f.types}
	if q.each != nil {
		row.fields = f.known[q.sql].fields
	}
	var fault error
	for {
		message, err := f.receive()
		if err != nil {
			return err
		}
		switch m := message.(type) {
		case *pgproto3.DataRow:
			if q.each != nil && fault == nil {
				row.values = m.Values
				fault = q.each(&row)
			}
		case *pgproto3.CommandComplete:
			return errors.Join(fault, q.check(pgconn.NewCommandTag(string(m.CommandTag))))
		case *pgproto3.EmptyQueryResponse:
			return fault
		case *pgproto3.ErrorResponse:
			return q.refused(pgconn.ErrorResponseToPgError(m))
		}
	}
}

func (q *queued) check(tag pgconn.CommandTag) error {
	switch {
	case q.copy != nil:
		return q.copy.check(tag.RowsAffected())
	case q.sql == commitSQL && tag.String() != "COMMIT":
		return pgx.ErrTxCommitRollback
	}
	return nil
}

// refused names the refusal of the guard that counts rows.
func (q *queued) refused(err *pgconn.PgError) error {
	const divisionByZero = "22012"
	if err.Code == divisionByZero && q.want >= 0 && q.copy == nil {
		return fmt.Errorf("%w: not %d by %.80q", ErrRows, q.want, q.sql)
	}
	return err
}

// drain reads up to the end of the trip.
func (f *Flow) drain() error {
	for {
		message, err := f.receive()
		if err != nil {
			return err
		}
		if _, is := message.(*pgproto3.ReadyForQuery); is {
			return nil
		}
	}
}

// receive goes through the connection, which keeps its own state by it.
func (f *Flow) receive() (pgproto3.BackendMessage, error) {
	message, err := f.conn.Conn().PgConn().ReceiveMessage(noContext)
	if err != nil {
		f.broken()
	}
	return message, err
}

// flowRow is a row that is scanned as pgx scans its own.
type flowRow struct {
	types  *pgtype.Map
	fields []pgconn.FieldDescription
	values [][]byte
	plans  []pgtype.ScanPlan
	kinds  []reflect.Type
}

func (r *flowRow) FieldDescriptions() []pgconn.FieldDescription { return r.fields }

func (r *flowRow) RawValues() [][]byte { return r.values }

func (r *flowRow) Values() ([]any, error) { return nil, errors.New("a row of a flow is scanned") }

func (r *flowRow) Scan(into ...any) error {
	if len(into) != len(r.values) {
		return fmt.Errorf("%d destinations for %d columns", len(into), len(r.values))
	}
	if r.plans == nil {
		r.plans, r.kinds = make([]pgtype.ScanPlan, len(into)), make([]reflect.Type, len(into))
	}
	for i, one := range into {
		if kind := reflect.TypeOf(one); r.kinds[i] != kind {
			r.plans[i], r.kinds[i] = r.types.PlanScan(r.fields[i].DataTypeOID, r.fields[i].Format, one), kind
		}
		if err := r.plans[i].Scan(r.values[i], one); err != nil {
			return fmt.Errorf("column %s: %w", r.fields[i].Name, err)
		}
	}
	return nil
}
