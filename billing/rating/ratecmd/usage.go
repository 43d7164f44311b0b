package ratecmd

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
)

// usageLine is one line of the usage file.
type usageLine struct {
	number      int
	kind        catalog.UsageKind
	start       time.Time
	quantity    int64
	destination string
	session     string
	quality     string
	amount      *money.Decimal
	ownNetwork  bool
}

var columns = []string{"kind", "start", "quantity", "destination", "session", "quality", "amount", "network"}

// needed is how many of columns a file must have.
const needed = 3

// reader reads usage lines. Its errors name file, line and field.
type reader struct {
	path   string
	csv    *csv.Reader
	column map[string]int // name → index; nil before the header is read
}

func newReader(path string, from io.Reader) *reader {
	buffered := bufio.NewReaderSize(from, 64<<10)
	if mark, err := buffered.Peek(3); err == nil && string(mark) == "\ufeff" {
		_, _ = buffered.Discard(3)
	}
	r := &reader{path: path, csv: csv.NewReader(buffered)}
	r.csv.ReuseRecord = true
	return r
}

// next returns the next line, or io.EOF.
func (r *reader) next() (usageLine, error) {
	if r.column == nil {
		if err := r.header(); err != nil {
			return usageLine{}, err
		}
	}
	record, err := r.read()
	if err != nil {
		return usageLine{}, err
	}
	line := usageLine{number: r.line()}
	get := func(name string) string {
		if i, ok := r.column[name]; ok {
			return strings.Clone(record[i])
		}
		return ""
	}
	if line.kind = catalog.UsageKind(get("kind")); line.kind.Unit() == "" {
		return usageLine{}, r.fault("kind", "must be voice, data, message, content or transaction, got %.40q", line.kind)
	}
	if line.start, err = time.Parse(time.RFC3339, get("start")); err != nil {
		return usageLine{}, r.fault("start", "must be an instant such as 2026-05-01T08:00:00+02:00, got %.40q", get("start"))
	}
	if line.quantity, err = quantity(get("quantity"), line.kind); err != nil {
		return usageLine{}, r.fault("quantity", "%v, got %.40q", err, get("quantity"))
	}
	if line.destination = get("destination"); !plainDestination.MatchString(line.destination) {
		return usageLine{}, r.fault("destination", "must be at most 64 digits or letters, got %.40q", line.destination)
	}
	line.session = get("session")
	return line, r.more(&line, get)
}

// more reads the columns that few tariffs ask for.
func (r *reader) more(line *usageLine, get func(string) string) error {
	if line.quality = get("quality"); !plainQuality.MatchString(line.quality) {
		return r.fault("quality", "must be at most 32 lower-case letters or digits, such as hd, got %.40q", line.quality)
	}
	if text := get("amount"); text != "" {
		d, err := money.ParseDecimal(text)
		if err != nil || d.Sign() < 0 || d.Digits() > money.Scale {
			return r.fault("amount", "must be a decimal that is not negative, such as 250.00, got %.40q", text)
		}
		line.amount = &d
	}
	switch network := get("network"); catalog.Network(network) {
	case catalog.OwnNetwork:
		line.ownNetwork = true
	case "", catalog.OtherNetwork:
	default:
		return r.fault("network", "must be own, other or empty, got %.40q", network)
	}
	return nil
}

var plainQuality = regexp.MustCompile(`^[0-9a-z._-]{0,32}$`)

var plainDestination = regexp.MustCompile(`^\+?[0-9A-Za-z._#*@:/-]{0,64}$`)

func quantity(text string, kind catalog.UsageKind) (int64, error) {
	q, err := catalog.ParseQuantity(text)
	if err != nil || strings.HasPrefix(text, "-") {
		return 0, fmt.Errorf("must be a whole number of %ss that is not negative, or have a unit such as 61 s or 1.5 GB", kind.Unit())
	}
	if strings.Contains(text, " ") && q.Unit() != kind.Unit() {
		return 0, fmt.Errorf("%s is counted in %ss", kind, kind.Unit())
	}
	return q.Base(), nil
}

func (r *reader) header() error {
	record, err := r.read()
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%s:1: is empty; the first line must name the columns %s", r.path, strings.Join(columns, ", "))
	}
	if err != nil {
		return err
	}
	r.column = map[string]int{}
	for i, name := range record {
		name = strings.ToLower(strings.TrimSpace(name))
		if _, twice := r.column[name]; twice || !known(name) {
			return r.fault(fmt.Sprintf("%.40s", name), "is no column; columns are %s, each once", strings.Join(columns, ", "))
		}
		r.column[name] = i
	}
	for _, name := range columns[:needed] {
		if _, ok := r.column[name]; !ok {
			return r.fault(name, "the column is missing")
		}
	}
	return nil
}

func known(name string) bool {
	for _, c := range columns {
		if c == name {
			return true
		}
	}
	return false
}

func (r *reader) read() ([]string, error) {
	record, err := r.csv.Read()
	var syntax *csv.ParseError
	if errors.As(err, &syntax) {
		return nil, fmt.Errorf("%s:%d: %w", r.path, syntax.StartLine, syntax.Err)
	}
	return record, err
}

// line is that of the record read last.
func (r *reader) line() int {
	line, _ := r.csv.FieldPos(0)
	return line
}

func (r *reader) fault(field, format string, args ...any) error {
	return fmt.Errorf("%s:%d:%s: %s", r.path, r.line(), field, fmt.Sprintf(format, args...))
}
