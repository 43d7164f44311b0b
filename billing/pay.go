package billing

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	pathpkg "path"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/access"
	"tollhouse/billing/account"
	"tollhouse/billing/alert"
	"tollhouse/billing/audit"
	"tollhouse/billing/balance"
	"tollhouse/billing/bill"
	"tollhouse/billing/bill/pdf"
	"tollhouse/billing/bill/ubl"
	"tollhouse/billing/charging"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/promotion"
	"tollhouse/billing/tenant"
)

// BillPDF draws an issued document from its stored facts: the same bytes for
// the same facts.
func (s *Stack) BillPDF(ctx context.Context, id uuid.UUID) ([]byte, error) {
	var document bill.Document
	err := s.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		document, err = bill.Printed(ctx, tx, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	document.PayAt = s.host.config.PublicURL + "/t/" + s.Ref.Name + "/bills/" + id.String()
	var out bytes.Buffer
	err = pdf.Render(&out, document)
	return out.Bytes(), err
}

// BillUBL writes a final document as an electronic invoice.
func (s *Stack) BillUBL(ctx context.Context, id uuid.UUID) ([]byte, error) {
	var document bill.Document
	err := s.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		document, err = bill.GetDocument(ctx, tx, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return ubl.Render(document)
}

// BillCSV writes a document's lines for a spreadsheet.
func (s *Stack) BillCSV(ctx context.Context, id uuid.UUID) ([]byte, error) {
	var document bill.Document
	err := s.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		document, err = bill.GetDocument(ctx, tx, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = document.WriteCSV(&out)
	return out.Bytes(), err
}

// StatementFile writes an account's statement of a named period (bill.SpanNamed)
// as pdf or csv, and says what to call the file.
func (s *Stack) StatementFile(ctx context.Context, account uuid.UUID, period, format string) (name string, content []byte, err error) {
	var paper bill.StatementPaper
	err = s.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		span, err := bill.SpanNamed(ctx, tx, account, period)
		if err == nil {
			paper, err = bill.PrintedStatement(ctx, tx, account, span)
		}
		return err
	})
	if err != nil {
		return "", nil, err
	}
	var out bytes.Buffer
	if format == "csv" {
		err = paper.WriteCSV(&out)
	} else {
		err = pdf.RenderStatement(&out, paper)
	}
	name = "statement-" + paper.Buyer.Account + "-" + paper.Days.From.String() + "-" + paper.Days.To.AddDays(-1).String() + "." + format
	return name, out.Bytes(), err
}

// RecordPayment books bank or cash money. A top-up also renews what waited for
// it.
func (s *Stack) RecordPayment(ctx context.Context, tx tenant.Tx, n payment.NewPayment) (payment.Payment, error) {
	paid, err := payment.Record(ctx, tx, n)
	if err != nil {
		return paid, err
	}
	if n.Purpose != payment.PurposeTopUp {
		return paid, s.billPaid(ctx, tx, n.AccountID, paid.Amount, paid.ID)
	}
	return paid, s.toppedUp(ctx, tx, n.AccountID, paid.Amount, paid.ID)
}

// toppedUp does what follows from bought money that has arrived: what it is
// promoted with, then the renewal of what waited for it. id names the top-up.
func (s *Stack) toppedUp(ctx context.Context, tx tenant.Tx, accountID uuid.UUID, amount money.Amount, id uuid.UUID) error {
	if _, err := promotion.ToppedUp(ctx, tx, accountID, amount, id); err != nil {
		return err
	}
	if _, err := s.host.charging.Renew(ctx, tx, accountID); err != nil {
		return err
	}
	if err := s.refill(ctx, tx, accountID, amount, id); err != nil {
		return err
	}
	if err := alert.Relieve(ctx, tx, accountID); err != nil {
		return err
	}
	if err := balance.LentTurned(ctx, tx, accountID); err != nil {
		return err
	}
	return access.Settle(ctx, tx, accountID) // what was empty is not any more
}

// billPaid gives a postpaid account the allowances that a payment of its bills
// refills. id names the payment.
func (s *Stack) billPaid(ctx context.Context, tx tenant.Tx, accountID uuid.UUID, amount money.Amount, id uuid.UUID) error {
	payer, err := account.Get(ctx, tx, accountID)
	if err != nil || payer.Kind != account.Postpaid {
		return err
	}
	return s.refill(ctx, tx, accountID, amount, id)
}

func (s *Stack) refill(ctx context.Context, tx tenant.Tx, accountID uuid.UUID, amount money.Amount, id uuid.UUID) error {
	paid := amount.Decimal()
	_, err := s.host.charging.Refill(ctx, tx, charging.Refill{ID: id, Account: accountID, Paid: &paid})
	return err
}

// ErrReturnURL refuses to send a payer somewhere else after paying.
var ErrReturnURL = fmt.Errorf("return_url has to be a path of this site, or begin with its address")

// Checkout opens a page on which an account pays by card. returnTo is where
// the payer comes back to: a path of ours; empty takes the subscriber's page.
func (s *Stack) Checkout(ctx context.Context, n payment.NewIntent, returnTo string) (payment.Intent, error) {
	return s.checkout(ctx, n, returnTo, false)
}

// CheckoutKeeping is Checkout for a payer who lets the provider keep the card,
// so that it can be charged later (recharge).
func (s *Stack) CheckoutKeeping(ctx context.Context, n payment.NewIntent, returnTo string) (payment.Intent, error) {
	return s.checkout(ctx, n, returnTo, true)
}

func (s *Stack) checkout(ctx context.Context, n payment.NewIntent, returnTo string, keep bool) (payment.Intent, error) {
	back, err := s.returnURL(returnTo)
	if err != nil {
		return payment.Intent{}, err
	}
	order := payment.CheckoutOrder{NewIntent: n, SuccessURL: withQuery(back, "paid={intent}"), CancelURL: withQuery(back, "canceled={intent}"), Keep: keep}
	err = s.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		profile, err := account.GetProfile(ctx, tx)
		if err != nil {
			return err
		}
		payer, err := account.Get(ctx, tx, n.AccountID)
		if err != nil {
			return err
		}
		party, err := account.GetParty(ctx, tx, payer.PartyID)
		order.Description = profile.Name + ", " + payer.Number
		order.Email, order.Language = party.Email, string(party.Language)
		return err
	})
	if err != nil {
		return payment.Intent{}, err
	}
	return s.host.till.Checkout(ctx, s.Ref, order)
}

// PayLink opens a page on which the holder of a link pays what it is for,
// without signing in. What is paid, and for whom, is the link's to say.
func (s *Stack) PayLink(ctx context.Context, by audit.Caller, token, returnTo, language string) (payment.Intent, error) {
	back, err := s.returnURL(returnTo)
	if err != nil {
		return payment.Intent{}, err
	}
	order := payment.CheckoutOrder{Stranger: true, Language: language, SuccessURL: withQuery(back, "paid={intent}"), CancelURL: withQuery(back, "canceled={intent}")}
	err = s.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
		profile, err := account.GetProfile(ctx, tx)
		if err != nil {
			return err
		}
		order.Description = profile.Name
		order.NewIntent, err = payment.BeginLink(ctx, tx, token, by)
		return err
	})
	if err != nil {
		return payment.Intent{}, err
	}
	return s.host.till.Checkout(ctx, s.Ref, order)
}

// RefreshPayment asks the card provider what has become of a payment whose
// webhook is late.
func (s *Stack) RefreshPayment(ctx context.Context, intent uuid.UUID) (payment.Intent, error) {
	return s.host.till.Refresh(ctx, s.Ref, intent)
}

// returnURL refuses addresses of others: a link with our name on it must not
// lead elsewhere.
func (s *Stack) returnURL(to string) (string, error) {
	base := s.host.config.PublicURL
	if to == "" {
		return base + "/t/" + s.Ref.Name + "/", nil
	}
	path := strings.TrimPrefix(to, base)
	u, err := url.Parse(path)
	if err != nil || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.Contains(path, `\`) {
		return "", ErrReturnURL
	}
	// Tenants may share an origin: another one's pages are somewhere else too.
	if clean := pathpkg.Clean(u.Path) + "/"; strings.HasPrefix(clean, "/t/") && !strings.HasPrefix(clean, "/t/"+s.Ref.Name+"/") {
		return "", ErrReturnURL
	}
	return base + path, nil
}

func withQuery(to, query string) string {
	if strings.Contains(to, "?") {
		return to + "&" + query
	}
	return to + "?" + query
}

// ReceiveWebhook checks a card provider's webhook and stores it to be worked.
// A refused one leaves nothing behind (payment.ErrWebhookSignature, …Stale,
// …Malformed).
func (s *Stack) ReceiveWebhook(ctx context.Context, signature string, body []byte) error {
	event, err := s.host.config.Webhooks.ReadEvent(ctx, s.Ref.ID, signature, body)
	if err != nil {
		return err
	}
	return s.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
		_, err := payment.Receive(ctx, tx, event)
		return err
	})
}
