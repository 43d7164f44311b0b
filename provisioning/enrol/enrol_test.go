package enrol_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"tollhouse/provisioning/alarm"
	"tollhouse/provisioning/enrol"
	"tollhouse/provisioning/machine"
	"tollhouse/tenants"
)

func TestEnrol_takesInOnceAndGivesItsOwnKeyOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	north, south := w.operator(t, "nordnetz"), w.operator(t, "suednetz")
	invited := w.issue(t, enrol.NewInvitation{Operator: north.ID, Role: machine.Host})
	if n := w.count(t, `select count(*) from enrolment where hash::text like '%' || $1 || '%' or issued_by = $1`, invited.Token); n != 0 {
		t.Error("the token is kept in clear")
	}
	box := newServer(t, w)
	welcome, err := box.apply(invited.Token, "nordnetz", machine.Host)
	if err != nil {
		t.Fatal(err)
	}
	stack := welcome.Configuration.Stack
	if stack == nil || stack.Operator.ID != north.ID || stack.Epoch != 1 || !stack.SetUp || stack.OwnerPassword == "" || welcome.Configuration.Role != machine.Host {
		t.Fatalf("configuration: %+v", welcome.Configuration)
	}
	key, err := box.keys.Unseal(welcome.Configuration.Key)
	if err != nil || len(key) != 32 {
		t.Fatalf("its host's key: %d bytes, %v", len(key), err)
	}
	if _, err := newServer(t, w).keys.Unseal(welcome.Configuration.Key); err == nil {
		t.Error("another machine opens the key")
	}

	again, err := box.apply(invited.Token, "nordnetz", machine.Host) // its answer was lost
	if err != nil || again.Machine != welcome.Machine {
		t.Errorf("a repeat of the same machine: %v, %v", again.Machine, err)
	}
	if same, err := box.keys.Unseal(again.Configuration.Key); err != nil || string(same) != string(key) {
		t.Error("a repeat gave another key")
	}
	if n := w.count(t, `select count(*) from machine`); n != 1 {
		t.Errorf("%d machines", n)
	}

	other := newServer(t, w)
	otherWelcome, err := other.apply(w.issue(t, enrol.NewInvitation{Operator: south.ID, Role: machine.Host}).Token, "suednetz", machine.Host)
	if err != nil {
		t.Fatal(err)
	}
	if otherKey, err := other.keys.Unseal(otherWelcome.Configuration.Key); err != nil || string(otherKey) == string(key) {
		t.Error("two operators' hosts have one key")
	}
}

func TestEnrol_refusesAndRaisesAnAlarm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	north := w.operator(t, "nordnetz")
	w.operator(t, "suednetz")
	for name, c := range map[string]struct {
		role  machine.Role
		spoil func(t *testing.T, i enrol.Issued)
		apply func(s *server, token string) error
		want  error
		kind  alarm.Kind
		state enrol.InvitationState
	}{
		"used twice": {
			spoil: func(t *testing.T, i enrol.Issued) {
				if _, err := newServer(t, w).apply(i.Token, "nordnetz", machine.Agent); err != nil {
					t.Fatal(err)
				}
			}, want: enrol.ErrTokenUsed, kind: alarm.TokenReused, state: enrol.Used},
		"withdrawn": {
			spoil: func(t *testing.T, i enrol.Issued) {
				w.write(t, func(ctx context.Context, tx tenants.Tx) error {
					_, err := w.WithdrawInvitation(ctx, tx, tenants.System, i.ID)
					return err
				})
			}, want: enrol.ErrTokenLate, kind: alarm.TokenLate, state: enrol.Withdrawn},
		"for another operator": {
			apply: func(s *server, token string) error { _, err := s.apply(token, "suednetz", machine.Agent); return err },
			want:  enrol.ErrTokenForeign, kind: alarm.TokenForeign, state: enrol.Burnt},
		"for another purpose": {
			apply: func(s *server, token string) error { _, err := s.apply(token, "nordnetz", machine.Host); return err },
			want:  enrol.ErrTokenForeign, kind: alarm.TokenForeign, state: enrol.Burnt},
	} {
		issued := w.issue(t, enrol.NewInvitation{Operator: north.ID, Role: machine.Agent})
		if c.spoil != nil {
			c.spoil(t, issued)
		}
		before := w.count(t, `select count(*) from machine`)
		apply := c.apply
		if apply == nil {
			apply = func(s *server, token string) error { _, err := s.apply(token, "nordnetz", machine.Agent); return err }
		}
		if err := apply(newServer(t, w), issued.Token); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if got := w.raised(t, issued.ID); got[c.kind] != 1 || len(got) != 1 {
			t.Errorf("%s: alarms %v", name, got)
		}
		if after := w.count(t, `select count(*) from machine`); after != before {
			t.Errorf("%s: a machine was made", name)
		}
		if n := w.count(t, `select count(*) from enrolment where id = $1 and state = $2`, issued.ID, c.state); n != 1 {
			t.Errorf("%s: the invitation is not %s", name, c.state)
		}
	}
	// a burnt invitation is good for nobody, not even for whom it was made
	issued := w.issue(t, enrol.NewInvitation{Operator: north.ID, Role: machine.Agent})
	_, _ = newServer(t, w).apply(issued.Token, "suednetz", machine.Agent)
	if _, err := newServer(t, w).apply(issued.Token, "nordnetz", machine.Agent); !errors.Is(err, enrol.ErrTokenLate) {
		t.Errorf("a burnt token: %v", err)
	}
	// one that nobody gave out
	for range 2 {
		if _, err := newServer(t, w).apply("thenrol_GUESSED", "nordnetz", machine.Agent); !errors.Is(err, enrol.ErrToken) {
			t.Errorf("a guessed token: %v", err)
		}
	}
	if got := w.raised(t, [16]byte{}); got[alarm.TokenUnknown] != 2 {
		t.Errorf("guesses: %v", got)
	}
	// one that comes too late
	issued = w.issue(t, enrol.NewInvitation{Operator: north.ID, Role: machine.Agent, For: time.Minute})
	w.pass(time.Minute)
	if _, err := newServer(t, w).apply(issued.Token, "nordnetz", machine.Agent); !errors.Is(err, enrol.ErrTokenLate) {
		t.Errorf("a late token: %v", err)
	}
	if got := w.raised(t, issued.ID); got[alarm.TokenLate] != 1 {
		t.Errorf("late: %v", got)
	}
}

func TestEnrol_wantsTheKeyThatIsShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	north := w.operator(t, "nordnetz")
	issued := w.issue(t, enrol.NewInvitation{Operator: north.ID, Role: machine.Agent})
	a := machine.Application{Token: issued.Token, Operator: "nordnetz", Role: machine.Agent}.Proven(newServer(t, w).keys)
	a.Box = newServer(t, w).keys.Box // somebody puts in a key of their own on the way
	if _, err := w.Enrol(context.Background(), a, ""); !errors.Is(err, enrol.ErrProof) {
		t.Errorf("an application that was changed: %v", err)
	}
	_, err := w.Enrol(context.Background(), machine.Application{Role: "spy"}, "")
	for _, field := range []string{"token", "operator", "role", "key", "box"} {
		if err == nil || !strings.Contains(err.Error(), field+":") {
			t.Errorf("an empty application does not name %s: %v", field, err)
		}
	}
}

func TestEnrol_atOnce_letsOneIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	north := w.operator(t, "nordnetz")
	for role, machines := range map[machine.Role]int{machine.Host: 1, machine.Worker: 3} {
		issued := w.issue(t, enrol.NewInvitation{Operator: north.ID, Role: role, Machines: machines})
		var in sync.WaitGroup
		var mu sync.Mutex
		let := 0
		for range 6 {
			box := newServer(t, w)
			in.Go(func() {
				_, err := box.apply(issued.Token, "nordnetz", role)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					let++
				} else if !errors.Is(err, enrol.ErrTokenUsed) {
					t.Errorf("%s: %v", role, err)
				}
			})
		}
		in.Wait()
		if let != machines {
			t.Errorf("%s: %d let in by an invitation for %d", role, let, machines)
		}
	}
}

func TestIssue_aSecondHostOnlyInPlaceOfTheFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	north := w.operator(t, "nordnetz")
	first := newServer(t, w)
	if _, err := first.apply(w.issue(t, enrol.NewInvitation{Operator: north.ID, Role: machine.Host}).Token, "nordnetz", machine.Host); err != nil {
		t.Fatal(err)
	}
	err := w.Write(context.Background(), func(ctx context.Context, tx tenants.Tx) error {
		_, err := w.Issue(ctx, tx, tenants.System, enrol.NewInvitation{Operator: north.ID, Role: machine.Host, Place: machine.Customer, Name: "two"})
		return err
	})
	if !errors.Is(err, enrol.ErrHostStands) {
		t.Errorf("a second host: %v", err)
	}
	second := newServer(t, w)
	welcome, err := second.apply(w.issue(t, enrol.NewInvitation{Operator: north.ID, Role: machine.Host, Replace: true}).Token, "nordnetz", machine.Host)
	if err != nil || welcome.Configuration.Stack.Epoch != 2 {
		t.Fatalf("the second: %+v, %v", welcome.Configuration.Stack, err)
	}
	if _, err := first.report(t, machine.Report{Healthy: true}); !errors.Is(err, enrol.ErrRevoked) {
		t.Errorf("the first is heard still: %v", err)
	}
	if got := w.raised(t, first.id); got[alarm.RevokedMachine] != 1 {
		t.Errorf("alarms: %v", got)
	}
	// the machine that was shut out comes again by its old invitation
	if _, err := first.apply("x", "nordnetz", machine.Host); !errors.Is(err, enrol.ErrToken) {
		t.Errorf("shut out and back: %v", err)
	}
}

func TestIssue_namesEveryFieldThatIsWrong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	north := w.operator(t, "nordnetz")
	err := w.Write(context.Background(), func(ctx context.Context, tx tenants.Tx) error {
		_, err := w.Issue(ctx, tx, tenants.System, enrol.NewInvitation{Operator: north.ID, Role: "king", Place: "moon", Machines: 2, For: 48 * time.Hour,
			Settings: enrol.Settings{PublicURL: "ftp://x", Watch: machine.Watch{Folders: []string{"var"}}}})
		return err
	})
	var invalid *tenants.InvalidError
	if !errors.As(err, &invalid) {
		t.Fatal(err)
	}
	for _, field := range []string{"role", "place", "name", "minutes", "machines", "public_url", "folders"} {
		if !strings.Contains(err.Error(), field+":") {
			t.Errorf("%s is not named: %v", field, err)
		}
	}
}

// A machine reads its configuration from a file: all of it comes back.
func TestConfiguration_survivesTheWire(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	north, box := w.operator(t, "nordnetz"), newServer(t, w)
	welcome, err := box.apply(w.issue(t, enrol.NewInvitation{Operator: north.ID, Role: machine.Host}).Token, "nordnetz", machine.Host)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(welcome)
	if err != nil {
		t.Fatal(err)
	}
	var read machine.Welcome
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	if again, err := json.Marshal(read); err != nil || string(again) != string(text) {
		t.Errorf("%v\n%s\n%s", err, text, again)
	}
	if got := read.Configuration.Stack.Operator; got.ID != north.ID || got.Settings.Currency.Code() != "EUR" || got.Standing.State != tenants.Active {
		t.Errorf("the operator: %+v", got)
	}
}
