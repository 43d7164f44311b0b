package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/tenant"
)

// CalendarChange is what becomes of a calendar. Days that are put take the
// place of those on the same date.
type CalendarChange struct {
	Code   string
	Names  Names // nil leaves them
	Put    []NamedDay
	Remove []calendar.Date
	Yearly *[]YearlyHoliday // nil leaves them; else all there are
	// Past accepts that days that are over change: what was charged stays, what
	// comes late or is rated again goes by the change.
	Past bool
}

// ChangeCalendar makes a calendar or changes one, and raises the catalog's
// epoch. ErrReferenceCode, ErrReferenceNames, ErrHoliday, ErrPastDay.
func ChangeCalendar(ctx context.Context, tx tenant.Tx, c CalendarChange) (HolidayCalendar, error) {
	after, err := changeCalendar(ctx, tx, c)
	if err != nil {
		return HolidayCalendar{}, fmt.Errorf("change holiday calendar %.64q: %w", c.Code, err)
	}
	return after, nil
}

func changeCalendar(ctx context.Context, tx tenant.Tx, c CalendarChange) (HolidayCalendar, error) {
	if err := c.check(); err != nil {
		return HolidayCalendar{}, err
	}
	// The calendar's row is locked: changes go one after the other.
	const put = `insert into holiday_calendar (code, created_at) values ($1, $2) on conflict (code) do update set code = excluded.code`
	if _, err := tx.Exec(ctx, put, c.Code, tx.At); err != nil {
		return HolidayCalendar{}, err
	}
	before, err := readCalendar(ctx, tx, c.Code)
	if err != nil {
		return HolidayCalendar{}, err
	}
	after := c.apply(before)
	if err := pastDays(ctx, tx, c, before, after); err != nil {
		return HolidayCalendar{}, err
	}
	return after, storeCalendar(ctx, tx, c, after)
}

func (c CalendarChange) check() error {
	err := errors.Join(checkCode(c.Code), c.Names.check())
	for _, h := range c.Put {
		err = errors.Join(err, h.check())
	}
	if c.Yearly != nil {
		for _, y := range *c.Yearly {
			err = errors.Join(err, y.check())
		}
		if len(*c.Yearly) > 366 {
			err = errors.Join(err, fmt.Errorf("%w: more yearly days than a year has", ErrHoliday))
		}
	}
	return err
}

func (c CalendarChange) apply(before HolidayCalendar) HolidayCalendar {
	after := HolidayCalendar{Code: before.Code, Names: before.Names, Yearly: before.Yearly}
	if c.Names != nil {
		after.Names = c.Names
	}
	if c.Yearly != nil {
		after.Yearly = slices.Clone(*c.Yearly)
		slices.SortFunc(after.Yearly, func(a, b YearlyHoliday) int { return (int(a.Month)*100 + a.Day) - (int(b.Month)*100 + b.Day) })
	}
	days := map[calendar.Date]NamedDay{}
	for _, h := range slices.Concat(before.Days, c.Put) {
		days[h.Day] = h
	}
	for _, day := range c.Remove {
		delete(days, day)
	}
	for _, h := range days {
		after.Days = append(after.Days, h)
	}
	slices.SortFunc(after.Days, func(a, b NamedDay) int { return a.Day.Compare(b.Day) })
	return after
}

// pastDays refuses to change days that are over where an offering that was
// sold went by them, unless that is accepted.
func pastDays(ctx context.Context, tx tenant.Tx, c CalendarChange, before, after HolidayCalendar) error {
	today, err := Today(ctx, tx)
	if err != nil || c.Past {
		return err
	}
	for _, day := range changedDays(before, after) {
		if !day.Before(today) {
			continue
		}
		used, err := calendarUsers(ctx, tx, c.Code)
		if err == nil && len(used) > 0 {
			err = fmt.Errorf("%w: %s", ErrPastDay, day)
		}
		return err
	}
	return nil
}

func storeCalendar(ctx context.Context, tx tenant.Tx, c CalendarChange, after HolidayCalendar) error {
	names, yearly := after.Names, after.Yearly
	if names == nil {
		names = Names{}
	}
	if yearly == nil {
		yearly = []YearlyHoliday{}
	}
	tag, err := tx.Exec(ctx, `update holiday_calendar set names = $2, yearly = $3 where code = $1`, c.Code, names, yearly)
	if err == nil && tag.RowsAffected() != 1 {
		err = ErrCalendarNotFound
	}
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `delete from holiday where calendar = $1 and day = any ($2)`, c.Code, c.Remove); err != nil {
		return err
	}
	const put = `insert into holiday (calendar, day, names) values ($1, $2, $3) on conflict (calendar, day) do update set names = excluded.names`
	batch := &pgx.Batch{}
	for _, h := range c.Put {
		if slices.Contains(c.Remove, h.Day) {
			continue
		}
		if h.Names == nil {
			h.Names = Names{}
		}
		batch.Queue(put, c.Code, h.Day, h.Names)
	}
	if batch.Len() > 0 {
		if err := tx.SendBatch(ctx, batch).Close(); err != nil {
			return err
		}
	}
	return bumpEpoch(ctx, tx)
}

// Today is the day that the operator's clocks show.
func Today(ctx context.Context, tx tenant.Tx) (calendar.Date, error) {
	var name string
	if err := tx.QueryRow(ctx, `select zone from operator where id = 1`).Scan(&name); err != nil {
		return calendar.Date{}, fmt.Errorf("read operator's zone: %w", err)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return calendar.Date{}, fmt.Errorf("operator's zone: %w", err)
	}
	return calendar.DateOf(tx.At, zone), nil
}

// calendarUsers returns the offerings on sale or sold that name a calendar.
func calendarUsers(ctx context.Context, tx tenant.Tx, code string) ([]string, error) {
	const find = `
select distinct code
  from offering_version
 where state <> 'draft'
   and jsonb_path_exists(document, 'strict $.** ? (@.calendar == $calendar)', jsonb_build_object('calendar', $1::text))
 order by code`
	rows, err := tx.Query(ctx, find, code)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// CalendarUsers returns the codes of the offerings on sale or sold that go by
// a calendar.
func CalendarUsers(ctx context.Context, tx tenant.Tx, code string) ([]string, error) {
	users, err := calendarUsers(ctx, tx, code)
	if err != nil {
		return nil, fmt.Errorf("list users of holiday calendar %.64q: %w", code, err)
	}
	return users, nil
}

// GetCalendar returns a calendar, or ErrCalendarNotFound.
func GetCalendar(ctx context.Context, tx tenant.Tx, code string) (HolidayCalendar, error) {
	c, err := readCalendar(ctx, tx, code)
	if err != nil {
		return HolidayCalendar{}, fmt.Errorf("read holiday calendar %.64q: %w", code, err)
	}
	return c, nil
}

func readCalendar(ctx context.Context, tx tenant.Tx, code string) (HolidayCalendar, error) {
	calendars, err := readCalendars(ctx, tx, []string{code})
	if err == nil && len(calendars) == 0 {
		return HolidayCalendar{}, ErrCalendarNotFound
	}
	if err != nil {
		return HolidayCalendar{}, err
	}
	return calendars[0], nil
}

// readCalendars reads calendars by their codes; all if codes is nil.
func readCalendars(ctx context.Context, tx tenant.Tx, codes []string) ([]HolidayCalendar, error) {
	const heads = `select code, names, yearly from holiday_calendar where $1::text[] is null or code = any ($1) order by code`
	rows, err := tx.Query(ctx, heads, codes)
	if err != nil {
		return nil, err
	}
	calendars, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (c HolidayCalendar, err error) {
		return c, row.Scan(&c.Code, &c.Names, &c.Yearly)
	})
	if err != nil {
		return nil, err
	}
	at := map[string]int{}
	for i, c := range calendars {
		at[c.Code] = i
	}
	const days = `select calendar, day, names from holiday where $1::text[] is null or calendar = any ($1) order by calendar, day`
	if rows, err = tx.Query(ctx, days, codes); err != nil {
		return nil, err
	}
	var code string
	var h NamedDay
	_, err = pgx.ForEachRow(rows, []any{&code, &h.Day, &h.Names}, func() error {
		c := &calendars[at[code]]
		c.Days = append(c.Days, h)
		h = NamedDay{}
		return nil
	})
	return calendars, err
}

// Calendars returns every calendar by code.
func Calendars(ctx context.Context, tx tenant.Tx) ([]HolidayCalendar, error) {
	calendars, err := readCalendars(ctx, tx, nil)
	if err != nil {
		return nil, fmt.Errorf("list holiday calendars: %w", err)
	}
	return calendars, nil
}

// LoadCalendars returns the holidays of calendars by code. Those that there
// are not are absent.
func LoadCalendars(ctx context.Context, tx tenant.Tx, codes []string) (map[string][]calendar.Date, error) {
	if len(codes) == 0 {
		return map[string][]calendar.Date{}, nil
	}
	return loadCalendars(ctx, tx, codes)
}

func loadCalendars(ctx context.Context, tx tenant.Tx, codes []string) (map[string][]calendar.Date, error) {
	dates := make(map[string][]calendar.Date, len(codes))
	calendars, err := readCalendars(ctx, tx, codes)
	if err != nil {
		return nil, fmt.Errorf("read holiday calendars: %w", err)
	}
	for _, c := range calendars {
		dates[c.Code] = c.about(tx.At.Year())
	}
	return dates, nil
}

// LoadAllCalendars is LoadCalendars of every calendar there is.
func LoadAllCalendars(ctx context.Context, tx tenant.Tx) (map[string][]calendar.Date, error) {
	return loadCalendars(ctx, tx, nil)
}

// RemoveCalendar takes away a calendar that no offering names.
// ErrCalendarNotFound, ErrCalendarUsed.
func RemoveCalendar(ctx context.Context, tx tenant.Tx, code string) error {
	var locked string
	err := tx.QueryRow(ctx, `select code from holiday_calendar where code = $1 for update`, code).Scan(&locked)
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrCalendarNotFound
	}
	if err == nil {
		var used []string
		if used, err = calendarUsers(ctx, tx, code); len(used) > 0 {
			err = fmt.Errorf("%w: %s", ErrCalendarUsed, used[0])
		}
	}
	for _, statement := range []string{`delete from holiday where calendar = $1`, `delete from holiday_calendar where code = $1`} {
		if err == nil {
			_, err = tx.Exec(ctx, statement, code)
		}
	}
	if err == nil {
		err = bumpEpoch(ctx, tx)
	}
	if err != nil {
		return fmt.Errorf("remove holiday calendar %.64q: %w", code, err)
	}
	return nil
}

// HolidayUpload is a file whose days are to be added to a calendar.
type HolidayUpload struct {
	Code    string
	Names   Names // of the calendar; nil leaves them
	Content []byte
	Format  TableFormat
	Past    bool
}

// AddHolidays adds a file's days to a calendar, which is made if there is
// none. Yearly ones hold from this year on. ErrTable and what ChangeCalendar
// refuses with.
func AddHolidays(ctx context.Context, tx tenant.Tx, u HolidayUpload) (HolidayCalendar, error) {
	today, err := Today(ctx, tx)
	if err != nil {
		return HolidayCalendar{}, err
	}
	file, err := ReadHolidays(u.Content, u.Format, today.Year)
	if err != nil {
		return HolidayCalendar{}, err
	}
	before, err := readCalendar(ctx, tx, u.Code)
	if err != nil && !errors.Is(err, ErrCalendarNotFound) {
		return HolidayCalendar{}, fmt.Errorf("add holidays to %.64q: %w", u.Code, err)
	}
	yearly := before.Yearly
	for _, y := range file.Yearly {
		yearly = withYearly(yearly, y)
	}
	return ChangeCalendar(ctx, tx, CalendarChange{Code: u.Code, Names: u.Names, Put: file.Days, Yearly: &yearly, Past: u.Past})
}

// withYearly adds a yearly day, or names the one of the same date anew.
func withYearly(list []YearlyHoliday, y YearlyHoliday) []YearlyHoliday {
	list = slices.Clone(list)
	for i, known := range list {
		if known.Month == y.Month && known.Day == y.Day && known.Until == 0 {
			list[i].Names = y.Names
			return list
		}
	}
	return append(list, y)
}
