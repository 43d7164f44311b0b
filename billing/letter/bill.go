package letter

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/event"
	"tollhouse/billing/notice"
	"tollhouse/billing/payment"
	"tollhouse/billing/tell"
	"tollhouse/billing/tenant"
)

// Desk is the operator in whose name letters go out, and where its pages are.
type Desk struct {
	Profile account.Profile
	Pages   string // address of its pages, with a slash at the end
}

// payPath leads to the page of a link, below the operator's pages.
const payPath = "link/"

// Bill tells of one bill, with a new link to pay what is open of it, by ways that
// are named or those that its payer has chosen. by is who sends it.
// ErrUnreachable means that there is no way to its payer.
func (d Desk) Bill(ctx context.Context, tx tenant.Tx, b bill.Bill, by string, ways ...notice.Channel) error {
	if b.State != bill.Final {
		return ErrNotFinal
	}
	sent, err := d.tell(ctx, tx, by, []bill.Bill{b}, ways...)
	if err == nil && sent == 0 {
		err = ErrUnreachable
	}
	return err
}

// tell writes of bills by the template of bills, by the ways that each payer has
// chosen, and notes that they were sent.
func (d Desk) tell(ctx context.Context, tx tenant.Tx, by string, bills []bill.Bill, ways ...notice.Channel) (sent int, err error) {
	var open []uuid.UUID
	for i := range bills {
		if bills[i].Open.Sign() > 0 {
			open = append(open, bills[i].ID)
		}
	}
	tokens := map[uuid.UUID]string{}
	if len(open) > 0 {
		if tokens, err = payment.CreateBillLinks(ctx, tx, by, open...); err != nil {
			return 0, fmt.Errorf("links to pay: %w", err)
		}
	}
	settings, err := GetSettings(ctx, tx)
	if err != nil {
		return 0, err
	}
	letters := make([]tell.Letter, len(bills))
	for i := range bills {
		letters[i] = d.letter(&bills[i], tokens[bills[i].ID], settings)
		letters[i].Channels = ways
	}
	messages, err := tell.Compose(ctx, tx, letters)
	if err != nil {
		return 0, err
	}
	var all []notice.Message
	told := map[notice.Channel][]uuid.UUID{}
	for i, made := range messages {
		if len(made) > 0 {
			all = append(all, made...)
			told[made[0].Channel] = append(told[made[0].Channel], bills[i].ID)
			sent++
		}
	}
	if err := notice.SendMany(ctx, tx, all); err != nil {
		return 0, err
	}
	for _, channel := range notice.Channels {
		if err := bill.NoteSent(ctx, tx, told[channel]...); err != nil {
			return 0, err
		}
		if err := bill.RecordEvent(ctx, tx, event.BillSent, func(d *event.BillData) { d.SentBy = string(channel) }, told[channel]...); err != nil {
			return 0, err
		}
	}
	return sent, nil
}

// letter is what a bill's payer is told. Without a link there is nothing to pay.
func (d Desk) letter(b *bill.Bill, token string, settings Settings) tell.Letter {
	l := tell.Letter{AccountID: b.AccountID, Kind: notice.BillReady, Attach: settings.attached(*b)}
	if token != "" {
		l.Link = d.Pages + payPath + token
	}
	l.Values = func(to tell.Reader) map[string]string {
		values := map[string]string{"number": b.Number, "period": to.FormatPeriod(b.Cycle), "amount": to.Money(b.Total), "open": to.Money(b.Open), "due": to.FormatDate(b.DueDate)}
		values["to_pay"] = toPay(to.Language, l.Link != "", values)
		return values
	}
	return l
}

// TellRun tells of the next bills of a run in the order of their ids; more says
// that some may be left. The run's row is locked, so that two who tell it tell
// each bill once.
func (d Desk) TellRun(ctx context.Context, tx tenant.Tx, run uuid.UUID, limit int) (more bool, err error) {
	next, err := read(ctx, tx, run, limit)
	if err != nil || len(next) == 0 {
		return false, err
	}
	var owed []bill.Bill
	for i := range next {
		if next[i].Open.Sign() > 0 {
			owed = append(owed, next[i])
		}
	}
	if _, err := d.tell(ctx, tx, "run:"+run.String(), owed); err != nil {
		return false, fmt.Errorf("tell run %s: %w", run, err)
	}
	return len(next) == limit, toldThrough(ctx, tx, run, next[len(next)-1].ID)
}
