package bench

import (
	"context"
	_ "embed"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"tollhouse/billing"
	"tollhouse/billing/balance"
	"tollhouse/billing/catalog"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/tenant"
)

//go:embed offers/postpaid.yaml
var postpaidOffer []byte

//go:embed offers/prepaid.yaml
var prepaidOffer []byte

// publish puts an offering on sale.
func publish(ctx context.Context, s *billing.Stack, text []byte) (version uuid.UUID, err error) {
	offering, err := catalog.Parse(text)
	if err != nil {
		return uuid.Nil, err
	}
	err = s.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
		draft, err := catalog.SaveDraft(ctx, tx, offering)
		if err != nil {
			return err
		}
		version = draft.ID
		_, err = catalog.Publish(ctx, tx, draft.ID, tx.At)
		return err
	})
	return version, err
}

// msisdn is the number of the n-th subscriber.
func msisdn(n int) string { return fmt.Sprintf("+4915%09d", 500_000_000+n*613) }

// connectAtOnce is how many orders one transaction activates.
const connectAtOnce = 500

// connect has the desk take and activate orders for the subscribers first to
// last-1, and returns their accounts.
func connect(ctx context.Context, s *billing.Stack, offering uuid.UUID, first, last int) ([]uuid.UUID, error) {
	return connectTo(ctx, s, offering, first, last, nil)
}

// connectLines connects accounts with so many subscriptions each.
func connectLines(ctx context.Context, s *billing.Stack, offering uuid.UUID, accounts, lines int) error {
	opened, err := connect(ctx, s, offering, 0, accounts)
	for line := 1; line < lines && err == nil; line++ {
		_, err = connectTo(ctx, s, offering, line*accounts, (line+1)*accounts, opened)
	}
	return err
}

// connectTo is connect for accounts that are there, one a subscriber; without
// any, each gets one.
func connectTo(ctx context.Context, s *billing.Stack, offering uuid.UUID, first, last int, there []uuid.UUID) ([]uuid.UUID, error) {
	var accounts []uuid.UUID
	for from := first; from < last; from += connectAtOnce {
		to := min(from+connectAtOnce, last)
		var connected []onboarding.Order
		err := s.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
			wanted := orders(offering, from, to)
			for i := range wanted {
				if there != nil {
					wanted[i].AccountID = &there[from-first+i]
				}
			}
			placed, err := s.Desk().Place(ctx, tx, wanted)
			if err != nil {
				return err
			}
			ids := make([]uuid.UUID, len(placed))
			for i, o := range placed {
				ids[i] = o.ID
			}
			connected, err = s.Desk().Activate(ctx, tx, ids...)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("connect subscribers %d to %d: %w", from, to, err)
		}
		for _, o := range connected {
			accounts = append(accounts, *o.AccountID)
		}
	}
	return accounts, nil
}

func orders(offering uuid.UUID, from, to int) []onboarding.NewOrder {
	list := make([]onboarding.NewOrder, 0, to-from)
	for n := from; n < to; n++ {
		list = append(list, onboarding.NewOrder{OfferingID: offering, CreatedBy: "bench", Facts: onboarding.Facts{
			"party.kind": "individual", "party.name": fmt.Sprintf("Jonas Petersen %d", n+1), "party.email": fmt.Sprintf("jonas%d@post.example", n+1),
			"party.birth_date": "1988-07-14", "party.id_document": fmt.Sprintf("L%08d", 10_000_000+n), "party.id_verified": "desk",
			"address.street": fmt.Sprintf("Deichstraße %d", 1+n%90), "address.postcode": "20459", "address.city": "Hamburg", "address.country": "DE",
			"mobile.msisdn": msisdn(n), "mobile.imsi": fmt.Sprintf("26277%010d", n),
		}})
	}
	return list
}

// topUp gives prepaid accounts 50 EUR each and renews what waited for it.
func topUp(ctx context.Context, s *billing.Stack, accounts []uuid.UUID) error {
	return topUpBy(ctx, s, accounts, 5000)
}

// topUpBy gives each account so many cents.
func topUpBy(ctx context.Context, s *billing.Stack, accounts []uuid.UUID, cents int64) error {
	amount := money.FromMinor(cents, money.MustCurrency("EUR"))
	for part := range slices.Chunk(accounts, connectAtOnce) {
		err := s.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
			for _, id := range part {
				if _, err := balance.Add(ctx, tx, balance.TopUp{ID: uuid.Must(uuid.NewV7()), AccountID: id, Amount: amount, From: ledger.Cash}); err != nil {
					return err
				}
			}
			_, err := s.Charging().Renew(ctx, tx, part...)
			return err
		})
		if err != nil {
			return fmt.Errorf("top up: %w", err)
		}
	}
	return nil
}
