package billing

import (
	"context"
	"errors"
	"testing"
	"time"

	"tollhouse/billing/account"
	"tollhouse/billing/tax"
	"tollhouse/billing/tenant"
)

// register answers as it is told.
type register struct {
	asked  []tax.Inquiry
	answer tax.Registration
	silent error
}

func (r *register) Lookup(_ context.Context, q tax.Inquiry) (tax.Registration, error) {
	r.asked = append(r.asked, q)
	return r.answer, r.silent
}

// What a register answered stands with its date; no answer is noted and changes
// nothing; a no takes the reverse charge away, and a yes gives it back.
func TestTaxID_answerIsEvidenceAndTaxesByIt(t *testing.T) {
	t.Parallel()
	w, r := newWorld(t), &register{}
	w.host.config.TaxIDs = r
	c := w.connect("flex")
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := tx.Exec(ctx, `update party set kind = 'organization', tax_id = 'ATU 1358 5627', address = address || '{"country": "AT"}' where id = (select party_id from billing_account where id = $1)`, c.ID)
		if err != nil {
			return err
		}
		if _, err := tax.PutRules(ctx, tx, tax.UsualRules("DE")); err != nil {
			return err
		}
		return account.RefreshTaxStatus(ctx, tx, c.ID)
	})
	ask := func() tax.IDCheck {
		t.Helper()
		q, found, silent, err := w.LookUpTaxID(t.Context(), c.ID)
		if err != nil {
			t.Fatal(err)
		}
		var made tax.IDCheck
		w.write(func(ctx context.Context, tx tenant.Tx) (err error) {
			made, err = tax.AddCheck(ctx, tx, c.ID, q, found, silent, "clerk")
			return err
		})
		return made
	}
	code := func() (code tax.Code) {
		t.Helper()
		w.read(func(ctx context.Context, tx tenant.Tx) error {
			s, err := tax.StandingOf(ctx, tx, c.ID, mustDay("2026-05-10"))
			for _, a := range s.Categories {
				if a.Category == "standard" {
					code = a.Code
				}
			}
			return err
		})
		return code
	}
	at := time.Date(2026, 5, 3, 10, 0, 0, 0, time.UTC)
	r.answer = tax.Registration{Valid: true, Name: "Alpen AG", Address: "Ring 1, Wien", At: at, Request: "WAPIAAAAX1"}
	if got := ask(); got.Result != tax.IDValid || got.Name != "Alpen AG" || got.Reference != "WAPIAAAAX1" || !got.AnsweredAt.Equal(at) || code() != tax.ReverseCharge {
		t.Errorf("%+v, %s", got, code())
	}
	if q := r.asked[0]; q.Country != "AT" || q.ID != "ATU13585627" {
		t.Errorf("asked about %+v", q)
	}
	r.silent = tax.ErrRegistryUnreachable
	if got := ask(); got.Result != tax.IDUnreachable || got.Reason == "" || got.AnsweredAt != nil || code() != tax.ReverseCharge {
		t.Errorf("unreachable: %+v, %s", got, code())
	}
	r.silent, r.answer = nil, tax.Registration{At: at}
	if got := ask(); got.Result != tax.IDInvalid || code() != tax.Standard {
		t.Errorf("a no: %+v, %s", got, code())
	}
	r.silent = tax.ErrRegistryUnreachable
	if ask(); code() != tax.Standard {
		t.Errorf("no answer after a no: %s", code())
	}
	r.silent, r.answer = nil, tax.Registration{Valid: true, At: at}
	if ask(); code() != tax.ReverseCharge {
		t.Errorf("a yes after a no: %s", code())
	}
	var list []tax.IDCheck
	w.read(func(ctx context.Context, tx tenant.Tx) (err error) {
		list, err = tax.ChecksOf(ctx, tx, c.ID)
		return err
	})
	if len(list) != 5 || list[0].Result != tax.IDValid || list[4].Name != "Alpen AG" {
		t.Errorf("%d checks are kept", len(list))
	}
}

// There is nothing to ask about a customer without a tax id.
func TestTaxID_withoutAnIDNobodyIsAsked(t *testing.T) {
	t.Parallel()
	w, r := newWorld(t), &register{}
	w.host.config.TaxIDs = r
	c := w.connect("flex")
	if _, _, _, err := w.LookUpTaxID(t.Context(), c.ID); !errors.Is(err, tax.ErrNoTaxID) || len(r.asked) > 0 {
		t.Errorf("%v, asked %d times", err, len(r.asked))
	}
}
