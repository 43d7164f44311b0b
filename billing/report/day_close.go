package report

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Errors of closing days.
var (
	ErrDayOpen   = errors.New("the day is not over yet")
	ErrDayClosed = errors.New("the day is signed off already")
	ErrDayUnsure = errors.New("control sums differ: a note is wanted that says why the day is signed off")
	ErrNoDay     = errors.New("the day is not signed off")
)

const maxCloseNote = 1000

// Sum is what a day debited and credited to a line.
type Sum struct {
	LegalEntity uuid.UUID     `json:"legal_entity"`
	Branch      uuid.UUID     `json:"branch"`
	Kind        ledger.Kind   `json:"kind"`
	Unit        string        `json:"unit"`
	Debit       money.Decimal `json:"debit"`
	Credit      money.Decimal `json:"credit"`
}

type sumKey struct {
	entity, branch uuid.UUID
	kind           ledger.Kind
	unit           string
}

func (s Sum) key() sumKey { return sumKey{s.LegalEntity, s.Branch, s.Kind, s.Unit} }

// Check is a control sum as it was when a day was signed off.
type Check struct {
	Rule      string        `json:"rule"`
	Unit      string        `json:"unit"`
	Ledger    money.Decimal `json:"ledger"`
	Books     money.Decimal `json:"books"`
	Differing int64         `json:"differing"`
}

// Holds says whether it held.
func (c Check) Holds() bool { return c.Differing == 0 && c.Ledger.Equal(c.Books) }

// DayClose is a day with what it came to. After is what was posted for it since
// it was signed off.
type DayClose struct {
	Day      calendar.Date
	Sums     []Sum // as they were signed; of a day that is open, as they are
	Checks   []Check
	After    []Sum
	Note     string
	SignedBy string // empty: open
	SignedAt time.Time
	through  uuid.UUID
}

// Sound says whether all control sums held.
func (d DayClose) Sound() bool {
	for _, c := range d.Checks {
		if !c.Holds() {
			return false
		}
	}
	return true
}

func daySums(ctx context.Context, tx tenant.Tx, profile account.Profile, day calendar.Date) ([]Sum, error) {
	rows, err := tx.Query(ctx, ledger.Days+`
		select legal_entity, branch, kind, unit, sum(debit)::numeric, sum(credit)::numeric
		  from days
		 where day = $2
		 group by legal_entity, branch, kind, unit
		 order by legal_entity, branch, unit, kind`, profile.Zone.String(), day)
	if err != nil {
		return nil, fmt.Errorf("sums of %s: %w", day, err)
	}
	sums, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Sum])
	if err != nil {
		return nil, fmt.Errorf("sums of %s: %w", day, err)
	}
	return sums, nil
}

func checksNow(ctx context.Context, tx tenant.Tx) ([]Check, error) {
	report, err := ledger.ControlSums(ctx, tx)
	if err != nil {
		return nil, err
	}
	checks := make([]Check, len(report.Rules))
	for i, r := range report.Rules {
		checks[i] = Check{r.Name, string(r.Unit), r.Ledger, r.Books, r.Differing}
	}
	return checks, nil
}

// GetDay tells what a day came to: signed off, with what was posted since, or
// open, with the control sums of now.
func GetDay(ctx context.Context, tx tenant.Tx, day calendar.Date) (DayClose, error) {
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return DayClose{}, err
	}
	now, err := daySums(ctx, tx, profile, day)
	if err != nil {
		return DayClose{}, err
	}
	d := DayClose{Day: day}
	var sums, checks json.RawMessage
	err = tx.QueryRow(ctx, `select sums, checks, through, note, signed_by, signed_at from day_close where day = $1`, day).
		Scan(&sums, &checks, &d.through, &d.Note, &d.SignedBy, &d.SignedAt)
	if errors.Is(err, pgx.ErrNoRows) {
		d.Sums = now
		d.Checks, err = checksNow(ctx, tx)
		return d, err
	}
	if err == nil {
		err = errors.Join(json.Unmarshal(sums, &d.Sums), json.Unmarshal(checks, &d.Checks))
	}
	if err != nil {
		return DayClose{}, fmt.Errorf("read day %s: %w", day, err)
	}
	d.After = posted(d.Sums, now)
	return d, nil
}

// posted is what now has beyond then.
func posted(then, now []Sum) []Sum {
	known := map[sumKey]Sum{}
	for _, s := range then {
		known[s.key()] = s
	}
	var after []Sum
	for _, s := range now {
		before := known[s.key()]
		s.Debit, s.Credit = s.Debit.Sub(before.Debit), s.Credit.Sub(before.Credit)
		if !s.Debit.IsZero() || !s.Credit.IsZero() {
			after = append(after, s)
		}
	}
	return after
}

// CloseDay signs a day off: the control sums are checked, its sums are kept. A
// day that is not over is refused (ErrDayOpen), and one on which control sums
// differ without a note (ErrDayUnsure). A repeat is refused (ErrDayClosed).
func CloseDay(ctx context.Context, tx tenant.Tx, day calendar.Date, note, by string) (DayClose, error) {
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return DayClose{}, err
	}
	note = strings.TrimSpace(note)
	switch {
	case day.IsZero():
		return DayClose{}, &FieldError{"day", "a day"}
	case !day.Before(profile.LocalDate(tx.At)):
		return DayClose{}, fmt.Errorf("close %s: %w", day, ErrDayOpen)
	case len([]rune(note)) > maxCloseNote:
		return DayClose{}, &FieldError{"note", "up to 1000 characters"}
	}
	d := DayClose{Day: day, Note: note, SignedBy: by, SignedAt: tx.At, through: uuid.Must(uuid.NewV7())}
	if d.Sums, err = daySums(ctx, tx, profile, day); err != nil {
		return DayClose{}, err
	}
	if d.Checks, err = checksNow(ctx, tx); err != nil {
		return DayClose{}, err
	}
	if !d.Sound() && note == "" {
		return DayClose{}, fmt.Errorf("close %s: %w", day, ErrDayUnsure)
	}
	sums, err := json.Marshal(append([]Sum{}, d.Sums...))
	if err != nil {
		return DayClose{}, err
	}
	checks, err := json.Marshal(d.Checks)
	if err != nil {
		return DayClose{}, err
	}
	_, err = tx.Exec(ctx, `insert into day_close (day, sums, checks, through, note, signed_by, signed_at) values ($1, $2, $3, $4, $5, $6, $7)`,
		day, sums, checks, d.through, note, by, tx.At)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "23505" {
		return DayClose{}, fmt.Errorf("close %s: %w", day, ErrDayClosed)
	}
	if err != nil {
		return DayClose{}, fmt.Errorf("close %s: %w", day, err)
	}
	return d, nil
}

// DayState is a day in the list of days.
type DayState struct {
	Day      calendar.Date
	SignedBy string // empty: open
	SignedAt *time.Time
	Sound    bool
	After    int // lines to which something was posted since
}

// Days lists the days up to the last one that is over, newest first.
func Days(ctx context.Context, tx tenant.Tx, last calendar.Date, n int) ([]DayState, error) {
	list := make([]DayState, 0, n)
	for i := range n {
		list = append(list, DayState{Day: last.AddDays(-i)})
	}
	for i := range list {
		d, err := closedDay(ctx, tx, list[i].Day)
		if errors.Is(err, ErrNoDay) {
			continue
		}
		if err != nil {
			return nil, err
		}
		list[i].SignedBy, list[i].SignedAt, list[i].Sound, list[i].After = d.SignedBy, &d.SignedAt, d.Sound(), len(d.After)
	}
	return list, nil
}

// closedDay is a day that was signed off, or ErrNoDay.
func closedDay(ctx context.Context, tx tenant.Tx, day calendar.Date) (DayClose, error) {
	var known bool
	if err := tx.QueryRow(ctx, `select exists (select from day_close where day = $1)`, day).Scan(&known); err != nil {
		return DayClose{}, fmt.Errorf("read day %s: %w", day, err)
	}
	if !known {
		return DayClose{}, ErrNoDay
	}
	return GetDay(ctx, tx, day)
}

var closedColumns = []Column{{"day", Day, false}, {"state", Text, false}, {"signed_by", Text, false}, {"account_no", Text, false}, {"account", Text, false}, {"currency", Text, false},
	{"debit", Amount, true}, {"credit", Amount, true}, {"after_debit", Amount, true}, {"after_credit", Amount, true}}

// closedDays lists the days of a span that were signed off, line by line, with
// what was posted for them afterwards.
func closedDays(ctx context.Context, tx tenant.Tx, q query, emit Emit) error {
	rows, err := tx.Query(ctx, `select day from day_close where day between $1 and $2 order by day`, q.From, q.To)
	if err != nil {
		return err
	}
	days, err := pgx.CollectRows(rows, pgx.RowTo[calendar.Date])
	if err != nil {
		return err
	}
	language := q.language()
	for _, day := range days {
		d, err := GetDay(ctx, tx, day)
		if err != nil {
			return err
		}
		state := Word(language, "day.sound")
		if !d.Sound() {
			state = Word(language, "day.unsound")
		}
		after := map[sumKey]Sum{}
		for _, s := range d.After {
			after[s.key()] = s
		}
		lines := d.Sums
		signed := map[sumKey]bool{}
		for _, s := range d.Sums {
			signed[s.key()] = true
		}
		for _, s := range d.After {
			if !signed[s.key()] {
				lines = append(lines, Sum{s.LegalEntity, s.Branch, s.Kind, s.Unit, money.Decimal{}, money.Decimal{}})
			}
		}
		for _, s := range lines {
			if len(s.Unit) != 3 || q.Currency != "" && s.Unit != q.Currency || q.LegalEntity != nil && s.LegalEntity != *q.LegalEntity || q.Branch != nil && s.Branch != *q.Branch {
				continue
			}
			number, name := q.line(s.Kind)
			more := after[s.key()]
			if err := emit(day, state, d.SignedBy, number, name, s.Unit, s.Debit, s.Credit, more.Debit, more.Credit); err != nil {
				return err
			}
		}
	}
	return nil
}
