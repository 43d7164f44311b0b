package ratecmd

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"tollhouse/billing/catalog"
	"tollhouse/billing/catalog/document"
	"tollhouse/billing/rating"
)

// Exit codes.
const (
	exitPriced   = 0
	exitUnpriced = 1
	exitBadInput = 2
)

const help = `Price a usage file under an offer file, without a database.

  tollhouse rate --offer offer.yaml --usage usage.csv [--account account.yaml]
                 [--option option.yaml]... [--deck code=file]...
                 [--calendar code=file]... [--rates file] [--json]

--offer    an offering as the catalog exports it, YAML or JSON
           (docs/offering.schema.json)
--usage    comma-separated values in UTF-8 with a header line; "-" is standard
           input. Columns, in any order:
             kind         voice, data, message, content or transaction
             start        when the event or its session began, RFC 3339:
                          2026-05-01T08:00:00+02:00
             quantity     seconds, bytes or events, or with a unit: 61 s, 1.5 GB
             destination  number, name or service; may be left out
             session      lines with the same text are pieces of one event, in
                          the order of the file; may be left out
             quality      such as hd or 4g; may be left out
             amount       the event's own amount, of which a percentage is
                          asked; may be left out
             network      own or other: whose the destination is; may be left
                          out for other
--option   an option on top of the offer, whose prices go before its own; once
           for each, in the order in which they were bought
--deck     a deck that the offer names: world=deck.csv, with the columns prefix
           and zone; once for each deck
--calendar a holiday calendar that the offer names: de=holidays.csv, with the
           columns day and name; once for each
--rates    exchange rates, with the columns from, to, day and rate, or a table
           of the European Central Bank
--account  zone, balances and counters, YAML or JSON:
             zone: Europe/Berlin          # of the time windows; default UTC
             balances:
             - {code: main, unit: EUR, value: "20.00", priority: 2}
             - {code: gift, unit: second, value: "600", priority: 1,
                kinds: [voice], destinations: [germany],
                expires_at: 2026-06-11T00:00:00+02:00}
             - {code: night, unit: second, value: "600", priority: 1,
                windows: [{from: '20:00'}], qualities: [hd],
                terms: {blocks: true, factors: {hd: 2},
                        own_price: {connect_fee: 0.01, increment: 20 s}}}
             - {allowance: flex-200min}           # full, as the offer has it
             - {allowance: flex-5gb, value: "1000000"}   # what is left of it
             counters: {flex-data-any: 12000000}
           Without this file every allowance of the offer is full and there is
           no money: the whole price is left to pay.
--json     one JSON object a line: the events, then the totals

Ends with 0; with 1 if an event has no price; with 2 on bad input.
`

type options struct {
	offer, usage, account string
	options               files
	decks, calendars      named
	rates                 string
	json                  bool
}

// Run is the command. args come after the role's name.
func Run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var o options
	flags := flag.NewFlagSet("rate", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&o.offer, "offer", "", "")
	flags.StringVar(&o.usage, "usage", "", "")
	flags.StringVar(&o.account, "account", "", "")
	flags.Var(&o.options, "option", "")
	flags.Var(&o.decks, "deck", "")
	flags.Var(&o.calendars, "calendar", "")
	flags.StringVar(&o.rates, "rates", "", "")
	flags.BoolVar(&o.json, "json", false, "")
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		_, _ = io.WriteString(stdout, help)
		return exitPriced
	case err == nil && flags.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case err == nil && (o.offer == "" || o.usage == ""):
		err = errors.New("--offer and --usage are needed")
	}
	if err != nil {
		return complain(stderr, fmt.Errorf("rate: %w (see tollhouse rate --help)", err))
	}
	unpriced, err := o.run(ctx, stdout)
	switch {
	case err != nil:
		return complain(stderr, err)
	case unpriced > 0:
		return exitUnpriced
	}
	return exitPriced
}

func complain(stderr io.Writer, err error) int {
	_, _ = fmt.Fprintln(stderr, err)
	return exitBadInput
}

// run prices the file and returns how many events had no price.
func (o options) run(ctx context.Context, stdout io.Writer) (unpriced int, err error) {
	offering, account, err := o.load()
	if err != nil {
		return 0, err
	}
	options, err := o.onTop(offering)
	if err != nil {
		return 0, err
	}
	if o.account == "" {
		for _, option := range options {
			account.balances = append(account.balances, fullAllowances(option)...)
		}
	}
	context, err := o.context(account.zone)
	if err != nil {
		return 0, err
	}
	tariff, err := rating.Compile(offering, context, options...)
	if err != nil {
		return 0, atFile(o.offer, nil, err)
	}
	book := newBook(offering, tariff, account)
	out := newPrinter(stdout, o.json, book)
	file, err := openUsage(o.usage)
	if err != nil {
		return 0, err
	}
	defer func() { _ = file.Close() }()
	if err := priceAll(ctx, newReader(o.usage, file), book, out); err != nil {
		return 0, errors.Join(err, out.flush())
	}
	out.totals()
	return book.unpriced, out.flush()
}

func openUsage(path string) (io.ReadCloser, error) {
	if path == "-" {
		return io.NopCloser(os.Stdin), nil
	}
	return os.Open(path)
}

func priceAll(ctx context.Context, in *reader, book *book, out *printer) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		line, err := in.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		out.charge(book.charge(line))
	}
}

// readOffering reads an offer without faults.
func readOffering(path string) (catalog.Offering, error) {
	text, err := readBounded(path)
	if err != nil {
		return catalog.Offering{}, err
	}
	offering, lines, err := catalog.ParseLines(text)
	if err != nil {
		return catalog.Offering{}, atFile(path, lines, err)
	}
	if findings := catalog.Faults(catalog.Check(offering)); len(findings) > 0 {
		return catalog.Offering{}, atFile(path, lines, &document.InvalidError{Findings: lines.Locate(byName(offering, findings))})
	}
	return offering, nil
}

// load reads the offer and, if there is one, the account.
func (o options) load() (catalog.Offering, account, error) {
	offering, err := readOffering(o.offer)
	if err != nil {
		return catalog.Offering{}, account{}, err
	}
	if o.account == "" {
		return offering, account{zone: time.UTC, balances: fullAllowances(offering)}, nil
	}
	text, err := readBounded(o.account)
	if err != nil {
		return catalog.Offering{}, account{}, err
	}
	a, err := readAccount(text, offering)
	if err != nil {
		return catalog.Offering{}, account{}, atFile(o.account, nil, err)
	}
	return offering, a, nil
}

// readBounded reads a document; what is over the bound is refused by its size.
func readBounded(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	return io.ReadAll(io.LimitReader(file, document.MaxBytes+1))
}

// atFile turns the findings of a document into one line: file:line:field.
func atFile(path string, lines document.Lines, err error) error {
	var invalid *document.InvalidError
	if !errors.As(err, &invalid) {
		return fmt.Errorf("%s: %w", path, err)
	}
	first := invalid.Findings[0]
	if first.Line == 0 {
		first.Line = lines.Of(first.Path)
	}
	more := ""
	if n := len(invalid.Findings) - 1; n > 0 {
		more = fmt.Sprintf(" (and %d more)", n)
	}
	if first.Path == "" {
		return fmt.Errorf("%s:%d: %s%s", path, first.Line, first.Message, more)
	}
	return fmt.Errorf("%s:%d:%s: %s%s", path, first.Line, first.Path, first.Message, more)
}

// byName tells offer and rule by their codes: a clerk knows these, and not
// that a rule is the third of the first usage.
func byName(o catalog.Offering, findings []document.Finding) []document.Finding {
	for i := range findings {
		f := &findings[i]
		about := "offer " + o.Code
		var usage, rule int
		if n, _ := fmt.Sscanf(f.Path, "usage[%d].rules[%d]", &usage, &rule); n == 2 && usage < len(o.Usage) && rule < len(o.Usage[usage].Rules) {
			about += ", rule " + o.Usage[usage].Rules[rule].Code
		}
		f.Message = about + ": " + f.Message
	}
	return findings
}
