package statement

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"tollhouse/billing/bank"
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
)

// maxFile bounds what is read.
const maxFile = 64 << 20

type amount struct {
	Currency string `xml:"Ccy,attr"`
	Value    string `xml:",chardata"`
}

type day struct {
	Date string `xml:"Dt"`
	Time string `xml:"DtTm"`
}

// party is named at two places: version 02 has the name above, 08 below Pty.
type party struct {
	Name   string `xml:"Nm"`
	Nested string `xml:"Pty>Nm"`
}

func (p party) name() string { return strings.TrimSpace(p.Name + p.Nested) }

type detail struct {
	Servicer string   `xml:"Refs>AcctSvcrRef"`
	EndToEnd string   `xml:"Refs>EndToEndId"`
	Message  string   `xml:"Refs>MsgId"`
	Batch    string   `xml:"Refs>PmtInfId"`
	Direct   amount   `xml:"Amt"`               // 08
	Tx       amount   `xml:"AmtDtls>TxAmt>Amt"` // 02
	Sign     string   `xml:"CdtDbtInd"`
	Debtor   party    `xml:"RltdPties>Dbtr"`
	Creditor party    `xml:"RltdPties>Cdtr"`
	DebtorAc string   `xml:"RltdPties>DbtrAcct>Id>IBAN"`
	CredAc   string   `xml:"RltdPties>CdtrAcct>Id>IBAN"`
	DebtorO  string   `xml:"RltdPties>DbtrAcct>Id>Othr>Id"`
	Text     []string `xml:"RmtInf>Ustrd"`
	Ref      []string `xml:"RmtInf>Strd>CdtrRefInf>Ref"`
	Reason   string   `xml:"RtrInf>Rsn>Cd"`
}

type charge struct {
	Amount   amount `xml:"Amt"`
	Sign     string `xml:"CdtDbtInd"`
	Included bool   `xml:"ChrgInclInd"`
}

// charges stand in the element itself in version 02, in records in 08.
type charges struct {
	charge
	Records []charge `xml:"Rcrd"`
}

// status is a text in version 02, a code below in 08.
type status struct {
	Text string `xml:",chardata"`
	Code string `xml:"Cd"`
}

type entry struct {
	Ref      string    `xml:"NtryRef"`
	Amount   amount    `xml:"Amt"`
	Sign     string    `xml:"CdtDbtInd"`
	Reversal bool      `xml:"RvslInd"`
	Status   status    `xml:"Sts"`
	Booked   day       `xml:"BookgDt"`
	Value    day       `xml:"ValDt"`
	Servicer string    `xml:"AcctSvcrRef"`
	Family   string    `xml:"BkTxCd>Domn>Fmly>Cd"`
	Sub      string    `xml:"BkTxCd>Domn>Fmly>SubFmlyCd"`
	Own      string    `xml:"BkTxCd>Prtry>Cd"`
	Charges  []charges `xml:"Chrgs"`
	Batch    string    `xml:"NtryDtls>Btch>PmtInfId"`
	BatchMsg string    `xml:"NtryDtls>Btch>MsgId"`
	Details  []detail  `xml:"NtryDtls>TxDtls"`
	Text     string    `xml:"AddtlNtryInf"`
}

type balance struct {
	Code   string `xml:"Tp>CdOrPrtry>Cd"`
	Amount amount `xml:"Amt"`
	Sign   string `xml:"CdtDbtInd"`
	Date   day    `xml:"Dt"`
}

type account struct {
	ID       string    `xml:"Id"`
	Created  string    `xml:"CreDtTm"`
	From     string    `xml:"FrToDt>FrDtTm"`
	To       string    `xml:"FrToDt>ToDtTm"`
	IBAN     string    `xml:"Acct>Id>IBAN"`
	Other    string    `xml:"Acct>Id>Othr>Id"`
	Currency string    `xml:"Acct>Ccy"`
	Balances []balance `xml:"Bal"`
	Entries  []entry   `xml:"Ntry"`
}

// ReadCamt reads a camt.053 (statements), camt.054 (single movements) or
// camt.052 (what was booked during the day) of any version: every account in it.
func ReadCamt(r io.Reader) ([]Statement, error) {
	var d struct {
		XMLName       xml.Name
		Statements    []account `xml:"BkToCstmrStmt>Stmt"`
		Notifications []account `xml:"BkToCstmrDbtCdtNtfctn>Ntfctn"`
		Reports       []account `xml:"BkToCstmrAcctRpt>Rpt"`
	}
	if err := xml.NewDecoder(io.LimitReader(r, maxFile)).Decode(&d); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFile, err)
	}
	var all []Statement
	for _, list := range []struct {
		format   string
		accounts []account
	}{{"camt.053", d.Statements}, {"camt.054", d.Notifications}, {"camt.052", d.Reports}} {
		for _, a := range list.accounts {
			s, err := a.statement(list.format)
			if err != nil {
				return nil, fmt.Errorf("%w: statement %s: %w", ErrFile, a.ID, err)
			}
			all = append(all, s)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%w: there is no camt.052, camt.053 or camt.054 in it", ErrFile)
	}
	return all, nil
}

func (a account) statement(format string) (s Statement, err error) {
	s = Statement{Format: format, ID: a.ID, Account: bank.Plain(a.IBAN + a.Other)}
	code := a.Currency
	for _, b := range a.Balances {
		if code == "" {
			code = b.Amount.Currency
		}
	}
	for _, e := range a.Entries {
		if code == "" {
			code = e.Amount.Currency
		}
	}
	if s.Currency, err = money.ParseCurrency(code); err != nil {
		return s, fmt.Errorf("currency: %w", err)
	}
	if s.ID == "" || s.Account == "" {
		return s, fmt.Errorf("it has no id, or names no account")
	}
	for _, b := range a.Balances {
		value, err := signed(b.Amount, b.Sign, s.Currency)
		if err != nil {
			return s, fmt.Errorf("balance: %w", err)
		}
		switch b.Code {
		case "OPBD", "PRCD":
			s.Opening = &value
			s.From = earlier(s.From, b.Date)
		case "CLBD":
			s.Closing = &value
			s.To = later(s.To, b.Date)
		}
	}
	for n, e := range a.Entries {
		parts, err := e.parts(s.Currency)
		if err != nil {
			return s, fmt.Errorf("entry %d: %w", n+1, err)
		}
		for i := range parts {
			s.name(&parts[i], len(s.Entries)+i)
			s.From, s.To = earlierDay(s.From, parts[i].Booked), laterDay(s.To, parts[i].Booked)
		}
		s.Entries = append(s.Entries, parts...)
	}
	s.From, s.To = earlier(s.From, day{Time: a.From}), later(s.To, day{Time: a.To})
	if s.From.IsZero() || s.To.IsZero() {
		created := day{Time: a.Created}.date()
		s.From, s.To = created, created
	}
	return s, nil
}

func (d day) date() calendar.Date {
	text := d.Date
	if text == "" {
		text = d.Time
	}
	if len(text) > 10 {
		text = text[:10]
	}
	parsed, err := calendar.ParseDate(text)
	if err != nil {
		return calendar.Date{}
	}
	return parsed
}

func earlier(a calendar.Date, b day) calendar.Date { return earlierDay(a, b.date()) }
func later(a calendar.Date, b day) calendar.Date   { return laterDay(a, b.date()) }

func earlierDay(a, b calendar.Date) calendar.Date {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func laterDay(a, b calendar.Date) calendar.Date {
	if a.IsZero() || !b.IsZero() && b.After(a) {
		return b
	}
	return a
}

func signed(a amount, sign string, c money.Currency) (money.Decimal, error) {
	if a.Currency != "" && a.Currency != c.Code() {
		return money.Decimal{}, fmt.Errorf("%w: %s in an account of %s", money.ErrCurrencyMismatch, a.Currency, c)
	}
	value, err := money.Parse(strings.TrimSpace(a.Value), c)
	if err != nil {
		return money.Decimal{}, err
	}
	switch sign {
	case "CRDT":
		return value.Decimal(), nil
	case "DBIT":
		return value.Decimal().Neg(), nil
	}
	return money.Decimal{}, fmt.Errorf("neither CRDT nor DBIT, but %q", sign)
}

// parts are the movements of an entry: each of a batch, and a charge that the
// bank has kept of it.
func (e entry) parts(c money.Currency) ([]Entry, error) {
	if status := strings.TrimSpace(e.Status.Text + e.Status.Code); !strings.Contains(status, "BOOK") && status != "" {
		return nil, nil
	}
	total, err := signed(e.Amount, e.Sign, c)
	if err != nil {
		return nil, err
	}
	whole := Entry{Ref: e.Servicer, Booked: e.Booked.date(), Amount: total, Kind: e.kind(total), Batch: firstOf(e.Batch, e.BatchMsg), Text: e.Text}
	if whole.Booked.IsZero() {
		whole.Booked = e.Value.date()
	}
	if whole.Booked.IsZero() {
		return nil, fmt.Errorf("it has no day")
	}
	if len(e.Details) == 1 {
		e.Details[0].fill(&whole, total.Sign() > 0)
	}
	parts := []Entry{whole}
	if len(e.Details) > 1 {
		if parts, err = e.batch(whole, c); err != nil {
			return nil, err
		}
	}
	return e.withCharges(parts, total, c)
}

func (e entry) kind(total money.Decimal) Kind {
	switch {
	case e.Reversal, e.Sub == "UPDD", e.Sub == "UPCT", e.Sub == "RRTN", e.Sub == "PRDD":
		return Return
	case e.Sub == "CHRG", e.Sub == "FEES", e.Family == "CHRG", e.Sub == "COMM":
		return Charge
	case total.Sign() > 0 && (e.Batch != "" || e.BatchMsg != "") && len(e.Details) == 0:
		return Batch
	case total.Sign() > 0:
		return Credit
	}
	return Debit
}

// batch lists the parts of an entry that was booked as one. Parts that do not
// make up the whole are left as the one that the bank has booked.
func (e entry) batch(whole Entry, c money.Currency) ([]Entry, error) {
	var parts []Entry
	var sum money.Decimal
	for n, d := range e.Details {
		sign := d.Sign
		if sign == "" {
			sign = e.Sign
		}
		a := d.Direct
		if a.Value == "" {
			a = d.Tx
		}
		if a.Value == "" {
			return []Entry{whole}, nil
		}
		value, err := signed(a, sign, c)
		if err != nil {
			return nil, fmt.Errorf("part %d: %w", n+1, err)
		}
		one := whole
		one.Amount, one.Ref = value, ""
		d.fill(&one, value.Sign() > 0)
		if one.Ref == "" && whole.Ref != "" {
			one.Ref = fmt.Sprintf("%s/%d", whole.Ref, n+1)
		} else if one.Ref == whole.Ref && one.Ref != "" {
			one.Ref = fmt.Sprintf("%s/%d", one.Ref, n+1)
		}
		sum, parts = sum.Add(value), append(parts, one)
	}
	if !sum.Equal(whole.Amount) && !sum.Sub(e.kept(c)).Equal(whole.Amount) {
		return []Entry{whole}, nil
	}
	return parts, nil
}

// kept is what the bank took of an entry before it booked it.
func (e entry) kept(c money.Currency) (total money.Decimal) {
	var all []charge
	for _, c := range e.Charges {
		all = append(append(all, c.charge), c.Records...)
	}
	for _, one := range all {
		if value, err := money.Parse(strings.TrimSpace(one.Amount.Value), c); err == nil && one.Included && one.Sign != "CRDT" {
			total = total.Add(value.Decimal())
		}
	}
	return total
}

// withCharges shows what came in before the bank kept its charge, and the charge
// beside it.
func (e entry) withCharges(parts []Entry, total money.Decimal, c money.Currency) ([]Entry, error) {
	kept := e.kept(c)
	if kept.IsZero() || parts[0].Kind == Charge {
		return parts, nil
	}
	var sum money.Decimal
	for _, p := range parts {
		sum = sum.Add(p.Amount)
	}
	if sum.Equal(total) { // the parts are net
		parts[0].Amount = parts[0].Amount.Add(kept)
	}
	one := Entry{Booked: parts[0].Booked, Amount: kept.Neg(), Kind: Charge, Text: e.Text}
	if e.Servicer != "" {
		one.Ref = e.Servicer + "/charge"
	}
	return append(parts, one), nil
}

func (d detail) fill(e *Entry, in bool) {
	e.Ref = firstOf(d.Servicer, e.Ref)
	if d.EndToEnd != "NOTPROVIDED" {
		e.EndToEnd = d.EndToEnd
	}
	e.Batch = firstOf(e.Batch, firstOf(d.Batch, d.Message))
	e.Party, e.IBAN = d.Creditor.name(), bank.Plain(d.CredAc)
	if in {
		e.Party, e.IBAN = d.Debtor.name(), bank.Plain(firstOf(d.DebtorAc, d.DebtorO))
	}
	if len(d.Text) > 0 {
		e.Text = strings.TrimSpace(strings.Join(d.Text, " "))
	}
	if len(d.Ref) > 0 {
		e.Structured = bank.Plain(d.Ref[0])
	}
	if d.Reason != "" {
		e.Reason, e.Kind = d.Reason, Return
	}
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
