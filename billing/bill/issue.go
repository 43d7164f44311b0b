package bill

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/tenant"
)

// number gives the written documents their numbers and issue date and makes
// them final: the last thing that a closing does, since the series' locks keep
// every other closing of the same seller waiting until the commit.
func (b *batch) number(ctx context.Context, tx tenant.Tx) error {
	closed := b.closedOn()
	groups := map[Series][]*closing{}
	for _, c := range withDocument(b.closed) {
		s := Series{c.Entity, c.doc.Kind, closed.Year}
		groups[s] = append(groups[s], c)
	}
	for _, s := range inOrder(groups) {
		if err := b.issue(ctx, tx, s, groups[s], closed); err != nil {
			return err
		}
	}
	return nil
}

// inOrder sorts series, so that two closings take their locks alike.
func inOrder(groups map[Series][]*closing) []Series {
	var list []Series
	for s := range groups {
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b Series) int {
		return cmp.Or(cmp.Compare(a.LegalEntity.String(), b.LegalEntity.String()), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Year, b.Year))
	})
	return list
}

const makeFinal = `
	update bill b
	   set state = 'final', series_year = $1, series_no = n.no, number = n.number, issue_date = $2, due_date = $3
	  from unnest($4::uuid[], $5::bigint[], $6::text[]) as n (id, no, number)
	 where b.id = n.id and b.state = 'draft'`

func (b *batch) issue(ctx context.Context, tx tenant.Tx, s Series, documents []*closing, closed calendar.Date) error {
	taken, err := take(ctx, tx, s, len(documents), closed)
	if err != nil {
		return err
	}
	due := taken.issued
	if s.Kind == KindBill {
		due = taken.issued.AddDays(b.frame.profile.PaymentTermDays)
	}
	seller := b.frame.sellers[s.LegalEntity]
	ids, numbers, texts := make([]uuid.UUID, len(documents)), make([]int64, len(documents)), make([]string, len(documents))
	for i, c := range documents {
		ids[i], numbers[i] = c.doc.ID, taken.first+int64(i)
		texts[i] = b.frame.numbers.text(seller, s, numbers[i])
	}
	done, err := tx.Exec(ctx, makeFinal, s.Year, taken.issued, due, ids, numbers, texts)
	if err != nil {
		return fmt.Errorf("number documents: %w", err)
	}
	if done.RowsAffected() != int64(len(documents)) {
		return fmt.Errorf("number documents: %d of %d drafts found", done.RowsAffected(), len(documents))
	}
	if err := recordFinal(ctx, tx, documents, texts, taken.issued, due); err != nil {
		return err
	}
	if taken.issued == closed || s.Kind != KindBill {
		return nil
	}
	// The series was ahead of this closing's date: what is owed falls due with the bill.
	if _, err := tx.Exec(ctx, `update open_item set due_date = $1 where bill_id = any ($2)`, due, ids); err != nil {
		return fmt.Errorf("due dates: %w", err)
	}
	return nil
}
