package contract

import (
	"fmt"

	"github.com/google/uuid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
)

// Charge is what an operator owes for something in a month, without tax.
type Charge struct {
	Key    uuid.UUID // permanent: of the contract, the month and the code
	Code   string
	Words  map[string]string // by language
	Period calendar.Period
	Amount money.Amount
	Detail Detail // how it came about, for people
}

// Detail is how a charge came about.
type Detail struct {
	Days       int             `json:"days,omitempty"` // of the month's, where it is not whole
	Instalment int             `json:"instalment,omitempty"`
	Base       *money.Amount   `json:"base,omitempty"`
	Share      *money.Amount   `json:"share,omitempty"`
	Minimum    *money.Amount   `json:"minimum,omitempty"`
	Missing    []calendar.Date `json:"missing,omitempty"`
}

// The codes of charges.
const (
	codeSetup      = "setup"
	codeRent       = "rent"
	codeUpfront    = "lease-upfront"
	codeInstalment = "lease-instalment"
	codeBuyOut     = "lease-buy-out"
	codeShare      = "revenue-share"
	codeShareLate  = "revenue-share-late"
	codeLicence    = "licence"
	codeSupport    = "licence-support"
)

var words = map[string]map[string]string{
	codeSetup:      {"en": "Setting up", "id": "Penyiapan", "ru": "Подключение"},
	codeRent:       {"en": "Hosting", "id": "Layanan hosting", "ru": "Размещение"},
	codeUpfront:    {"en": "Lease: first payment", "id": "Sewa beli: pembayaran awal", "ru": "Лизинг: первый взнос"},
	codeInstalment: {"en": "Lease: instalment %d of %d", "id": "Sewa beli: angsuran %d dari %d", "ru": "Лизинг: платёж %d из %d"},
	codeBuyOut:     {"en": "Lease: buy-out", "id": "Sewa beli: pelunasan", "ru": "Лизинг: выкуп"},
	codeShare:      {"en": "Share of revenue", "id": "Bagi hasil", "ru": "Доля выручки"},
	codeShareLate:  {"en": "Share of revenue, reported late", "id": "Bagi hasil, dilaporkan terlambat", "ru": "Доля выручки по поздним отчётам"},
	codeLicence:    {"en": "Licence", "id": "Lisensi", "ru": "Лицензия"},
	codeSupport:    {"en": "Support for a year", "id": "Dukungan satu tahun", "ru": "Поддержка на год"},
}

// Month is the calendar month of a day.
func Month(day calendar.Date) calendar.Period {
	first := calendar.Date{Year: day.Year, Month: day.Month, Day: 1}
	return calendar.Period{From: first, To: first.AddMonths(1)}
}

// Covers is the part of a period in which the contract is in force; empty where
// it is not.
func (c Contract) Covers(p calendar.Period) calendar.Period {
	if p.From.Before(c.From) {
		p.From = c.From
	}
	if !c.Until.IsZero() && c.Until.Before(p.To) {
		p.To = c.Until
	}
	if p.To.Before(p.From) {
		p.To = p.From
	}
	return p
}

// Reckon is what a contract's operator owes for a calendar month. base is
// needed for a share of revenue only, and covers Covers(month). A base that is
// not whole is charged at the minimum.
func (c Contract) Reckon(month calendar.Period, base Base) []Charge {
	if c.State == Draft || c.State == Withdrawn {
		return nil
	}
	covered := c.Covers(month)
	var charges []Charge
	add := func(code string, amount money.Amount, period calendar.Period, detail Detail) {
		if !amount.IsZero() {
			charges = append(charges, Charge{c.key(month, code), code, words[code], period, amount, detail})
		}
	}
	begins := month.Contains(c.From) && covered.Days() > 0
	if r := c.Terms.Rent; r != nil {
		if begins {
			add(codeSetup, r.Setup, covered, Detail{})
		}
		amount, detail := byDays(r.Monthly, covered, month)
		add(codeRent, amount, covered, detail)
	}
	if l := c.Terms.Lease; l != nil {
		charges = append(charges, c.leased(*l, month, begins)...)
	}
	if s := c.Terms.Share; s != nil && covered.Days() > 0 {
		amount, detail := s.reckon(covered, month, base)
		add(codeShare, amount, covered, detail)
	}
	if l := c.Terms.Licence; l != nil {
		if begins {
			add(codeLicence, l.Price, covered, Detail{})
		}
		if from := anniversary(c.From, month); !from.IsZero() && (c.Until.IsZero() || from.Before(c.Until)) {
			add(codeSupport, l.Support, calendar.Period{From: from, To: from.AddMonths(12)}, Detail{})
		}
	}
	return charges
}

// leased are the lease's charges of a month.
func (c Contract) leased(l LeaseTerms, month calendar.Period, begins bool) []Charge {
	var charges []Charge
	if begins && !l.Upfront.IsZero() {
		charges = append(charges, Charge{c.key(month, codeUpfront), codeUpfront, words[codeUpfront], month, l.Upfront, Detail{}})
	}
	from := c.From
	for _, p := range l.Plan(c.From) {
		if month.Contains(p.Due) && (c.Until.IsZero() || !p.Due.After(c.Until)) {
			named := map[string]string{}
			for language, text := range words[codeInstalment] {
				named[language] = fmt.Sprintf(text, p.No, l.Months)
			}
			charges = append(charges, Charge{c.key(month, codeInstalment), codeInstalment, named, calendar.Period{From: from, To: p.Due}, p.Amount(), Detail{Instalment: p.No}})
		}
		from = p.Due
	}
	if c.State != BoughtOut || !month.Contains(c.Until) {
		return charges
	}
	if b, err := l.BuyOutOn(c.From, c.Until); err == nil {
		charges = append(charges, Charge{c.key(month, codeBuyOut), codeBuyOut, words[codeBuyOut], calendar.Period{From: c.Until, To: c.Until.AddDays(1)}, b.Price(), Detail{}})
	}
	return charges
}

// reckon is the share of a month, or its minimum where that is more or the base
// is not whole.
func (s ShareTerms) reckon(covered, month calendar.Period, base Base) (money.Amount, Detail) {
	minimum, detail := byDays(s.Minimum, covered, month)
	detail.Minimum, detail.Missing = &minimum, base.Missing
	if !base.Whole() {
		return minimum, detail
	}
	share, _ := s.Of(base.Collected)
	collected := base.Collected
	detail.Base, detail.Share = &collected, &share
	if share.Decimal().Cmp(minimum.Decimal()) < 0 {
		return minimum, detail
	}
	return share, detail
}

// MakeUp is what is still owed of a month that was charged while its base was
// not whole, once it is; false while there is nothing. Of a month that was heard
// anew it may be below zero: that is given back. billed is what the month was
// charged, times how often it was made up for.
func (c Contract) MakeUp(month calendar.Period, base Base, billed money.Amount, times int) (Charge, bool) {
	s := c.Terms.Share
	if s == nil || !base.Whole() {
		return Charge{}, false
	}
	covered := c.Covers(month)
	amount, detail := s.reckon(covered, month, base)
	owed := less(amount, billed)
	if owed.Sign() == 0 {
		return Charge{}, false
	}
	key := codeShareLate
	if times > 0 {
		key = fmt.Sprintf("%s %d", codeShareLate, times+1)
	}
	return Charge{c.key(month, key), codeShareLate, words[codeShareLate], covered, owed, detail}, true
}

// byDays is a monthly amount for the days that are covered.
func byDays(monthly money.Amount, covered, month calendar.Period) (money.Amount, Detail) {
	days, all := covered.Days(), month.Days()
	if days == all {
		return monthly, Detail{}
	}
	return part(monthly, money.NewDecimal(int64(days)), money.NewDecimal(int64(all))), Detail{Days: days}
}

// anniversary is the day of a month on which a year of the contract begins;
// zero if none does.
func anniversary(from calendar.Date, month calendar.Period) calendar.Date {
	years := month.From.Year - from.Year
	if years < 0 || years == 0 && !month.Contains(from) {
		return calendar.Date{}
	}
	day := from.AddMonths(12 * years)
	if !month.Contains(day) {
		return calendar.Date{}
	}
	return day
}

// key is a charge's permanent key.
func (c Contract) key(month calendar.Period, code string) uuid.UUID {
	return uuid.NewSHA1(c.ID, []byte(month.From.String()+" "+code))
}
