package api

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/infra/enrolment"
	"tollhouse/provisioning/alarm"
	"tollhouse/provisioning/enrol"
	"tollhouse/provisioning/machine"
	"tollhouse/tenants"
)

// lostAnswers passes requests on, and loses the answers to some.
type lostAnswers struct {
	http.Handler
	lose atomic.Int32
}

func (l *lostAnswers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if l.lose.Add(-1) >= 0 {
		l.Handler.ServeHTTP(httptest.NewRecorder(), r)
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	l.Handler.ServeHTTP(w, r)
}

func TestMachine_fromInvitationToNewKeys(t *testing.T) {
	ctx := context.Background()
	control, _ := newControl(t)
	e, err := New(Config{Control: control, Log: slog.New(slog.DiscardHandler), Now: time.Now, Ready: func(context.Context) error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	gate := &lostAnswers{Handler: e}
	server := httptest.NewServer(gate)
	t.Cleanup(server.Close)

	write := func(fn func(ctx context.Context, tx tenants.Tx) error) {
		t.Helper()
		if err := control.DB.Write(ctx, fn); err != nil {
			t.Fatal(err)
		}
	}
	admission, err := control.Registry.Admit(ctx, tenants.Application{
		Name: "nordnetz", DisplayName: "Nordnetz", LegalName: "Nordnetz Telekom GmbH", Country: "DE", Zone: "Europe/Berlin",
		Currency: "EUR", Language: "en", OwnerEmail: "owner@nordnetz.example",
		LegalEntity: tenants.LegalEntity{Address: tenants.Address{Street: "Hafenstraße 5", Postcode: "20457", City: "Hamburg"}, TaxID: "DE123456789"}})
	if err != nil {
		t.Fatal(err)
	}
	var issued enrol.Issued
	write(func(ctx context.Context, tx tenants.Tx) error {
		made, err := control.Registry.Create(ctx, tx, tenants.System, admission)
		if err != nil {
			return err
		}
		issued, err = control.Desk.Issue(ctx, tx, tenants.System, enrol.NewInvitation{Operator: made.ID, Role: machine.Host, Place: machine.Customer, Name: "box"})
		return err
	})

	data := t.TempDir()
	store, err := enrolment.Open(data)
	if err != nil {
		t.Fatal(err)
	}
	gate.lose.Store(1) // the answer to the first application is lost; the machine applies again with the keys that it made
	application := enrolment.Application{Control: server.URL, Operator: "nordnetz", Role: machine.Host, Token: issued.Token, Wait: 10 * time.Second}
	if err := enrolment.Enrol(ctx, store, application, time.Now); err != nil {
		t.Fatal(err)
	}
	before, err := store.Key()
	if err != nil || len(before) != 32 {
		t.Fatalf("its host's key: %d bytes, %v", len(before), err)
	}
	other, err := enrolment.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := enrolment.Enrol(ctx, other, application, time.Now); err == nil || !strings.Contains(err.Error(), enrol.ErrTokenUsed.Error()) {
		t.Errorf("a second machine with the token: %v", err)
	}
	if leaked, _ := filepath.Glob(filepath.Join(data, "machine", "*")); len(leaked) != 2 {
		t.Errorf("the machine keeps %v", leaked)
	}
	for _, name := range []string{"identity.json", "configuration.json"} {
		if info, err := os.Stat(filepath.Join(data, "machine", name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}

	// its clock is an hour behind: it learns the time from the refusal
	slow := func() time.Time { return time.Now().Add(-time.Hour) }
	keeper, err := enrolment.NewKeeper(store, enrolment.KeeperConfig{Data: data, Version: "v1", Now: slow, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	turn := func() enrol.Machine {
		t.Helper()
		turning, cancel := context.WithCancel(ctx)
		done := make(chan struct{})
		go func() { defer close(done); keeper.Keep(turning) }()
		var m enrol.Machine
		for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
			write(func(ctx context.Context, tx tenants.Tx) (err error) {
				m, err = enrol.GetMachine(ctx, tx, store.Identity().Machine)
				return err
			})
			if m.Report != nil && !m.Renew && store.Identity().Next == nil {
				break
			}
		}
		cancel()
		<-done
		return m
	}
	first := turn()
	if first.Report == nil || first.Stands(time.Now()) != enrol.StandsHealthy || first.Report.Version != "v1" || len(first.Report.Disks) == 0 || first.Report.MemoryTotal == 0 {
		t.Fatalf("the machine: %+v", first)
	}
	write(func(ctx context.Context, tx tenants.Tx) error {
		_, err := control.Desk.RenewKeys(ctx, tx, tenants.System, first.ID)
		return err
	})
	gate.lose.Store(0)
	second := turn()
	if string(second.Key) == string(first.Key) {
		t.Fatal("the keys are the old ones")
	}
	after, err := store.Key()
	if err != nil || string(after) != string(before) {
		t.Errorf("with new keys the host's key does not open: %v", err)
	}
	turn() // the new keys report
	var open []alarm.Alarm
	write(func(ctx context.Context, tx tenants.Tx) (err error) {
		open, err = alarm.List(ctx, tx, alarm.Query{Open: true, Limit: 10})
		return err
	})
	kinds := map[alarm.Kind]bool{}
	for _, a := range open {
		kinds[a.Kind] = true
	}
	if !kinds[alarm.TokenReused] || kinds[alarm.RequestForged] || kinds[alarm.RequestReplay] {
		t.Errorf("alarms: %v", kinds)
	}
}

func TestInstaller_isForAnybodyAndHoldsNoSecret(t *testing.T) {
	control, _ := newControl(t)
	e, err := New(Config{Control: control, Log: slog.New(slog.DiscardHandler), Now: time.Now, Ready: func(context.Context) error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{"/install.sh": 200, "/downloads/" + strings.Repeat("ab", 32): 404, "/downloads/x": 400} {
		got := httptest.NewRecorder()
		e.ServeHTTP(got, httptest.NewRequest(http.MethodGet, path, nil))
		if got.Code != want {
			t.Errorf("%s: %d, want %d: %s", path, got.Code, want, got.Body)
		}
		if path == "/install.sh" && (!strings.HasPrefix(got.Body.String(), "#!/bin/sh\n") || strings.Contains(got.Body.String(), "thenrol_")) {
			t.Error("no script, or a token in it")
		}
	}
	// what is not signed is refused by name
	got := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, machine.PathReport, strings.NewReader(`{"revision":"","version":"","healthy":true}`))
	r.Header.Set("Content-Type", "application/json")
	machine.Request{Machine: uuid.New(), Time: time.Now(), Number: 1}.Signed(newMachineKeys(t).Sign).Put(r.Header)
	e.ServeHTTP(got, r)
	var p struct{ Type string }
	if _ = json.Unmarshal(got.Body.Bytes(), &p); got.Code != 401 || p.Type != "/problems/unauthenticated" {
		t.Errorf("a machine that nobody knows: %d %s", got.Code, got.Body)
	}
}

func newMachineKeys(t *testing.T) machine.Keys {
	t.Helper()
	keys, err := machine.NewKeys()
	if err != nil {
		t.Fatal(err)
	}
	return keys
}
