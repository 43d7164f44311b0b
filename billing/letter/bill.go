package letter

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/event"
	"tollhouse/billing/locale"
	"tollhouse/billing/money"
	"tollhouse/billing/notice"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

// Desk is the operator in whose name letters go out, and where its pages are.
type Desk struct {
	Profile account.Profile
	Pages   string // address of its pages, with a slash at the end

	settings Settings
}

// payPath leads to the page of a link, below the operator's pages.
const payPath = "link/"

// Recipient is whom a bill is told.
type Recipient struct {
	Name, Email string
	Language    account.Language
}

// Bill composes the mail that tells of one bill, with a new link to pay what is
// open of it. by is who sends it.
func (d Desk) Bill(ctx context.Context, tx tenant.Tx, b bill.Bill, to Recipient, by string) (notice.Message, error) {
	link := ""
	if b.Open.Sign() > 0 {
		tokens, err := payment.CreateBillLinks(ctx, tx, by, b.ID)
		if err != nil {
			return notice.Message{}, fmt.Errorf("letter of bill %s: %w", b.Number, err)
		}
		link = d.link(tokens[b.ID])
	}
	if err := bill.RecordEvent(ctx, tx, event.BillSent, byMail, b.ID); err != nil {
		return notice.Message{}, err
	}
	var err error
	if d.settings, err = GetSettings(ctx, tx); err != nil {
		return notice.Message{}, err
	}
	book, err := notice.OpenBook(ctx, tx)
	return d.compose(book, b, to, link), err
}

func (d Desk) link(token string) string {
	if token == "" {
		return ""
	}
	return d.Pages + payPath + token
}

// compose writes the mail. Without a link there is nothing to pay.
func (d Desk) compose(book notice.Book, b bill.Bill, to Recipient, link string) notice.Message {
	w := wordsIn(string(to.Language))
	l := locale.Locale{Language: string(to.Language), Country: d.Profile.Country}
	amount := func(a money.Amount) string { return l.FormatMoney(a.RoundToDocument()) }
	fill := strings.NewReplacer("{name}", to.Name, "{number}", b.Number, "{operator}", d.Profile.Name, "{period}", l.FormatPeriod(b.Cycle),
		"{amount}", amount(b.Total), "{open}", amount(b.Open), "{due}", l.FormatDate(b.DueDate), "{link}", link)
	if own := book.Words(notice.BillReady, notice.Mail, string(to.Language)); own != notice.Default(notice.BillReady, notice.Mail, string(to.Language)) {
		said := own.Fill(map[string]string{"name": to.Name, "number": b.Number, "operator": d.Profile.Name, "support": d.Profile.SupportContact, "period": l.FormatPeriod(b.Cycle),
			"amount": amount(b.Total), "open": amount(b.Open), "due": l.FormatDate(b.DueDate), "pay": link})
		return notice.Message{Kind: notice.BillIssued, Channel: notice.Mail, To: to.Email, AccountID: b.AccountID, Link: link, Attach: d.settings.attached(b), Subject: said.Subject, Body: said.Body}
	}
	body := w.body + "\n\n" + w.paid
	if link != "" {
		body = w.body + "\n\n" + w.pay
	}
	return notice.Message{Kind: notice.BillIssued, Channel: notice.Mail, To: to.Email, AccountID: b.AccountID, Link: link, Attach: d.settings.attached(b),
		Subject: line(fill.Replace(w.subject)), Body: fill.Replace(body) + "\n\n" + d.Profile.Name}
}

// line keeps a subject one line, whatever a name holds.
func line(text string) string { return strings.Join(strings.Fields(text), " ") }

// told is a bill of a run with its recipient.
type told struct {
	bill bill.Bill
	to   Recipient
}

// TellRun mails the next bills of a run in the order of their ids; more says
// that some may be left. The run's row is locked, so that two who tell it tell
// each bill once.
func (d Desk) TellRun(ctx context.Context, tx tenant.Tx, run uuid.UUID, limit int) (more bool, err error) {
	next, err := read(ctx, tx, run, limit)
	if err != nil || len(next) == 0 {
		return false, err
	}
	var open []uuid.UUID
	for _, t := range next {
		if t.wanted() {
			open = append(open, t.bill.ID)
		}
	}
	tokens, err := payment.CreateBillLinks(ctx, tx, "run:"+run.String(), open...)
	if err != nil {
		return false, fmt.Errorf("tell run %s: %w", run, err)
	}
	if d.settings, err = GetSettings(ctx, tx); err != nil {
		return false, err
	}
	book, err := notice.OpenBook(ctx, tx)
	if err != nil {
		return false, err
	}
	letters := make([]notice.Message, 0, len(open))
	for _, t := range next {
		if t.wanted() {
			letters = append(letters, d.compose(book, t.bill, t.to, d.link(tokens[t.bill.ID])))
		}
	}
	if err := notice.SendMany(ctx, tx, letters); err != nil {
		return false, err
	}
	if err := bill.RecordEvent(ctx, tx, event.BillSent, byMail, open...); err != nil {
		return false, err
	}
	return len(next) == limit, toldThrough(ctx, tx, run, next[len(next)-1].bill.ID)
}

func byMail(d *event.BillData) { d.SentBy = string(notice.Mail) }

func (t told) wanted() bool { return t.to.Email != "" && t.bill.Open.Sign() > 0 }
