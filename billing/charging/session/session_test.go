package session_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"tollhouse/billing/charging/session"
	"tollhouse/billing/money"
	"tollhouse/billing/usage"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

func call() *session.Service {
	return &session.Service{Name: "call", Kind: usage.Voice, StartedAt: noon}
}

func holds(bucket uuid.UUID, amount string) []session.Hold {
	return []session.Hold{{Bucket: bucket, Amount: money.MustDecimal(amount)}}
}

func TestGrant_saysWhichQuotaIsTheLast(t *testing.T) {
	t.Parallel()
	bucket := uuid.New()
	for name, c := range map[string]struct {
		reach  session.Reach
		wanted int64
		result session.Result
		final  bool
		held   int
	}{
		"the balance reaches further":       {session.Reach{Units: 300, Held: holds(bucket, "0.50"), More: true}, 300, session.Granted, false, 1},
		"it gives no more after that":       {session.Reach{Units: 300, Held: holds(bucket, "0.50")}, 300, session.Granted, true, 1},
		"0.30 at 0.10 a minute gives 180 s": {session.Reach{Units: 180, Held: holds(bucket, "0.30")}, 300, session.Granted, true, 1},
		"nothing is left":                   {session.Reach{}, 300, session.NoCredit, true, 0},
		"the cap is reached":                {session.Reach{Capped: true}, 300, session.CapReached, true, 0},
	} {
		policy, v, given := session.DefaultPolicy(), call(), session.Given{}
		policy.Grant(v, c.wanted, c.reach, noon, &given)
		if given.Result != c.result || given.Granted != c.reach.Units || (given.Final != nil) != c.final || len(v.Held) != c.held || v.Final != c.final {
			t.Errorf("%s: %+v, %+v", name, given, v)
		}
		if c.held > 0 && (!v.ValidUntil.Equal(noon.Add(600*time.Second)) || !v.HeldUntil.Equal(noon.Add(660*time.Second))) {
			t.Errorf("%s: valid until %s, held until %s", name, v.ValidUntil, v.HeldUntil)
		}
	}
}

func TestHeld_endsByItself(t *testing.T) {
	t.Parallel()
	bucket := uuid.New()
	s := session.Session{State: session.Open, StartedAt: noon, Services: []session.Service{
		{Held: holds(bucket, "2"), HeldUntil: noon.Add(time.Minute)}, {Held: holds(bucket, "1"), HeldUntil: noon.Add(time.Hour)},
	}}
	for _, c := range []struct {
		after time.Duration
		want  string
	}{{0, "3"}, {time.Minute - 1, "3"}, {time.Minute, "1"}, {time.Hour, "0"}} {
		var sum money.Decimal
		for _, h := range s.Held(noon.Add(c.after)) {
			sum = sum.Add(h.Amount)
		}
		if got := sum.String(); got != c.want {
			t.Errorf("after %s %s is held, want %s", c.after, got, c.want)
		}
	}
	if got := s.HeldUntil(); !got.Equal(noon.Add(time.Hour)) {
		t.Errorf("held until %s", got)
	}
	s.Close(session.Asked, noon)
	if held := s.Held(noon); len(held) != 0 {
		t.Errorf("a closed session holds %v", held)
	}
}

func TestMoment_believesWhatCanBe(t *testing.T) {
	t.Parallel()
	s := session.Session{LastAt: noon.Add(-time.Hour)}
	for name, c := range map[string]struct{ said, want time.Time }{
		"nothing said":              {time.Time{}, noon},
		"a minute ago":              {noon.Add(-time.Minute), noon.Add(-time.Minute)},
		"before the last report":    {noon.Add(-2 * time.Hour), noon.Add(-time.Hour)},
		"a clock that is ahead":     {noon.Add(time.Minute), noon.Add(time.Minute)},
		"a clock that is far ahead": {noon.Add(time.Hour), noon},
		"last week":                 {noon.Add(-7 * 24 * time.Hour), noon},
	} {
		if got := s.Moment(c.said, noon); !got.Equal(c.want) {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestCheck_namesTheField(t *testing.T) {
	t.Parallel()
	good := session.Step{Kind: session.Start, Name: "s1", Who: usage.Identity{Kind: usage.MSISDN, Value: "+49"}, Reports: []session.Report{{Service: "a", Kind: usage.Data, Ask: true}}}
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for want, spoil := range map[string]func(s *session.Step){
		"number":              func(s *session.Step) { s.Number = -1 },
		"session":             func(s *session.Step) { s.Name = strings.Repeat("x", 256) },
		"identity":            func(s *session.Step) { s.Who.Value = "" },
		"services":            func(s *session.Step) { s.Reports = make([]session.Report, 65) },
		"services[0].service": func(s *session.Step) { s.Reports[0].Service = "" },
		"services[0].kind":    func(s *session.Step) { s.Reports[0].Kind = "transaction" },
		"services[0].used":    func(s *session.Step) { s.Reports[0].Used = -1 },
		"services[0].units":   func(s *session.Step) { s.Reports[0].Units = 1<<60 + 1 },
		"services[1].service": func(s *session.Step) { s.Reports = append(s.Reports, s.Reports[0]) },
	} {
		step := good
		step.Reports = append([]session.Report(nil), good.Reports...)
		spoil(&step)
		var fault *session.StepError
		if err := step.Check(); !errors.As(err, &fault) || fault.Field != want {
			t.Errorf("%v, want a fault of %s", err, want)
		}
	}
}

func TestFingerprint_tellsRequestsApart(t *testing.T) {
	t.Parallel()
	a := session.Step{Kind: session.Update, Number: 1, Reports: []session.Report{{Service: "a", Used: 1}}}
	b := a
	b.At, b.NotifyURI = noon, "http://x"
	if a.Fingerprint() != b.Fingerprint() {
		t.Error("when it was sent makes another request")
	}
	b.Reports = []session.Report{{Service: "a", Used: 2}}
	if a.Fingerprint() == b.Fingerprint() {
		t.Error("another use is the same request")
	}
}

func TestPolicy_checkNamesAllFaults(t *testing.T) {
	t.Parallel()
	p := session.DefaultPolicy()
	if faults := p.Check(); faults != nil {
		t.Fatal(faults[0])
	}
	p.Voice.Units, p.Data.Final, p.GraceSeconds = 0, session.Final{Action: session.Redirect, RedirectTo: "here"}, -1
	p.Groups = []session.Group{{Number: 1, Kind: usage.Data}, {Number: 1, Kind: "x"}}
	want := []string{"voice.units", "data.final.redirect_to", "grace_seconds", "groups.1.number", "groups.1.kind"}
	var got []string
	for _, fault := range p.Check() {
		got = append(got, fault.Field)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("faults of %v, want %v", got, want)
	}
}

func TestState_randomMovesStayInTheTable(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := session.Session{State: session.Open, StartedAt: noon}
		for range rapid.IntRange(0, 6).Draw(t, "moves") {
			to := rapid.SampledFrom([]session.State{session.Open, session.Abandoned, session.Closed}).Draw(t, "to")
			if !s.State.May(to) {
				continue
			}
			switch to {
			case session.Closed:
				s.Close(session.Asked, noon)
			case session.Abandoned:
				s.Abandon()
			case session.Open:
				s.Return()
			}
			if (s.State == session.Closed) != (s.Ending != session.NotEnded) || (s.State == session.Closed) == s.ClosedAt.IsZero() {
				t.Fatalf("%+v", s)
			}
		}
	})
}

func TestAnswer_isTheSameWhenReadAgain(t *testing.T) {
	t.Parallel()
	a := session.Answer{Session: uuid.New(), Number: 3, State: session.Open, Currency: money.MustCurrency("EUR"), At: noon,
		Services: []session.Given{{Service: "1", Result: session.Granted, Unit: money.Byte, Granted: 5, ValidSeconds: 60,
			Final: &session.Final{Action: session.Redirect, RedirectTo: "https://x"}, Used: 7, Price: money.MustDecimal("0.000000001"), ChargeID: uuid.New()}}}
	text, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	var b session.Answer
	if err := json.Unmarshal(text, &b); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(b)
	if err != nil || string(again) != string(text) {
		t.Errorf("%s, %v, want %s", again, err, text)
	}
}
