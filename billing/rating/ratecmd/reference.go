package ratecmd

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"
	"time"

	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/rating"
)

// named are files by the code that an offer has for them: code=file.
type named map[string]string

// String is what flag asks for.
func (n *named) String() string {
	var list []string
	for code, path := range *n {
		list = append(list, code+"="+path)
	}
	sort.Strings(list)
	return strings.Join(list, " ")
}

// Set takes one option.
func (n *named) Set(text string) error {
	code, path, ok := strings.Cut(text, "=")
	if !ok || code == "" || path == "" {
		return errors.New("must be a code, an equals sign and a file, such as world=deck.csv")
	}
	if *n == nil {
		*n = named{}
	}
	if _, twice := (*n)[code]; twice {
		return fmt.Errorf("the code %q stands twice", code)
	}
	(*n)[code] = path
	return nil
}

// firstYear is from when days of every year are laid out: no usage file is
// older.
const firstYear = 2000

// context reads what the offer's names stand for.
func (o options) context(zone *time.Location) (rating.Context, error) {
	c := rating.Context{Zone: zone, Decks: map[string]*catalog.Deck{}, Calendars: map[string][]calendar.Date{}}
	for code, path := range o.decks {
		text, err := readTable(path)
		if err != nil {
			return c, err
		}
		file, err := catalog.ReadDeck(text, catalog.DeckFormat{})
		if err != nil {
			return c, atTable(path, err)
		}
		if c.Decks[code], err = catalog.NewDeck(code, file.Entries); err != nil {
			return c, fmt.Errorf("%s: %w", path, err)
		}
	}
	for code, path := range o.calendars {
		text, err := readTable(path)
		if err != nil {
			return c, err
		}
		file, err := catalog.ReadHolidays(text, catalog.TableFormat{}, firstYear)
		if err != nil {
			return c, atTable(path, err)
		}
		c.Calendars[code] = catalog.HolidayCalendar{Days: file.Days, Yearly: file.Yearly}.Dates()
	}
	if o.rates == "" {
		return c, nil
	}
	text, err := readTable(o.rates)
	if err != nil {
		return c, err
	}
	file, err := catalog.ReadRates(text, catalog.RatesFormat{})
	if err != nil {
		return c, atTable(o.rates, err)
	}
	c.Rates = catalog.NewRates(file.Rates)
	return c, nil
}

func readTable(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	return io.ReadAll(io.LimitReader(file, catalog.MaxTableBytes+1))
}

// atTable turns the first fault of a table into one line: file:line:column.
func atTable(path string, err error) error {
	var bad *catalog.TableError
	if !errors.As(err, &bad) {
		return fmt.Errorf("%s: %w", path, err)
	}
	f := bad.Faults[0]
	more := ""
	if bad.Total > 1 {
		more = fmt.Sprintf(" (and %d more)", bad.Total-1)
	}
	return fmt.Errorf("%s:%d:%s: must be %s, got %.40q%s", path, f.Line, f.Column, f.Want, f.Value, more)
}
