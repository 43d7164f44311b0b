package house_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"tollhouse/billing/hosting"
	"tollhouse/billing/tenant"
	"tollhouse/tenants/contract"
	"tollhouse/tenants/house"
)

// answers has a stack that nobody can reach ask what it is told, and for the
// bills of another operator.
func (w *world) answers(c, other contract.Contract) {
	w.t.Helper()
	ctx := context.Background()
	news, known, err := w.worker.News(ctx, c.Operator)
	if err != nil || !known || news.At.IsZero() || len(news.Told.Contracts) != 1 || len(news.Told.Charges) != 4 || len(news.Bills) != 2 {
		w.t.Fatalf("the answer: %+v, %t, %v", news, known, err)
	}
	document, err := w.worker.Document(ctx, c.Operator, news.Bills[1].ID)
	if err != nil || !bytes.HasPrefix(document, []byte("%PDF-")) {
		w.t.Errorf("document: %.20q, %v", document, err)
	}
	if _, err := w.worker.Document(ctx, other.Operator, news.Bills[1].ID); !errors.Is(err, hosting.ErrNotFound) {
		w.t.Errorf("another operator's bill: %v", err)
	}
}

// While the house stands nowhere, nobody says that nothing was agreed.
func TestNews_isUnknownWithoutAHouse(t *testing.T) {
	w := newWorld(t)
	rent := w.agreed("rented", "2026-05-11", contract.Rent, contract.Terms{Rent: &contract.RentTerms{Setup: euro("0.00"), Monthly: euro("300.00")}})
	w.worker.Find = func(context.Context, tenant.ID) (house.Books, error) { return house.Books{}, tenant.ErrUnknown }
	if _, known, err := w.worker.News(context.Background(), rent.Operator); err != nil || known {
		t.Errorf("known: %t, %v", known, err)
	}
}
