package visit_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/audit"
	"tollhouse/billing/identity"
	"tollhouse/billing/notice"
	"tollhouse/billing/tenant"
	"tollhouse/billing/visit"
	"tollhouse/infra/postgres/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// sealer leaves everything in clear: sealing is shown elsewhere.
type sealer struct{}

func (sealer) Seal(_ tenant.ID, _ string, clear []byte) ([]byte, error)  { return clear, nil }
func (sealer) Open(_ tenant.ID, _ string, sealed []byte) ([]byte, error) { return sealed, nil }

// house is a host with two operators, and staff who want in.
type house struct {
	t         *testing.T
	db, other *pgtest.TenantDB
	authority *identity.Authority
	now       time.Time
	owner     audit.Caller
}

var (
	jo  = visit.Person{ID: uuid.MustParse("0196a000-0000-7000-8000-00000000000a"), Email: "jo@tollhouse.example"}
	kim = visit.Person{ID: uuid.MustParse("0196a000-0000-7000-8000-00000000000b"), Email: "kim@tollhouse.example"}
)

func newHouse(t *testing.T) *house {
	t.Helper()
	passwords, err := identity.NewPasswords()
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, db: pgtest.Tenant(t), now: time.Now().UTC().Truncate(time.Microsecond)}
	h.other = h.db.Place(t, 1)
	clock := func() time.Time { return h.now }
	h.authority = identity.New(passwords, sealer{}, clock, identity.WithVisits(visit.Recognise(clock)))
	for _, db := range []*pgtest.TenantDB{h.db, h.other} {
		db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
			if err := h.authority.SetUp(ctx, tx); err != nil {
				return err
			}
			hash, err := passwords.Hash(ctx, "correct horse battery")
			if err != nil {
				return err
			}
			user, err := h.authority.AddUser(ctx, tx, identity.NewUser{Email: "owner@example.net", Role: identity.Owner, Language: "id", Password: hash})
			h.owner = audit.Caller{Actor: "user:" + user.ID.String()}
			return err
		})
	}
	return h
}

func (h *house) by(c audit.Caller) audit.Caller {
	c.WallAt = h.now
	return c
}

func (h *house) staff(p visit.Person) audit.Caller { return h.by(audit.Caller{Actor: p.Actor()}) }

func (h *house) write(fn func(ctx context.Context, tx tenant.Tx) error) error {
	return h.db.DB.Write(context.Background(), h.db.Ref, fn)
}

func (h *house) give(mayChange bool, last time.Duration) visit.Consent {
	h.t.Helper()
	var c visit.Consent
	h.must(h.write(func(ctx context.Context, tx tenant.Tx) (err error) {
		c, err = visit.Give(ctx, tx, h.by(h.owner), visit.NewConsent{Reason: "bills look wrong", MayChange: mayChange, For: last})
		return err
	}))
	return c
}

func (h *house) begin() (b visit.Begun, err error) {
	err = h.write(func(ctx context.Context, tx tenant.Tx) (err error) {
		b, err = visit.BeginConsented(ctx, tx, h.staff(jo), jo)
		return err
	})
	return b, err
}

func (h *house) emergency(e visit.Emergency) (b visit.Begun, err error) {
	err = h.write(func(ctx context.Context, tx tenant.Tx) (err error) {
		b, err = visit.BeginEmergency(ctx, tx, h.staff(e.Staff), e)
		return err
	})
	return b, err
}

func (h *house) redeem(db *pgtest.TenantDB, ticket string) (in visit.Inside, err error) {
	err = db.DB.Write(context.Background(), db.Ref, func(ctx context.Context, tx tenant.Tx) (err error) {
		in, err = visit.Redeem(ctx, tx, h.authority, h.by(audit.Caller{}), ticket)
		return err
	})
	return in, err
}

func (h *house) who(db *pgtest.TenantDB, token string) (p identity.Principal, err error) {
	err = db.DB.Read(context.Background(), db.Ref, func(ctx context.Context, tx tenant.Tx) (err error) {
		p, err = h.authority.Authenticate(ctx, tx, token)
		return err
	})
	return p, err
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) refused(what string, err, want error) {
	h.t.Helper()
	if !errors.Is(err, want) {
		h.t.Errorf("%s: got %v, want %v", what, err, want)
	}
}

func (h *house) actions(object uuid.UUID) string {
	h.t.Helper()
	var actions []string
	h.db.Read(h.t, func(ctx context.Context, tx tenant.Tx) error {
		rows, err := audit.Of(ctx, tx, object, uuid.Nil, 50)
		for _, row := range rows {
			actions = append(actions, row.Action+" by "+row.Actor)
		}
		return err
	})
	return strings.Join(actions, ", ")
}

func TestVisit_withConsent(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, err := h.begin()
	h.refused("a visit that nobody agreed to", err, visit.ErrNoConsent)

	consent := h.give(false, 24*time.Hour)
	begun, err := h.begin()
	h.must(err)
	in, err := h.redeem(h.db, begun.Ticket)
	h.must(err)
	p, err := h.who(h.db, in.Token)
	h.must(err)
	if p.Actor() != jo.Actor() || p.Kind != identity.StaffPrincipal {
		t.Errorf("the visitor is %+v", p)
	}
	if !p.May(identity.AccountRead) || p.May(identity.SuspenseWrite) {
		t.Error("a visitor who only looks may change, or not look")
	}

	_, err = h.redeem(h.db, begun.Ticket)
	h.refused("the ticket a second time", err, visit.ErrTicket)
	_, err = h.who(h.other, in.Token)
	h.refused("the token at another operator", err, identity.ErrUnauthenticated)

	h.must(h.write(func(ctx context.Context, tx tenant.Tx) error {
		return visit.EndConsent(ctx, tx, h.by(h.owner), consent.ID)
	}))
	_, err = h.who(h.db, in.Token)
	h.refused("the token after the consent ended", err, identity.ErrUnauthenticated)
	_, err = h.begin()
	h.refused("another visit after the consent ended", err, visit.ErrNoConsent)
	want := "visit.end by " + h.owner.Actor + ", visit.enter by " + jo.Actor() + ", visit.begin by " + jo.Actor()
	if got := h.actions(in.ID); got != want {
		t.Errorf("the audit says %s, want %s", got, want)
	}
}

func TestVisit_mayChangeIsWhatSupportMay(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.give(true, visit.MaxConsent)
	begun, err := h.begin()
	h.must(err)
	in, err := h.redeem(h.db, begun.Ticket)
	h.must(err)
	p, err := h.who(h.db, in.Token)
	h.must(err)
	for _, allowed := range []identity.Permission{identity.SuspenseWrite, identity.UserRead, identity.PaymentRead, identity.AuditRead} {
		h.must(p.Require(allowed))
	}
	for _, never := range []identity.Permission{identity.UserWrite, identity.RoleWrite, identity.APIKeyWrite, identity.PaymentWrite, identity.RefundWrite,
		identity.BalanceWrite, identity.BillRunRun, identity.SettingsWrite, identity.VisitWrite, identity.SandboxWrite, identity.ClockWrite, identity.SelfPay} {
		h.refused(string(never), p.Require(never), identity.ErrForbidden)
	}
}

func TestVisit_times(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.give(false, visit.MaxConsent)
	begun, err := h.begin()
	h.must(err)
	h.now = h.now.Add(2 * time.Minute)
	_, err = h.redeem(h.db, begun.Ticket)
	h.refused("a ticket of two minutes ago", err, visit.ErrTicket)

	begun, err = h.begin()
	h.must(err)
	in, err := h.redeem(h.db, begun.Ticket)
	h.must(err)
	if in.ExpiresAt.Sub(in.BeganAt) != time.Hour {
		t.Errorf("the visit lasts %s", in.ExpiresAt.Sub(in.BeganAt))
	}
	h.now = h.now.Add(time.Hour)
	_, err = h.who(h.db, in.Token)
	h.refused("the token after an hour", err, identity.ErrUnauthenticated)

	for what, n := range map[string]visit.NewConsent{
		"longer than a week": {Reason: "x", For: visit.MaxConsent + time.Second},
		"for no time":        {Reason: "x"},
		"without a reason":   {Reason: "  ", For: time.Hour},
	} {
		err := h.write(func(ctx context.Context, tx tenant.Tx) error {
			_, err := visit.Give(ctx, tx, h.by(h.owner), n)
			return err
		})
		h.refused("a consent "+what, err, account.ErrInvalid)
	}
	err = h.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := visit.Give(ctx, tx, h.staff(jo), visit.NewConsent{Reason: "let me in", For: time.Hour})
		return err
	})
	h.refused("a consent by staff", err, visit.ErrVisitor)

	h.now = h.now.Add(visit.MaxConsent)
	_, err = h.begin()
	h.refused("a visit after the consent ran out", err, visit.ErrNoConsent)
}

func TestBreakGlass(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	e := visit.Emergency{Visit: uuid.Must(uuid.NewV7()), Staff: jo, Approver: kim, Reason: "charging stands still", MayChange: true, Until: h.now.Add(time.Hour)}

	own := e
	own.Approver = jo
	_, err := h.emergency(own)
	h.refused("approved by oneself", err, visit.ErrOwnApproval)
	alone := e
	alone.Approver = visit.Person{}
	_, err = h.emergency(alone)
	h.refused("approved by nobody", err, visit.ErrOwnApproval)

	begun, err := h.emergency(e)
	h.must(err)
	repeated, err := h.emergency(e)
	h.must(err)
	if repeated.ID != begun.ID || repeated.ExpiresAt != begun.ExpiresAt {
		t.Error("a repeat began another visit, or a longer one")
	}
	_, err = h.redeem(h.db, begun.Ticket)
	h.refused("the ticket before the repeat", err, visit.ErrTicket)
	in, err := h.redeem(h.db, repeated.Ticket)
	h.must(err)
	if _, err = h.who(h.db, in.Token); err != nil {
		t.Error(err)
	}
	h.db.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		told, err := notice.List(ctx, tx, notice.Query{Limit: 10})
		if err != nil || len(told) != 1 || told[0].Kind != notice.StaffEntered || told[0].To != "owner@example.net" ||
			!strings.Contains(told[0].Body, jo.Email) || !strings.Contains(told[0].Body, kim.Email) || !strings.Contains(told[0].Body, "Alasan: charging stands still") {
			t.Errorf("the owner was told %+v, %v", told, err)
		}
		open, err := visit.Emergencies(ctx, tx, h.now)
		if err != nil || len(open) != 1 || open[0].Approver != kim {
			t.Errorf("the console shows %+v, %v", open, err)
		}
		rows, err := audit.Of(ctx, tx, begun.ID, uuid.Nil, 10)
		if err != nil || len(rows) != 2 || rows[1].Detail["staff"] != jo.Email || rows[1].Detail["approved_by"] != kim.Email {
			t.Errorf("the audit says %+v, %v", rows, err)
		}
		return nil
	})
	h.now = h.now.Add(time.Hour)
	_, err = h.who(h.db, in.Token)
	h.refused("the token after an hour", err, identity.ErrUnauthenticated)
	_, err = h.emergency(e)
	h.refused("the same visit an hour later", err, visit.ErrOver)
}

func TestVisit_ends(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	e := visit.Emergency{Visit: uuid.Must(uuid.NewV7()), Staff: jo, Approver: kim, Reason: "charging stands still", Until: h.now.Add(time.Hour)}
	begun, err := h.emergency(e)
	h.must(err)
	in, err := h.redeem(h.db, begun.Ticket)
	h.must(err)
	end := func() error {
		return h.write(func(ctx context.Context, tx tenant.Tx) error { return visit.End(ctx, tx, h.by(h.owner), in.ID) })
	}
	h.must(end())
	h.must(end()) // harmless
	_, err = h.who(h.db, in.Token)
	h.refused("the token after the operator ended the visit", err, identity.ErrUnauthenticated)
	_, err = h.emergency(e)
	h.refused("the visit again after the operator ended it", err, visit.ErrOver)
	h.refused("the end of an unknown visit", h.write(func(ctx context.Context, tx tenant.Tx) error {
		return visit.End(ctx, tx, h.by(h.owner), uuid.New())
	}), visit.ErrNoVisit)
}
