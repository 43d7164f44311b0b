package report

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/agenda"
	"tollhouse/billing/calendar"
	"tollhouse/billing/identity"
	"tollhouse/billing/report/sheet"
	"tollhouse/billing/tenant"
)

// Every is how often a report goes out.
type Every string

// How often.
const (
	Daily   Every = "day"   // of the day before
	Weekly  Every = "week"  // of the week before, Monday to Sunday
	Monthly Every = "month" // of the month before
)

// State says whether a schedule is in force.
type State string

// The states of a schedule; each may follow the other.
const (
	Active State = "active"
	Off    State = "off"
)

// Run is one time that a report went out, or did not.
type Run struct {
	ID    uuid.UUID     `json:"id"`
	At    time.Time     `json:"at"`
	From  calendar.Date `json:"from"`
	To    calendar.Date `json:"to"`
	Sent  int           `json:"sent"`
	Bytes int           `json:"bytes,omitempty"`
	Link  bool          `json:"link,omitempty"` // too large for a mail: it led to the page
	Error string        `json:"error,omitempty"`
}

// Schedule is a report that goes out by mail.
type Schedule struct {
	ID         uuid.UUID
	Name       string
	Report     Name
	Terms      Terms // what it is narrowed to; the days follow from when it goes out
	Format     sheet.Format
	Every      Every
	OnDay      int // of a week: 1 Monday to 7 Sunday; of a month: 1 to 31, its last day where it has less
	AtHour     int // in the operator's zone
	Recipients []uuid.UUID
	State      State
	DueAt      time.Time
	Log        []Run // latest first
	CreatedBy  string
}

// Errors of schedules.
var (
	ErrInvalid    = errors.New("the request has faults")
	ErrNoSchedule = errors.New("no such scheduled report")
)

// Is lets errors.Is find ErrInvalid.
func (e *FieldError) Is(target error) bool { return target == ErrInvalid }

const (
	maxRecipients = 20
	maxName       = 100
	keepRuns      = 20
)

func (s *Schedule) check(ctx context.Context, tx tenant.Tx) error {
	s.Name = strings.TrimSpace(s.Name)
	if _, err := Find(s.Report); err != nil {
		return &FieldError{"report", "one of the reports"}
	}
	switch {
	case s.Name == "" || len([]rune(s.Name)) > maxName || strings.ContainsAny(s.Name, "\r\n"):
		return &FieldError{"name", "a name of up to 100 characters on one line"}
	case !s.Format.Valid():
		return &FieldError{"format", "csv or xlsx"}
	case s.Every != Daily && s.Every != Weekly && s.Every != Monthly:
		return &FieldError{"every", "day, week or month"}
	case s.Every == Weekly && (s.OnDay < 1 || s.OnDay > 7):
		return &FieldError{"on_day", "a day of the week, 1 (Monday) to 7"}
	case s.Every == Monthly && (s.OnDay < 1 || s.OnDay > 31):
		return &FieldError{"on_day", "a day of the month, 1 to 31"}
	case s.AtHour < 0 || s.AtHour > 23:
		return &FieldError{"at_hour", "an hour of the day, 0 to 23"}
	case len(s.Recipients) == 0 || len(s.Recipients) > maxRecipients:
		return &FieldError{"recipients", "1 to 20 users of the operator"}
	}
	if s.Every == Daily {
		s.OnDay = 0
	}
	slices.SortFunc(s.Recipients, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	s.Recipients = slices.Compact(s.Recipients)
	var known int
	err := tx.QueryRow(ctx, `select count(*) from app_user where id = any ($1) and role <> 'subscriber' and state = 'active'`, s.Recipients).Scan(&known)
	if err != nil {
		return fmt.Errorf("recipients: %w", err)
	}
	if known != len(s.Recipients) {
		return &FieldError{"recipients", "active users with a role in the operator"}
	}
	return nil
}

// next is the first time after an instant at which it goes out.
func (s Schedule) next(after time.Time, zone *time.Location) time.Time {
	day := calendar.DateOf(after, zone)
	for {
		if s.falls(day) {
			at := time.Date(day.Year, day.Month, day.Day, s.AtHour, 0, 0, 0, zone).UTC()
			if at.After(after) {
				return at
			}
		}
		day = day.AddDays(1)
	}
}

func (s Schedule) falls(day calendar.Date) bool {
	switch s.Every {
	case Weekly:
		return (int(day.Weekday())+6)%7+1 == s.OnDay
	case Monthly:
		last := day.AddDays(1 - day.Day).AddMonths(1).AddDays(-1).Day
		return day.Day == min(s.OnDay, last)
	}
	return true
}

// Span is of what days a report is that goes out at an instant.
func (s Schedule) Span(at time.Time, zone *time.Location) (from, to calendar.Date) {
	today := calendar.DateOf(at, zone)
	switch s.Every {
	case Weekly:
		monday := today.AddDays(-((int(today.Weekday()) + 6) % 7))
		return monday.AddDays(-7), monday.AddDays(-1)
	case Monthly:
		first := monthOf(today)
		return first.AddMonths(-1), first.AddDays(-1)
	}
	return today.AddDays(-1), today.AddDays(-1)
}

// Put makes a schedule or changes the one of its id, and puts it on the agenda.
func Put(ctx context.Context, tx tenant.Tx, s Schedule, by string) (Schedule, error) {
	if s.State == "" {
		s.State = Active
	}
	if err := s.check(ctx, tx); err != nil {
		return Schedule{}, err
	}
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return Schedule{}, err
	}
	s.DueAt = s.next(tx.At, profile.Zone)
	terms, err := json.Marshal(s.Terms)
	if err != nil {
		return Schedule{}, err
	}
	_, err = tx.Exec(ctx, `
		insert into report_schedule (id, name, report, terms, format, every, on_day, at_hour, recipients, state, due_at, created_by, created_at, changed_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13)
		on conflict (id) do update
		   set name = excluded.name, report = excluded.report, terms = excluded.terms, format = excluded.format, every = excluded.every, on_day = excluded.on_day,
		       at_hour = excluded.at_hour, recipients = excluded.recipients, state = excluded.state, due_at = excluded.due_at, changed_at = excluded.changed_at`,
		s.ID, s.Name, s.Report, terms, s.Format, s.Every, s.OnDay, s.AtHour, s.Recipients, s.State, s.DueAt, by, tx.At)
	if err != nil {
		return Schedule{}, fmt.Errorf("schedule report: %w", err)
	}
	if s.State == Active {
		if err := agenda.Add(ctx, tx, agenda.Item{Kind: agenda.ReportMail, Ref: s.ID, DueAt: s.DueAt}); err != nil {
			return Schedule{}, err
		}
	}
	return GetSchedule(ctx, tx, s.ID)
}

const scheduleColumns = `id, name, report, terms, format, every, on_day, at_hour, recipients, state, due_at, log, created_by`

func schedules(ctx context.Context, tx tenant.Tx, where string, args ...any) ([]Schedule, error) {
	rows, err := tx.Query(ctx, `select `+scheduleColumns+` from report_schedule where `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("scheduled reports: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s Schedule, err error) {
		var terms, log json.RawMessage
		err = row.Scan(&s.ID, &s.Name, &s.Report, &terms, &s.Format, &s.Every, &s.OnDay, &s.AtHour, &s.Recipients, &s.State, &s.DueAt, &log, &s.CreatedBy)
		return s, errors.Join(err, json.Unmarshal(terms, &s.Terms), json.Unmarshal(log, &s.Log))
	})
	if err != nil {
		return nil, fmt.Errorf("scheduled reports: %w", err)
	}
	return list, nil
}

// Schedules lists them by name.
func Schedules(ctx context.Context, tx tenant.Tx) ([]Schedule, error) {
	return schedules(ctx, tx, `true order by lower(name), id limit 200`)
}

// GetSchedule reads one; ErrNoSchedule if there is none.
func GetSchedule(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Schedule, error) {
	list, err := schedules(ctx, tx, `id = $1`, id)
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("scheduled report %s: %w", id, ErrNoSchedule)
	}
	if err != nil {
		return Schedule{}, err
	}
	return list[0], nil
}

// RemoveSchedule takes one away.
func RemoveSchedule(ctx context.Context, tx tenant.Tx, id uuid.UUID) error {
	done, err := tx.Exec(ctx, `delete from report_schedule where id = $1`, id)
	if err != nil {
		return fmt.Errorf("remove scheduled report %s: %w", id, err)
	}
	if done.RowsAffected() == 0 {
		return fmt.Errorf("scheduled report %s: %w", id, ErrNoSchedule)
	}
	return nil
}

// Addressee is a recipient who may still see the report.
type Addressee struct {
	Email, Language string
	Role            identity.Role
}

// Recipients are those of a schedule who are active users of the operator.
// Whether a role may see reports is the caller's to ask.
func Recipients(ctx context.Context, tx tenant.Tx, s Schedule) ([]Addressee, error) {
	rows, err := tx.Query(ctx, `select email, language, role from app_user where id = any ($1) and role <> 'subscriber' and state = 'active' order by id`, s.Recipients)
	if err != nil {
		return nil, fmt.Errorf("recipients: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Addressee])
	if err != nil {
		return nil, fmt.Errorf("recipients: %w", err)
	}
	return list, nil
}

// Went notes a run and puts the next one on the agenda.
func Went(ctx context.Context, tx tenant.Tx, s Schedule, run Run) error {
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return err
	}
	log, err := json.Marshal(append([]Run{run}, s.Log[:min(len(s.Log), keepRuns-1)]...))
	if err != nil {
		return err
	}
	next := s.next(tx.At, profile.Zone)
	done, err := tx.Exec(ctx, `update report_schedule set log = $2, due_at = $3 where id = $1`, s.ID, log, next)
	if err == nil && done.RowsAffected() != 1 {
		err = fmt.Errorf("%d rows written, want 1", done.RowsAffected())
	}
	if err != nil {
		return fmt.Errorf("note run of report %s: %w", s.ID, err)
	}
	return agenda.Add(ctx, tx, agenda.Item{Kind: agenda.ReportMail, Ref: s.ID, DueAt: next})
}

// RunOf finds a run by its id, and its schedule.
func RunOf(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Schedule, Run, error) {
	list, err := schedules(ctx, tx, `log @> jsonb_build_array(jsonb_build_object('id', $1::text))`, id.String())
	if err != nil {
		return Schedule{}, Run{}, err
	}
	for _, s := range list {
		for _, r := range s.Log {
			if r.ID == id {
				return s, r, nil
			}
		}
	}
	return Schedule{}, Run{}, fmt.Errorf("run %s: %w", id, ErrNoSchedule)
}

// Person is a user who may be a recipient.
type Person struct {
	ID          uuid.UUID
	Email, Name string
}

// Label is what it is called in a list.
func (p Person) Label() string {
	if p.Name == "" {
		return p.Email
	}
	return p.Name + " · " + p.Email
}

// People are the active users with a role in the operator.
func People(ctx context.Context, tx tenant.Tx, limit int) ([]Person, error) {
	rows, err := tx.Query(ctx, `select id, email, name from app_user where role <> 'subscriber' and state = 'active' order by lower(name), email limit $1`, limit)
	if err != nil {
		return nil, fmt.Errorf("people: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Person])
	if err != nil {
		return nil, fmt.Errorf("people: %w", err)
	}
	return list, nil
}
