package bill

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/policy"
	"tollhouse/billing/tenant"
)

// NumberFormat is how the numbers of a legal entity's documents of a kind are
// printed: text with {prefix}, {yyyy} or {yy}, and {no:6}, the number with at
// least so many digits.
type NumberFormat struct {
	LegalEntity uuid.UUID `json:"legal_entity"`
	Kind        Kind      `json:"kind"`
	Template    string    `json:"template"`
}

// DefaultTemplate prints HM-2026/000042.
const DefaultTemplate = "{prefix}-{yyyy}/{no:6}"

// ErrNumberFormat means that two series could print the same number.
var ErrNumberFormat = errors.New("another series could print the same number")

// formats is what is stored: what holds now, and what held once, since its
// numbers stand on documents.
type formats struct {
	Now  []NumberFormat `json:"now"`
	Past []NumberFormat `json:"past"`
}

// numbering prints numbers.
type numbering struct {
	operator string
	now      map[formatOf]string
}

type formatOf struct {
	entity uuid.UUID
	kind   Kind
}

// loadNumbering reads how numbers are printed.
func loadNumbering(ctx context.Context, tx tenant.Tx, operator string) (numbering, error) {
	var stored formats
	if _, err := policy.Load(ctx, tx, policy.Numbering, &stored); err != nil {
		return numbering{}, err
	}
	return stored.numbering(operator), nil
}

func (f formats) numbering(operator string) numbering {
	n := numbering{operator, map[formatOf]string{}}
	for _, one := range f.Now {
		n.now[formatOf{one.LegalEntity, one.Kind}] = one.Template
	}
	return n
}

func (n numbering) template(entity uuid.UUID, kind Kind) string {
	if t, set := n.now[formatOf{entity, kind}]; set {
		return t
	}
	return DefaultTemplate
}

// text is a number as it is printed.
func (n numbering) text(seller Seller, s Series, no int64) string {
	return render(n.template(s.LegalEntity, s.Kind), prefix(n.operator, seller)+mark[s.Kind], s.Year, no)
}

var (
	token        = regexp.MustCompile(`\{[^{}]*\}`)
	numberToken  = regexp.MustCompile(`^\{no:([1-9])\}$`)
	numberLetter = regexp.MustCompile(`^[A-Za-z0-9./_-]*$`)
)

// maxNumberText bounds a printed number: it is a payer's reference.
const maxNumberText = 35

func render(template, prefix string, year int, no int64) string {
	return token.ReplaceAllStringFunc(template, func(t string) string {
		switch t {
		case "{prefix}":
			return prefix
		case "{yyyy}":
			return fmt.Sprintf("%04d", year)
		case "{yy}":
			return fmt.Sprintf("%02d", year%100)
		}
		digits, _ := strconv.Atoi(numberToken.FindStringSubmatch(t)[1])
		return fmt.Sprintf("%0*d", digits, no)
	})
}

// checkTemplate refuses what cannot be printed, or would print a number twice.
func checkTemplate(template string) error {
	wrong := func(want string) error { return &account.FieldError{Field: "template", Want: want} }
	years, numbers := 0, 0
	for _, t := range token.FindAllString(template, -1) {
		switch {
		case t == "{yyyy}" || t == "{yy}":
			years++
		case numberToken.MatchString(t):
			numbers++
		case t != "{prefix}":
			return wrong("only {prefix}, {yyyy}, {yy} and {no:1} to {no:9} in braces")
		}
	}
	switch {
	case numbers != 1:
		return wrong("the number once, such as {no:6}")
	case years != 1:
		return wrong("the year once, as {yyyy} or {yy}: numbers begin anew every year")
	case !numberLetter.MatchString(token.ReplaceAllString(template, "")):
		return wrong("letters, digits, and . / _ - besides what is in braces")
	case len(render(template, "ABCD1234S", 2026, 999_999_999)) > maxNumberText:
		return wrong(fmt.Sprintf("at most %d characters when printed", maxNumberText))
	}
	return nil
}

// element is one character of a printed number: itself, any digit, or any
// digits at all.
type element struct {
	letter byte
	many   bool
}

const anyDigit = 0

func elements(template, prefix string) []element {
	var list []element
	letters := func(s string) {
		for i := range len(s) {
			list = append(list, element{letter: s[i]})
		}
	}
	digits := func(n int) { list = append(list, make([]element, n)...) }
	last := 0
	for _, at := range token.FindAllStringIndex(template, -1) {
		letters(template[last:at[0]])
		switch t := template[at[0]:at[1]]; t {
		case "{prefix}":
			letters(prefix)
		case "{yyyy}":
			digits(4)
		case "{yy}":
			digits(2)
		default:
			n, _ := strconv.Atoi(numberToken.FindStringSubmatch(t)[1])
			digits(n)
			list = append(list, element{many: true})
		}
		last = at[1]
	}
	letters(template[last:])
	return list
}

// collide says whether two formats could print the same text.
func collide(a, b []element) bool {
	seen := map[[2]int]bool{}
	var meet func(i, j int) bool
	meet = func(i, j int) bool {
		if i == len(a) && j == len(b) {
			return true
		}
		if seen[[2]int{i, j}] {
			return false
		}
		seen[[2]int{i, j}] = true
		if i < len(a) && a[i].many && meet(i+1, j) || j < len(b) && b[j].many && meet(i, j+1) {
			return true
		}
		if i == len(a) || j == len(b) || !alike(a[i], b[j]) {
			return false
		}
		ni, nj := i+1, j+1
		if a[i].many {
			ni = i
		}
		if b[j].many {
			nj = j
		}
		return meet(ni, nj)
	}
	return meet(0, 0)
}

func alike(a, b element) bool {
	digit := func(e element) bool { return e.letter == anyDigit || e.letter >= '0' && e.letter <= '9' }
	if a.letter == anyDigit || b.letter == anyDigit {
		return digit(a) && digit(b)
	}
	return a.letter == b.letter
}

var noWidth = regexp.MustCompile(`\{no:[1-9]\}`)

// PutNumberFormat sets how a legal entity's documents of a kind are numbered
// from now on. ErrNumberFormat refuses a format that could print what another
// series prints or has printed.
func PutNumberFormat(ctx context.Context, tx tenant.Tx, f NumberFormat, by string) error {
	if _, known := mark[f.Kind]; !known {
		return &account.FieldError{Field: "kind", Want: "a kind of document: bill, statement, credit_note, debit_note, advance or deposit"}
	}
	if err := checkTemplate(f.Template); err != nil {
		return err
	}
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return err
	}
	sellers, err := sellers(ctx, tx)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(sellers, func(s Seller) bool { return s.id == f.LegalEntity })
	if at < 0 {
		return &account.FieldError{Field: "legal_entity", Want: "a legal entity of this operator"}
	}
	var stored formats
	if _, err := policy.LoadLocked(ctx, tx, policy.Numbering, &stored); err != nil {
		return err
	}
	mine := elements(f.Template, prefix(profile.Name, sellers[at])+mark[f.Kind])
	for _, other := range stored.all(sellers, profile.Name) {
		same := other.entity == f.LegalEntity && other.kind == f.Kind
		if same && noWidth.ReplaceAllString(other.template, "") == noWidth.ReplaceAllString(f.Template, "") {
			continue // the same numbers, with more or fewer zeros before them
		}
		if collide(mine, elements(other.template, other.prefix)) {
			return fmt.Errorf("%s as %s of %s: %w", f.Template, other.template, other.kind, ErrNumberFormat)
		}
	}
	before := stored.numbering(profile.Name).template(f.LegalEntity, f.Kind)
	if before == f.Template {
		return nil
	}
	stored.Past = append(stored.Past, NumberFormat{f.LegalEntity, f.Kind, before})
	stored.Now = append(slices.DeleteFunc(stored.Now, func(o NumberFormat) bool { return o.LegalEntity == f.LegalEntity && o.Kind == f.Kind }), f)
	return policy.Save(ctx, tx, policy.Numbering, stored, by)
}

// printedBy is a format with whose it is.
type printedBy struct {
	entity           uuid.UUID
	kind             Kind
	template, prefix string
}

// all lists every format that prints or has printed numbers.
func (f formats) all(sellers []Seller, operator string) []printedBy {
	now := f.numbering(operator)
	var list []printedBy
	for _, s := range sellers {
		for kind := range mark {
			list = append(list, printedBy{s.id, kind, now.template(s.id, kind), prefix(operator, s) + mark[kind]})
		}
		for _, past := range f.Past {
			if past.LegalEntity == s.id {
				list = append(list, printedBy{s.id, past.Kind, past.Template, prefix(operator, s) + mark[past.Kind]})
			}
		}
	}
	return list
}

// sellers lists the legal entities, as far as numbers go by them.
func sellers(ctx context.Context, tx tenant.Tx) ([]Seller, error) {
	rows, err := tx.Query(ctx, `select id, is_default, name from legal_entity order by is_default desc, lower(name), id`)
	if err != nil {
		return nil, fmt.Errorf("list legal entities: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s Seller, err error) {
		err = row.Scan(&s.id, &s.isDefault, &s.Name)
		return s, err
	})
	if err != nil {
		return nil, fmt.Errorf("list legal entities: %w", err)
	}
	return list, nil
}

// PrintedNumber is how a series' next document would be numbered under a
// template: what stands beside the field while it is filled in.
func PrintedNumber(ctx context.Context, tx tenant.Tx, f NumberFormat) (string, error) {
	if err := checkTemplate(f.Template); err != nil {
		return "", err
	}
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return "", err
	}
	s := Series{f.LegalEntity, f.Kind, profile.LocalDate(tx.At).Year}
	seller := Seller{id: f.LegalEntity}
	next := int64(1)
	err = tx.QueryRow(ctx, `
		select e.is_default, coalesce((select n.next from number_series n where n.legal_entity = e.id and n.document = $2 and n.year = $3), 1)
		  from legal_entity e where e.id = $1`, f.LegalEntity, f.Kind, s.Year).Scan(&seller.isDefault, &next)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", &account.FieldError{Field: "legal_entity", Want: "a legal entity of this operator"}
	}
	if err != nil {
		return "", fmt.Errorf("read series: %w", err)
	}
	return render(f.Template, prefix(profile.Name, seller)+mark[s.Kind], s.Year, next), nil
}

// NumberTemplate is the format of a series as it stands.
func NumberTemplate(ctx context.Context, tx tenant.Tx, entity uuid.UUID, kind Kind) (string, error) {
	n, err := loadNumbering(ctx, tx, "")
	return n.template(entity, kind), err
}

// NumberedKinds are the kinds of document that have a series, in the order in
// which they are shown.
var NumberedKinds = []Kind{KindBill, KindCreditNote, KindDebitNote, KindAdvance, KindStatement, kindDeposit}
