package billing

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/audit"
	"tollhouse/billing/balance"
	"tollhouse/billing/bill"
	"tollhouse/billing/desk"
	"tollhouse/billing/money"
	"tollhouse/billing/notice"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

// rename gives a customer's party a name and ways to be reached.
func (w *world) rename(c customer, name, email, phone string) {
	w.t.Helper()
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		p, err := account.GetParty(ctx, tx, c.PartyID)
		if err != nil {
			return err
		}
		p.Name, p.Email, p.Phone = name, email, phone
		return account.PutParty(ctx, tx, p)
	})
}

func (w *world) search(q desk.Query) (found []string) {
	w.t.Helper()
	q.Limit = 50
	w.read(func(ctx context.Context, tx tenant.Tx) error {
		page, err := desk.Search(ctx, tx, q)
		for _, a := range page.Accounts {
			found = append(found, a.PartyName)
		}
		return err
	})
	return found
}

func TestSearch_findsByEachWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, siti, aliya := w.connect("flex"), w.connect("prepaid"), w.connect("flex")
	w.rename(ada, "Ada von Byron-Lovelace", "ada@post.example", "+494012345678")
	w.rename(siti, "Siti Nur Rahmawati", "siti@post.example", "+6281220417763")
	w.rename(aliya, "Алия Сергеевна Ким", "aliya@post.example", "+77011234567")
	w.advance(w.day("2026-06-02"))
	bills := w.text(`select number from bill where account_id = $1`, ada.ID)
	for name, c := range map[string]struct{ text, want string }{
		"first word":                  {"ada", "Ada von Byron-Lovelace"},
		"later word, other case":      {"LOVE", "Ada von Byron-Lovelace"},
		"two words, turned round":     {"byr ada", "Ada von Byron-Lovelace"},
		"word in the middle":          {"nur", "Siti Nur Rahmawati"},
		"another alphabet":            {"ким", "Алия Сергеевна Ким"},
		"phone with spaces":           {"+49 40 1234 5678", "Ada von Byron-Lovelace"},
		"phone as at home":            {"040 12345678", "Ada von Byron-Lovelace"},
		"phone with 00":               {"0062 812 2041 7763", "Siti Nur Rahmawati"},
		"phone without a plus":        {"77011234567", "Алия Сергеевна Ким"},
		"e-mail":                      {"SITI@post.example", "Siti Nur Rahmawati"},
		"number of the service":       {siti.msisdn, "Siti Nur Rahmawati"},
		"number of it, as at home":    {"0" + siti.msisdn[3:], "Siti Nur Rahmawati"},
		"account number":              {aliya.Number, "Алия Сергеевна Ким"},
		"bill number":                 {bills, "Ada von Byron-Lovelace"},
		"nobody":                      {"zebra", ""},
		"marks of a query and a like": {"':* | % _ & !", ""},
	} {
		got := w.search(desk.Query{Text: c.text})
		if (c.want == "") != (len(got) == 0) || len(got) > 1 || c.want != "" && got[0] != c.want {
			t.Errorf("%s: %q gives %v", name, c.text, got)
		}
	}
	if got := w.search(desk.Query{}); !slices.Equal(got, []string{"Алия Сергеевна Ким", "Siti Nur Rahmawati", "Ada von Byron-Lovelace"}) {
		t.Errorf("all: %v", got)
	}
	w.read(func(ctx context.Context, tx tenant.Tx) error {
		if e, found, err := desk.Find(ctx, tx, " "+ada.Number+" "); err != nil || !found || e.Account != ada.ID {
			t.Errorf("%+v %t %v", e, found, err)
		}
		if e, found, err := desk.Find(ctx, tx, bills); err != nil || !found || e.Bill == uuid.Nil {
			t.Errorf("%+v %t %v", e, found, err)
		}
		_, found, err := desk.Find(ctx, tx, "ada")
		if found {
			t.Error("a name is no number")
		}
		return err
	})
}

func TestSearch_narrows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	late, stopped, gone := w.connect("flex"), w.connect("prepaid"), w.connect("flex")
	for c, name := range map[customer]string{late: "Late", stopped: "Stopped", gone: "Gone"} {
		w.rename(c, name, "", "")
	}
	s, g := w.running(stopped), w.running(gone)
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		if err := account.Suspend(ctx, tx, s); err != nil {
			return err
		}
		return account.Terminate(ctx, tx, g)
	})
	w.advance(w.day("2026-06-25")) // due on the 15th
	overdue, _ := desk.ParseOwing("1-30")
	longer, _ := desk.ParseOwing("31-60")
	for name, c := range map[string]struct {
		query desk.Query
		want  []string
	}{
		"suspended":    {desk.Query{State: desk.Suspended}, []string{"Stopped"}},
		"active":       {desk.Query{State: desk.Active}, []string{"Late"}},
		"ended":        {desk.Query{State: desk.Ended}, []string{"Gone"}},
		"offering":     {desk.Query{Offering: "prepaid"}, []string{"Stopped"}},
		"1-30 days":    {desk.Query{Owing: overdue, State: desk.Active}, []string{"Late"}},
		"31-60 days":   {desk.Query{Owing: longer}, nil},
		"other branch": {desk.Query{Branch: uuid.New()}, nil},
		"own branch":   {desk.Query{Branch: late.Branch, Text: "late"}, []string{"Late"}},
	} {
		if got := w.search(c.query); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
	for _, wrong := range []string{"x", "1-", "-5", "30-1", "1", "+"} {
		if _, known := desk.ParseOwing(wrong); known {
			t.Errorf("%q is no span of days", wrong)
		}
	}
}

func TestTimeline_tellsAllOnceInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish(largerPlans)
	c := w.connect("flex")
	clerk := audit.Caller{Actor: "user:rini", WallAt: time.Now()}
	w.advance(w.day("2026-05-05"))
	s := w.running(c)
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		if _, err := desk.AddNote(ctx, tx, desk.Note{ID: uuid.Must(uuid.NewV7()), AccountID: c.ID, Text: "asks for a bigger plan", By: clerk.Actor, Author: "Rini"}); err != nil {
			return err
		}
		if err := account.Suspend(ctx, tx, s); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Caller: clerk, Action: "subscription.suspend", Object: "subscription", ObjectID: s, Detail: map[string]any{"reason": "lost phone"}})
	})
	w.advance(w.day("2026-05-06"))
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		if err := account.Resume(ctx, tx, s); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Caller: clerk, Action: "subscription.resume", Object: "subscription", ObjectID: s})
	})
	if _, err := w.changeTo(c, "flex-xl", uuid.Must(uuid.NewV7())); err != nil {
		t.Fatal(err)
	}
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		return notice.Send(ctx, tx, notice.Message{Kind: notice.ServiceNews, Channel: notice.SMS, To: "+4915112345678", Body: "Your plan changes.", AccountID: c.ID})
	})
	w.advance(w.day("2026-06-03"))
	w.pay(c, payment.PurposeBill, "42.93")
	w.advance(w.day("2026-06-04"))
	bucket := w.text(`select id::text from bucket where account_id = $1 and code = 'large'`, c.ID)
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		a := balance.Adjustment{ID: uuid.Must(uuid.NewV7()), BucketID: uuid.MustParse(bucket), Amount: money.NewDecimal(1000), Reason: "sorry"}
		if _, err := balance.Adjust(ctx, tx, a); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Caller: clerk, Action: "balance.adjust", Object: "bucket", ObjectID: a.BucketID, Detail: map[string]any{"reason": a.Reason}})
	})
	read := func(topic desk.Topic, limit int) (told []string, events []desk.Event) {
		var place desk.Place
		for {
			var part []desk.Event
			w.read(func(ctx context.Context, tx tenant.Tx) (err error) {
				part, err = desk.Timeline(ctx, tx, c.ID, topic, place, limit)
				return err
			})
			for _, e := range part {
				told, events = append(told, string(e.Kind)), append(events, e)
			}
			if len(part) < limit {
				return told, events
			}
			place = part[len(part)-1].Place()
		}
	}
	want := []string{"adjustment", "payment", "message", "message", "bill", "change_done", "message", "resumed", "change_planned", "suspended", "note", "order", "connected"}
	got, events := read(desk.AllTopics, 100)
	slices.Sort(want)
	sorted := slices.Sorted(slices.Values(got))
	if !slices.Equal(sorted, want) {
		t.Errorf("told %v", got)
	}
	if !slices.IsSortedFunc(events, func(a, b desk.Event) int { return b.At.Compare(a.At) }) || got[0] != "adjustment" || events[0].Text != "sorry" {
		t.Errorf("in this order: %v", got)
	}
	if paged, _ := read(desk.AllTopics, 2); !slices.Equal(paged, got) {
		t.Errorf("by pages: %v", paged)
	}
	if told, _ := read(desk.Money, 3); !slices.Equal(told, []string{"adjustment", "payment", "bill"}) {
		t.Errorf("money: %v", told)
	}
	w.read(func(ctx context.Context, tx tenant.Tx) error {
		a, err := account.Get(ctx, tx, c.ID)
		if err != nil {
			return err
		}
		sum, err := desk.Summarize(ctx, tx, a)
		if err != nil {
			return err
		}
		page, err := bill.List(ctx, tx, c.ID, bill.Cursor{}, 5)
		if err != nil || sum.Counts != (desk.Counts{Bills: 1, Payments: 1, Notes: 1, Messages: 3}) || !sum.Owes.IsZero() || !sum.Paid.Decimal().Equal(page.Bills[0].Total.Decimal()) || sum.Late != 0 {
			t.Errorf("%+v, %v", sum, err)
		}
		return nil
	})
}
