package usage

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ErrHeader means that a file's first line does not name the declared columns.
var ErrHeader = errors.New("header does not match the mapping")

// delimited reads one delimited file.
type delimited struct {
	outbox
	m       Mapping
	split   splitter
	clock   clock
	window  window
	keyless string // what begins the keys of records that have none
	columns columns
}

// columns is where facts stand, by position.
type columns struct {
	key, identity, start, end, quantity, kind, destination, origin, quality, amount []int
	filters                                                                         []int
	required                                                                        int
}

func readDelimited(m Mapping, r io.Reader, in Input, emit func(*Item) error) error {
	d, err := newDelimited(m, in, emit)
	if err != nil {
		return err
	}
	lines := newLines(r, in.From)
	if m.Text.Header && in.From.Offset == 0 {
		if err := d.header(lines); err != nil {
			return err
		}
	}
	for {
		text, state, err := lines.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := d.line(string(text), state, lines.at); err != nil {
			return err
		}
	}
}

func newDelimited(m Mapping, in Input, emit func(*Item) error) (*delimited, error) {
	zone, err := m.location()
	if err != nil {
		return nil, err
	}
	d := &delimited{
		outbox: outbox{emit: emit}, m: m, window: newWindow(in.At, m.maxAge()),
		split:   splitter{delimiter: m.Text.Delimiter[0], fields: make([]field, 0, len(m.Text.Columns)+1)},
		clock:   newClock(m.Fields.TimeLayout, zone),
		keyless: hex.EncodeToString(in.Digest[:]) + ":",
		columns: resolve(m),
	}
	if m.Text.Quote != "" {
		d.split.quote = m.Text.Quote[0]
	}
	return d, nil
}

func resolve(m Mapping) columns {
	at := func(names []string) []int {
		var found []int
		for _, name := range names {
			found = append(found, slices.Index(m.Text.Columns, name))
		}
		return found
	}
	f := m.Fields
	c := columns{
		key: at(f.Key), identity: at(f.Identity.Columns), start: at(f.Start.Columns), end: at(f.End.Columns),
		quantity: at(f.Quantity.Columns), kind: at(f.Kind.Columns), destination: at(f.Destination.Columns),
		origin: at(f.Origin.Columns), quality: at(f.Quality.Columns), amount: at(f.Amount.Columns), required: m.Text.Required,
	}
	if c.required == 0 {
		c.required = len(m.Text.Columns)
	}
	for _, filter := range m.Filters {
		c.filters = append(c.filters, slices.Index(m.Text.Columns, filter.Column))
	}
	return c
}

func (d *delimited) header(lines *lines) error {
	text, state, err := lines.next()
	if errors.Is(err, io.EOF) {
		return nil // an empty file holds no usage
	}
	if err != nil {
		return err
	}
	want := strings.Join(d.m.Text.Columns, d.m.Text.Delimiter)
	if state != lineWhole || !utf8.Valid(text) || !d.split.split(string(text)) {
		return fmt.Errorf("%w: its first line cannot be read; wanted %s", ErrHeader, want)
	}
	for i, name := range d.m.Text.Columns {
		if i >= len(d.split.fields) && i >= d.columns.required {
			break
		}
		if got := d.split.value(i); got != name {
			return fmt.Errorf("%w: column %d is %.40q; wanted %s", ErrHeader, i+1, got, want)
		}
	}
	return nil
}

func (d *delimited) line(text string, state lineState, next Position) error {
	d.place(next.Line, next, text)
	if p := textProblem(state, text); p != nil {
		return d.hold(p)
	}
	if text == "" {
		return d.skip()
	}
	if p := d.cut(text); p != nil {
		return d.hold(p)
	}
	d.record = Record{Unit: d.m.Unit}
	for i, at := range d.columns.filters {
		if slices.Contains(d.m.Filters[i].Values, d.split.value(at)) {
			continue
		}
		if d.m.Filters[i].Else == Skip {
			return d.skip()
		}
		d.record.NoCharge = true
	}
	if p := d.fill(&d.record, text); p != nil {
		return d.hold(p)
	}
	return d.deliver(d.window)
}

func (d *delimited) cut(text string) *Problem {
	if !d.split.split(text) {
		return &Problem{"", BadQuote, "a quote is not closed, or stands inside a field",
			"quotes around a whole field, doubled inside it"}
	}
	got, most := len(d.split.fields), len(d.m.Text.Columns)
	if got < d.columns.required || got > most {
		return &Problem{"", WrongColumns, "the line has " + strconv.Itoa(got) + " fields",
			fmt.Sprintf("%d to %d, as the mapping declares", d.columns.required, most)}
	}
	return nil
}

func (d *delimited) fill(r *Record, text string) *Problem {
	if p := d.fillKey(r, text); p != nil {
		return p
	}
	if p := d.fillWhat(r); p != nil {
		return p
	}
	var p *Problem
	if r.Quantity, p = d.quantity(); p != nil {
		return p
	}
	r.Destination = d.first(d.columns.destination, d.m.Fields.Destination.Constant)
	r.Origin = d.first(d.columns.origin, d.m.Fields.Origin.Constant)
	if r.Quality = d.first(d.columns.quality, d.m.Fields.Quality.Constant); !plainQuality(r.Quality) {
		return badQuality(r.Quality)
	}
	if r.Amount, p = amount(d.first(d.columns.amount, "")); p != nil {
		return p
	}
	return d.fillTimes(r)
}

func (d *delimited) fillKey(r *Record, text string) *Problem {
	switch len(d.columns.key) {
	case 0:
		r.Key, r.Keyless = d.keyless+strconv.FormatInt(d.item.Line, 10), true
		r.Content = hashText(text)
		return nil
	case 1:
		r.Key = d.split.value(d.columns.key[0])
	default:
		var key strings.Builder
		for i, at := range d.columns.key {
			if i > 0 {
				key.WriteByte('|')
			}
			key.WriteString(d.split.value(at))
		}
		r.Key = key.String()
	}
	if strings.Trim(r.Key, "|") == "" {
		return missing("key", d.m.Fields.Key)
	}
	return nil
}

func missing(field string, columns []string) *Problem {
	return &Problem{field, MissingField, "is empty", "a value in " + strings.Join(columns, " or ")}
}

// fillWhat fills in whose usage it is and of what kind.
func (d *delimited) fillWhat(r *Record) *Problem {
	f := d.m.Fields
	r.Identity = Identity{d.m.IdentityKind, d.first(d.columns.identity, f.Identity.Constant)}
	if r.Identity.Value == "" {
		return missing("identity", f.Identity.Columns)
	}
	word := d.first(d.columns.kind, f.Kind.Constant)
	if word == "" {
		return missing("kind", f.Kind.Columns)
	}
	r.Kind = Kind(word)
	if mapped, ok := d.m.Kinds[word]; ok {
		r.Kind = mapped
	}
	if !r.Kind.Valid() {
		return &Problem{"kind", UnknownValue, quote(clip(word)) + " is no kind of usage", wantKind + ", or a word of the mapping's kinds"}
	}
	return nil
}

// clip keeps messages short whatever the file holds.
func clip(s string) string {
	if len(s) > 60 {
		return s[:60] + "…"
	}
	return s
}

// first is the first of the columns that is not empty, or the constant.
func (d *delimited) first(columns []int, constant string) string {
	for _, at := range columns {
		if v := strings.TrimSpace(d.split.value(at)); v != "" {
			return v
		}
	}
	return constant
}

func (d *delimited) quantity() (int64, *Problem) {
	f := d.m.Fields
	text := d.first(d.columns.quantity, f.Quantity.Constant)
	if text == "" {
		return 0, missing("quantity", f.Quantity.Columns)
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, &Problem{"quantity", BadNumber, quote(clip(text)) + " is no whole number", "digits only, below 2^63"}
	}
	if n < 0 {
		return 0, &Problem{"quantity", NegativeQuantity, text + " is negative", "0 or more"}
	}
	multiple := max(f.QuantityMultiple, 1)
	if n > math.MaxInt64/multiple {
		return 0, &Problem{"quantity", BadNumber, text + " is too large", "less than 2^63 " + string(d.m.Unit) + "s"}
	}
	return n * multiple, nil
}

func (d *delimited) fillTimes(r *Record) *Problem {
	start, hasStart, p := d.time("start", d.columns.start)
	if p != nil {
		return p
	}
	end, hasEnd, p := d.time("end", d.columns.end)
	if p != nil {
		return p
	}
	if !hasStart && (!hasEnd || len(d.columns.start) > 0) {
		return missing("start", append(slices.Clone(d.m.Fields.Start.Columns), d.m.Fields.End.Columns...))
	}
	from, to, p := settleTimes(start, end, hasStart, hasEnd, r.durationSeconds())
	if p == nil {
		r.Start, r.End = utc(from), utc(to)
	}
	return p
}

func (d *delimited) time(name string, columns []int) (instant, bool, *Problem) {
	text := d.first(columns, "")
	if text == "" {
		return instant{}, false, nil
	}
	at, err := d.clock.parse(text)
	if err != nil {
		return instant{}, false, &Problem{name, BadTime, quote(clip(text)) + " " + err.Error(),
			d.m.Fields.TimeLayout + " in " + d.clock.zone.String()}
	}
	return at, true, nil
}
