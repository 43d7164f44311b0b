package tenant

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
)

// Copy is rows for one table in the binary form of COPY, written column by
// column without a detour through interfaces. Each row begins with Row and
// gives every column once, in order.
type Copy struct {
	table   string
	sql     string
	columns uint16
	rows    int
	buf     []byte
}

// copyHead is the signature, no flags and no extension.
const copyHead = "PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00"

// NewCopy begins rows for a table. Names are our own and need no quotes. room
// is about how many bytes will come.
func NewCopy(table string, columns []string, room int) *Copy {
	return &Copy{
		table: table, columns: uint16(len(columns)), buf: append(make([]byte, 0, room+64), copyHead...),
		sql: "copy " + table + " (" + strings.Join(columns, ", ") + ") from stdin (format binary)",
	}
}

// Rows is how many there are.
func (c *Copy) Rows() int { return c.rows }

// Row begins the next row.
func (c *Copy) Row() {
	c.rows++
	c.buf = binary.BigEndian.AppendUint16(c.buf, c.columns)
}

func (c *Copy) size(n int) { c.buf = binary.BigEndian.AppendUint32(c.buf, uint32(n)) }

// Null is no value.
func (c *Copy) Null() { c.buf = append(c.buf, 0xff, 0xff, 0xff, 0xff) }

// UUID is a uuid.
func (c *Copy) UUID(id [16]byte) {
	c.size(16)
	c.buf = append(c.buf, id[:]...)
}

// OptionalUUID is a uuid, NULL if it is all zeros.
func (c *Copy) OptionalUUID(id [16]byte) {
	if id == [16]byte{} {
		c.Null()
		return
	}
	c.UUID(id)
}

// Text is a text.
func (c *Copy) Text(s string) {
	c.size(len(s))
	c.buf = append(c.buf, s...)
}

// Bytes is a bytea.
func (c *Copy) Bytes(b []byte) {
	c.size(len(b))
	c.buf = append(c.buf, b...)
}

// JSONB is a jsonb.
func (c *Copy) JSONB(text []byte) {
	c.size(len(text) + 1)
	c.buf = append(append(c.buf, 1), text...)
}

// Bool is a boolean.
func (c *Copy) Bool(b bool) {
	c.size(1)
	if b {
		c.buf = append(c.buf, 1)
		return
	}
	c.buf = append(c.buf, 0)
}

// Int16 is a smallint.
func (c *Copy) Int16(n int16) {
	c.size(2)
	c.buf = binary.BigEndian.AppendUint16(c.buf, uint16(n))
}

// Int32 is an integer.
func (c *Copy) Int32(n int32) {
	c.size(4)
	c.buf = binary.BigEndian.AppendUint32(c.buf, uint32(n))
}

// Int64 is a bigint.
func (c *Copy) Int64(n int64) {
	c.size(8)
	c.buf = binary.BigEndian.AppendUint64(c.buf, uint64(n))
}

// epochMicros is PostgreSQL's first instant, 2000-01-01, in Unix microseconds.
const epochMicros = 946_684_800_000_000

// Time is a timestamptz.
func (c *Copy) Time(at time.Time) { c.Int64(microsOf(at)) }

// microsOf is an instant as PostgreSQL counts it.
func microsOf(at time.Time) int64 { return at.UnixMicro() - epochMicros }

// Date is a date.
func (c *Copy) Date(d calendar.Date) {
	c.size(4)
	seconds := time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC).Unix() - epochMicros/1_000_000
	c.buf = binary.BigEndian.AppendUint32(c.buf, uint32(int32(seconds/(24*60*60))))
}

// OptionalDate is a date, NULL for the zero one.
func (c *Copy) OptionalDate(d calendar.Date) {
	if d.IsZero() {
		c.Null()
		return
	}
	c.Date(d)
}

// Decimal is a numeric.
func (c *Copy) Decimal(d money.Decimal) {
	at := len(c.buf)
	c.size(0)
	c.buf = d.AppendNumeric(c.buf)
	binary.BigEndian.PutUint32(c.buf[at:], uint32(len(c.buf)-at-4))
}

// OptionalDecimal is a numeric or NULL.
func (c *Copy) OptionalDecimal(d *money.Decimal) {
	if d == nil {
		c.Null()
		return
	}
	c.Decimal(*d)
}

// trailer ends the rows.
var trailer = []byte{0xff, 0xff}

// Write copies the rows within a transaction, in one round trip.
func (c *Copy) Write(ctx context.Context, tx Tx) error {
	if c.rows == 0 {
		return nil
	}
	c.buf = append(c.buf, trailer...)
	tag, err := tx.Conn().PgConn().CopyFrom(ctx, bytes.NewReader(c.buf), c.sql)
	if err != nil {
		return fmt.Errorf("copy to %s: %w", c.table, err)
	}
	return c.check(tag.RowsAffected())
}

func (c *Copy) check(written int64) error {
	if written != int64(c.rows) {
		return fmt.Errorf("copy to %s: %d of %d rows written", c.table, written, c.rows)
	}
	return nil
}
