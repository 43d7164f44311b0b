package tell_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/agenda"
	"tollhouse/billing/notice"
	"tollhouse/billing/tell"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

type fixture struct {
	*pgtest.TenantDB
	t *testing.T
}

func (f fixture) account(p account.Party) (id uuid.UUID) {
	f.t.Helper()
	f.Write(f.t, func(ctx context.Context, tx tenant.Tx) error {
		p.Kind = account.Individual
		parties, err := account.AddParties(ctx, tx, []account.Party{p})
		if err != nil {
			return err
		}
		made, err := account.Open(ctx, tx, []account.NewAccount{{PartyID: parties[0].ID, Kind: account.Postpaid}})
		id = made[0].ID
		return err
	})
	return id
}

func (f fixture) choose(id uuid.UUID, c tell.Choice) error {
	f.t.Helper()
	return f.DB.Write(f.t.Context(), f.Ref, func(ctx context.Context, tx tenant.Tx) error { return tell.Choose(ctx, tx, id, c) })
}

// told tells an account and gives the channels of what it was sent.
func (f fixture) told(id uuid.UUID, kind notice.Kind, wanted ...notice.Channel) (channels []notice.Channel) {
	f.t.Helper()
	f.Write(f.t, func(ctx context.Context, tx tenant.Tx) error {
		composed, err := tell.Compose(ctx, tx, []tell.Letter{{AccountID: id, Kind: kind, Channels: wanted}})
		for _, m := range slices.Concat(composed...) {
			channels = append(channels, m.Channel)
		}
		return err
	})
	return channels
}

func TestCompose_byTheReadersChoice(t *testing.T) {
	t.Parallel()
	f := fixture{pgtest.Tenant(t), t}
	both := f.account(account.Party{Name: "Siti", Email: "siti@example.id", Phone: "+628123456789"})
	mute := f.account(account.Party{Name: "Bob"})
	for _, c := range []struct {
		name    string
		account uuid.UUID
		choice  []notice.Channel
		wanted  []notice.Channel
		want    []notice.Channel
	}{
		{"nothing chosen", both, nil, nil, []notice.Channel{notice.Mail}},
		{"SMS and page", both, []notice.Channel{notice.SMS, notice.Portal}, nil, []notice.Channel{notice.SMS, notice.Portal}},
		{"a ladder's own way goes before", both, []notice.Channel{notice.Portal}, []notice.Channel{notice.Letter}, []notice.Channel{notice.Letter}},
		{"neither address nor number", mute, nil, nil, nil},
		{"the page reaches everybody", mute, []notice.Channel{notice.Portal}, nil, []notice.Channel{notice.Portal}},
	} {
		if err := f.choose(c.account, tell.Choice{Channels: c.choice, News: true}); err != nil {
			t.Fatal(err)
		}
		if got := f.told(c.account, notice.PaymentReceived, c.wanted...); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	for _, wrong := range [][]notice.Channel{{notice.Letter}, {"pigeon"}, {notice.Mail, notice.Mail}} {
		var field *account.FieldError
		if err := f.choose(both, tell.Choice{Channels: wrong}); !errors.As(err, &field) || field.Field != "channels" {
			t.Errorf("%v: %v", wrong, err)
		}
	}
}

// Who has opted out of news gets none; bills and payments are told in any case.
func TestCompose_marketingIsOptedOutOf(t *testing.T) {
	t.Parallel()
	f := fixture{pgtest.Tenant(t), t}
	id := f.account(account.Party{Name: "Siti", Email: "siti@example.id"})
	if got := f.told(id, notice.News); len(got) != 1 {
		t.Errorf("before: %v", got)
	}
	if err := f.choose(id, tell.Choice{News: false}); err != nil {
		t.Fatal(err)
	}
	for _, template := range notice.Templates() {
		if got := f.told(id, template.Kind); (len(got) == 1) == template.Marketing {
			t.Errorf("%s: %v", template.Kind, got)
		}
	}
}

// What the operator has switched off is not sent; what has to be can't be.
func TestCompose_switchedOff(t *testing.T) {
	t.Parallel()
	f := fixture{pgtest.Tenant(t), t}
	id := f.account(account.Party{Name: "Siti", Email: "siti@example.id"})
	put := func(off ...notice.Kind) error {
		return f.DB.Write(t.Context(), f.Ref, func(ctx context.Context, tx tenant.Tx) error {
			return notice.PutSettings(ctx, tx, notice.Settings{Off: off})
		})
	}
	if err := put(notice.PaymentReceived); err != nil {
		t.Fatal(err)
	}
	if got := f.told(id, notice.PaymentReceived); got != nil {
		t.Errorf("switched off: %v", got)
	}
	if err := put(notice.DunningSuspend); !errors.Is(err, notice.ErrSettings) {
		t.Errorf("what has to be told: %v", err)
	}
}

// News go to each account once, in portions, in its language, with its own way
// out.
func TestSpread_eachOnceInItsLanguage(t *testing.T) {
	t.Parallel()
	f := fixture{pgtest.Tenant(t), t}
	english := f.account(account.Party{Name: "Ada", Email: "ada@example.net"})
	russian := f.account(account.Party{Name: "Иван", Email: "ivan@example.ru", Language: "ru"})
	out := f.account(account.Party{Name: "Bob", Email: "bob@example.net"})
	if err := f.choose(out, tell.Choice{News: false}); err != nil {
		t.Fatal(err)
	}
	news := tell.News{ID: uuid.New(), Words: map[string]tell.NewsWords{"en": {Title: "Twice the data", Text: "In July."}, "ru": {Title: "Вдвое больше", Text: "В июле."}}}
	f.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		n, err := tell.Announce(ctx, tx, news)
		if n != 2 {
			t.Errorf("to %d accounts, want 2", n)
		}
		return err
	})
	var item agenda.Item
	f.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		return tx.QueryRow(ctx, `select id, ref from agenda where kind = 'news'`).Scan(&item.ID, &item.Ref)
	})
	for range 4 { // portions of one, and what is done again
		f.Write(t, func(ctx context.Context, tx tenant.Tx) error {
			_, err := tell.Spread(ctx, tx, item, 1, func(id uuid.UUID) (string, error) { return "https://example.net/stop/" + id.String(), nil })
			return err
		})
	}
	f.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		list, err := notice.List(ctx, tx, notice.Query{Limit: 10})
		if len(list) != 2 {
			t.Fatalf("%d messages: %+v", len(list), list)
		}
		for _, m := range list {
			title := map[uuid.UUID]string{english: "Twice the data", russian: "Вдвое больше"}[m.AccountID]
			if m.Subject != title || !strings.Contains(m.Body, "https://example.net/stop/"+m.AccountID.String()) {
				t.Errorf("%+v", m)
			}
		}
		return err
	})
}

func TestAnnounce_namesWhatIsWrong(t *testing.T) {
	t.Parallel()
	f := fixture{pgtest.Tenant(t), t}
	for field, words := range map[string]map[string]tell.NewsWords{
		"words":          {},
		"words.en.title": {"en": {Title: "two\nlines", Text: "x"}},
		"words.en.text":  {"en": {Title: "x", Text: " "}},
	} {
		err := f.DB.Write(t.Context(), f.Ref, func(ctx context.Context, tx tenant.Tx) error {
			_, err := tell.Announce(ctx, tx, tell.News{ID: uuid.New(), Words: words})
			return err
		})
		var wrong *account.FieldError
		if !errors.As(err, &wrong) || wrong.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	err := f.DB.Write(t.Context(), f.Ref, func(ctx context.Context, tx tenant.Tx) error {
		_, err := tell.Announce(ctx, tx, tell.News{ID: uuid.New(), Words: map[string]tell.NewsWords{"ru": {Title: "x", Text: "y"}}})
		return err
	})
	if !errors.Is(err, account.ErrInvalid) {
		t.Errorf("without English: %v", err)
	}
}
