package statement

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"tollhouse/billing/bank"
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
)

// Form says how lines of text are to be read. Columns are counted from one;
// zero: there is none.
type Form struct {
	Separator                                        rune
	Skip                                             int
	Date                                             string // such as 02.01.2006
	Comma                                            bool   // decimal comma
	Account                                          string
	Currency                                         money.Currency
	Day, Amount, Debit, Party, IBAN, Text, Reference int
}

// ReadDelimited reads lines. The statement's name is a digest of the file: the
// same file again is the same statement.
func ReadDelimited(r io.Reader, f Form) (Statement, error) {
	file, err := io.ReadAll(io.LimitReader(r, maxFile))
	if err != nil {
		return Statement{}, fmt.Errorf("%w: %w", ErrFile, err)
	}
	sum := sha256.Sum256(file)
	if !utf8.Valid(file) { // many banks still write Latin-1
		var text bytes.Buffer
		for _, b := range file {
			text.WriteRune(rune(b))
		}
		file = text.Bytes()
	}
	s := Statement{Format: "delimited", ID: "file:" + hex.EncodeToString(sum[:12]), Account: bank.Plain(f.Account), Currency: f.Currency}
	lines := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(file, []byte("\xef\xbb\xbf"))))
	lines.Comma, lines.FieldsPerRecord, lines.LazyQuotes = f.Separator, -1, true
	for n := 1; ; n++ {
		line, err := lines.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return s, fmt.Errorf("%w: line %d: %w", ErrFile, n, err)
		}
		if n <= f.Skip || blank(line) {
			continue
		}
		e, err := f.entry(line)
		if err != nil {
			return s, fmt.Errorf("%w: line %d: %w", ErrFile, n, err)
		}
		s.name(&e, n)
		s.From, s.To = earlierDay(s.From, e.Booked), laterDay(s.To, e.Booked)
		s.Entries = append(s.Entries, e)
	}
	if len(s.Entries) == 0 {
		return s, fmt.Errorf("%w: it has no lines below the heading", ErrFile)
	}
	return s, nil
}

func blank(line []string) bool { return strings.TrimSpace(strings.Join(line, "")) == "" }

func (f Form) entry(line []string) (e Entry, err error) {
	field := func(n int) string {
		if n < 1 || n > len(line) {
			return ""
		}
		return strings.TrimSpace(line[n-1])
	}
	at, err := time.Parse(f.Date, field(f.Day))
	if err != nil {
		return e, fmt.Errorf("column %d: a day such as %s is wanted", f.Day, f.Date)
	}
	e.Booked = calendar.DateOf(at, time.UTC)
	if e.Amount, err = f.amount(field(f.Amount)); err != nil {
		return e, fmt.Errorf("column %d: %w", f.Amount, err)
	}
	if f.Debit > 0 && field(f.Debit) != "" {
		out, err := f.amount(field(f.Debit))
		if err != nil {
			return e, fmt.Errorf("column %d: %w", f.Debit, err)
		}
		e.Amount = e.Amount.Sub(out.Abs())
	}
	if e.Amount.IsZero() {
		return e, fmt.Errorf("column %d: an amount is wanted", f.Amount)
	}
	e.Party, e.IBAN, e.Text, e.Ref = field(f.Party), bank.Plain(field(f.IBAN)), field(f.Text), field(f.Reference)
	e.Kind = Credit
	if e.Amount.Sign() < 0 {
		e.Kind = Debit
	}
	return e, nil
}

// amount reads an amount with its mark of decimals. The other mark, spaces and
// apostrophes may part thousands, and nothing else: with the wrong mark declared,
// 12,50 would be read as 1250.
func (f Form) amount(text string) (money.Decimal, error) {
	if text == "" {
		return money.Decimal{}, nil
	}
	mark, other := ".", ","
	if f.Comma {
		mark, other = other, mark
	}
	unsigned, negative := strings.CutPrefix(strings.TrimPrefix(text, "+"), "-")
	whole, fraction, _ := strings.Cut(unsigned, mark)
	groups := strings.Split(strings.NewReplacer(" ", other, "\u00a0", other, "\u202f", other, "'", other).Replace(strings.TrimSpace(whole)), other)
	if !thousands(groups) || strings.ContainsAny(fraction, ",.' ") {
		return money.Decimal{}, fmt.Errorf("an amount such as 1%s234%s50 is wanted, not %.40q", other, mark, text)
	}
	plain := strings.Join(groups, "")
	if fraction != "" {
		plain += "." + fraction
	}
	a, err := money.Parse(plain, f.Currency)
	if err != nil {
		return money.Decimal{}, err
	}
	if negative {
		return a.Decimal().Neg(), nil
	}
	return a.Decimal(), nil
}

// thousands says whether digits are parted as people part them: by three from
// the end, or by two above the first three, as in India.
func thousands(groups []string) bool {
	last := len(groups) - 1
	for i, g := range groups {
		switch {
		case i == last && i > 0 && len(g) != 3, i > 0 && i < last && len(g) != 3 && len(g) != 2, i == 0 && last > 0 && (g == "" || len(g) > 3):
			return false
		}
	}
	return true
}
