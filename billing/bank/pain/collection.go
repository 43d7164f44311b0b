package pain

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
)

// Creditor is who collects.
type Creditor struct {
	Name string `json:"name"`
	ID   string `json:"id"`
	IBAN string `json:"iban"`
	BIC  string `json:"bic"`
}

// Debit is one collection.
type Debit struct {
	EndToEnd    string
	Amount      money.Amount
	Mandate     string
	Signed      calendar.Date
	Sequence    string // FRST or RCUR
	Scheme      string // CORE or B2B; empty: CORE
	Name        string
	IBAN, BIC   string
	Text        string
	OldMandate  string // it was changed since the last debit
	OtherIBAN   bool   // so was the payer's account
	OldCreditor string // and who collects
}

// Collection is a file of debits.
type Collection struct {
	Version   string // 02 or 08
	MessageID string
	Created   time.Time
	On        calendar.Date
	Creditor  Creditor
	Debits    []Debit
}

type amount struct {
	Currency string `xml:"Ccy,attr"`
	Value    string `xml:",chardata"`
}

// identified is a name below Othr, without which the element must not stand.
type identified struct {
	ID string `xml:"Id"`
}

type agent struct {
	Bank struct {
		BIC   string      `xml:"BIC,omitempty"`
		BICFI string      `xml:"BICFI,omitempty"`
		Other *identified `xml:"Othr"`
	} `xml:"FinInstnId"`
}

type oldCreditor struct {
	Other identified `xml:"Id>PrvtId>Othr"`
}

type oldAccount struct {
	Other identified `xml:"Id>Othr"`
}

type amendment struct {
	Indicator bool `xml:"AmdmntInd"`
	Details   struct {
		OldMandate  string       `xml:"OrgnlMndtId,omitempty"`
		OldCreditor *oldCreditor `xml:"OrgnlCdtrSchmeId"`
		OldAccount  *oldAccount  `xml:"OrgnlDbtrAcct"`
	} `xml:"AmdmntInfDtls"`
}

type mandate struct {
	ID     string `xml:"MndtId"`
	Signed string `xml:"DtOfSgntr"`
	*amendment
}

type transaction struct {
	EndToEnd string  `xml:"PmtId>EndToEndId"`
	Amount   amount  `xml:"InstdAmt"`
	Mandate  mandate `xml:"DrctDbtTx>MndtRltdInf"`
	Agent    agent   `xml:"DbtrAgt"`
	Name     string  `xml:"Dbtr>Nm"`
	IBAN     string  `xml:"DbtrAcct>Id>IBAN"`
	Text     string  `xml:"RmtInf>Ustrd"`
}

type scheme struct {
	ID    string `xml:"Id>PrvtId>Othr>Id"`
	Prtry string `xml:"Id>PrvtId>Othr>SchmeNm>Prtry"`
}

type payment struct {
	ID       string        `xml:"PmtInfId"`
	Method   string        `xml:"PmtMtd"`
	Batch    bool          `xml:"BtchBookg"`
	Count    int           `xml:"NbOfTxs"`
	Sum      string        `xml:"CtrlSum"`
	Service  string        `xml:"PmtTpInf>SvcLvl>Cd"`
	Local    string        `xml:"PmtTpInf>LclInstrm>Cd"`
	Sequence string        `xml:"PmtTpInf>SeqTp"`
	On       string        `xml:"ReqdColltnDt"`
	Creditor string        `xml:"Cdtr>Nm"`
	IBAN     string        `xml:"CdtrAcct>Id>IBAN"`
	Agent    agent         `xml:"CdtrAgt"`
	Charges  string        `xml:"ChrgBr"`
	Scheme   scheme        `xml:"CdtrSchmeId"`
	Debits   []transaction `xml:"DrctDbtTxInf"`
}

type document struct {
	XMLName  xml.Name
	Message  string    `xml:"CstmrDrctDbtInitn>GrpHdr>MsgId"`
	Created  string    `xml:"CstmrDrctDbtInitn>GrpHdr>CreDtTm"`
	Count    int       `xml:"CstmrDrctDbtInitn>GrpHdr>NbOfTxs"`
	Sum      string    `xml:"CstmrDrctDbtInitn>GrpHdr>CtrlSum"`
	Party    string    `xml:"CstmrDrctDbtInitn>GrpHdr>InitgPty>Nm"`
	Payments []payment `xml:"CstmrDrctDbtInitn>PmtInf"`
}

// The schemes by which SEPA banks collect: from anybody, and from businesses
// that have waived the right to a refund.
const (
	Core = "CORE"
	B2B  = "B2B"
)

// batch is what of a file goes by one scheme and one sequence: a bank takes it,
// and books it, as one.
type batch struct{ scheme, sequence string }

var batches = []batch{{Core, "FRST"}, {Core, "RCUR"}, {B2B, "FRST"}, {B2B, "RCUR"}}

// Write writes the file: each scheme's first debits and later ones in a batch
// each.
func (c Collection) Write(w io.Writer) error {
	d := document{XMLName: xml.Name{Space: "urn:iso:std:iso:20022:tech:xsd:pain.008.001." + c.Version, Local: "Document"},
		Message: c.MessageID, Created: c.Created.UTC().Format("2006-01-02T15:04:05"), Party: Text(c.Creditor.Name, 70)}
	var total money.Decimal
	for _, b := range batches {
		p := payment{ID: c.MessageID + BatchSuffix(b.scheme, b.sequence), Method: "DD", Batch: true, Service: "SEPA", Local: b.scheme, Sequence: b.sequence, On: c.On.String(),
			Creditor: Text(c.Creditor.Name, 70), IBAN: c.Creditor.IBAN, Agent: c.agent(c.Creditor.BIC), Charges: "SLEV", Scheme: scheme{c.Creditor.ID, "SEPA"}}
		var sum money.Decimal
		for _, one := range c.Debits {
			if one.Sequence != b.sequence || cmp.Or(one.Scheme, Core) != b.scheme {
				continue
			}
			if one.Amount.Currency().Code() != "EUR" {
				return fmt.Errorf("%w: %s", money.ErrCurrencyMismatch, one.Amount)
			}
			p.Debits = append(p.Debits, c.transaction(one))
			sum = sum.Add(one.Amount.Decimal())
		}
		if p.Count = len(p.Debits); p.Count == 0 {
			continue
		}
		p.Sum = sum.Fixed(2)
		d.Payments, d.Count, total = append(d.Payments, p), d.Count+p.Count, total.Add(sum)
	}
	d.Sum = total.Fixed(2)
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	return e.Encode(d)
}

// BatchSuffix ends the name of a batch of the file: banks book it as one and say
// so by that name.
func BatchSuffix(scheme, sequence string) string {
	if scheme == B2B {
		return "-" + sequence[:1] + "B"
	}
	return "-" + sequence[:1]
}

// BatchOf finds the file, scheme and sequence that a batch's name stands for:
// each name that it may be, for a file's own name may end alike.
func BatchOf(name string) (found []NamedBatch) {
	for _, b := range batches {
		if file, is := strings.CutSuffix(name, BatchSuffix(b.scheme, b.sequence)); is && file != "" {
			found = append(found, NamedBatch{file, b.scheme, b.sequence})
		}
	}
	return found
}

// NamedBatch is a batch of a file.
type NamedBatch struct{ Message, Scheme, Sequence string }

func (c Collection) agent(bic string) (a agent) {
	switch {
	case bic == "":
		a.Bank.Other = &identified{"NOTPROVIDED"}
	case c.Version == "02":
		a.Bank.BIC = bic
	default:
		a.Bank.BICFI = bic
	}
	return a
}

func (c Collection) transaction(d Debit) transaction {
	t := transaction{EndToEnd: d.EndToEnd, Amount: amount{d.Amount.Currency().Code(), d.Amount.Text()}, Mandate: mandate{ID: d.Mandate, Signed: d.Signed.String()},
		Agent: c.agent(d.BIC), Name: Text(d.Name, 70), IBAN: d.IBAN, Text: Text(d.Text, 140)}
	if d.OldMandate != "" || d.OtherIBAN || d.OldCreditor != "" {
		t.Mandate.amendment = &amendment{Indicator: true}
		details := &t.Mandate.Details
		details.OldMandate = d.OldMandate
		if d.OldCreditor != "" {
			details.OldCreditor = &oldCreditor{identified{d.OldCreditor}}
		}
		if d.OtherIBAN {
			details.OldAccount = &oldAccount{identified{"SMNDA"}} // same mandate, new debtor account
		}
	}
	return t
}

// latin are letters that SEPA has not, by what stands for them (EPC217-08).
var latin = strings.NewReplacer("Ä", "AE", "Ö", "OE", "Ü", "UE", "ä", "ae", "ö", "oe", "ü", "ue", "ß", "ss", "é", "e", "è", "e", "ê", "e", "ë", "e", "á", "a", "à", "a", "â", "a",
	"å", "a", "ã", "a", "ç", "c", "í", "i", "ì", "i", "î", "i", "ï", "i", "ñ", "n", "ó", "o", "ò", "o", "ô", "o", "õ", "o", "ø", "o", "ú", "u", "ù", "u", "û", "u", "ý", "y",
	"É", "E", "È", "E", "Á", "A", "À", "A", "Å", "A", "Ç", "C", "Í", "I", "Ñ", "N", "Ó", "O", "Ø", "O", "Ú", "U", "ł", "l", "Ł", "L", "š", "s", "Š", "S", "ž", "z", "Ž", "Z",
	"č", "c", "Č", "C", "ć", "c", "ę", "e", "ą", "a", "ś", "s", "ż", "z", "ź", "z", "&", "+", "—", "-", "–", "-", "_", "-")

// Text is a text in the letters that every SEPA bank takes, and no longer.
func Text(text string, most int) string {
	var b strings.Builder
	for _, c := range latin.Replace(text) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.ContainsRune("/-?:().,'+ ", c):
			b.WriteRune(c)
		default:
			b.WriteByte('.')
		}
		if b.Len() >= most {
			break
		}
	}
	return strings.TrimSpace(b.String())
}
