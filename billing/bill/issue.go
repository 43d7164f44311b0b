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

// number gives documents their numbers and issue date, writes those that waited
// for them and makes the drafts final: the last thing that a closing does, since the series' locks keep
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

// issued is a document's number and its dates.
type issued struct {
	series  Series
	no      int64
	text    string
	on, due calendar.Date
}

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
	var waiting, drafts []*closing
	for i, c := range documents {
		no := taken.first + int64(i)
		c.issued = &issued{series: s, no: no, text: b.frame.numbers.text(seller, s, no), on: taken.issued, due: due}
		if c.waits {
			waiting = append(waiting, c)
		} else {
			drafts = append(drafts, c)
		}
	}
	if len(waiting) > 0 {
		if err := b.copyBills(ctx, tx, waiting); err != nil {
			return err
		}
		if err := b.open(ctx, tx, waiting, due); err != nil {
			return err
		}
	}
	if err := makeFinal(ctx, tx, drafts, taken.issued != closed && s.Kind == KindBill); err != nil {
		return err
	}
	return recordFinal(ctx, tx, documents)
}

// makeFinal gives drafts the numbers that were taken for them. Where the series
// was ahead of this closing's date, what is owed falls due with the bill.
func makeFinal(ctx context.Context, tx tenant.Tx, drafts []*closing, ahead bool) error {
	if len(drafts) == 0 {
		return nil
	}
	one := drafts[0].issued
	ids, numbers, texts := make([]uuid.UUID, len(drafts)), make([]int64, len(drafts)), make([]string, len(drafts))
	for i, c := range drafts {
		ids[i], numbers[i], texts[i] = c.doc.ID, c.issued.no, c.issued.text
	}
	done, err := tx.Exec(ctx, `
		update bill b
		   set state = 'final', series_year = $1, series_no = n.no, number = n.number, issue_date = $2, due_date = $3
		  from unnest($4::uuid[], $5::bigint[], $6::text[]) as n (id, no, number)
		 where b.id = n.id and b.state = 'draft'`, one.series.Year, one.on, one.due, ids, numbers, texts)
	if err != nil {
		return fmt.Errorf("number documents: %w", err)
	}
	if done.RowsAffected() != int64(len(drafts)) {
		return fmt.Errorf("number documents: %d of %d drafts found", done.RowsAffected(), len(drafts))
	}
	if !ahead {
		return nil
	}
	if _, err := tx.Exec(ctx, `update open_item set due_date = $1 where bill_id = any ($2)`, one.due, ids); err != nil {
		return fmt.Errorf("due dates: %w", err)
	}
	return nil
}
