package charging

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/charging/session"
	"tollhouse/billing/money"
	"tollhouse/billing/usage"
)

// refuses says whether an error is of one step only.
func refuses(err error) bool {
	return errors.Is(err, session.ErrUnknown) || errors.Is(err, session.ErrConflict) || errors.Is(err, session.ErrStep) || errors.Is(err, ErrNotChargeable)
}

// turn is one step under way.
type turn struct {
	*book
	step    *session.Step
	session *session.Session
	at      time.Time
	holder  *holding // who has the session's identity now; nil: nobody who may use anything
	answer  session.Answer
}

// step answers one request: with what was answered before, if its number was.
func (b *book) step(st *session.Step) (session.Answer, error) {
	if err := st.Check(); err != nil {
		return session.Answer{}, err
	}
	s := b.register.find(st)
	if s != nil {
		if known, found := b.register.answers[answerKey{s.ID, st.Number}]; found {
			if known.request != st.Fingerprint() {
				return session.Answer{}, fmt.Errorf("number %d: %w", st.Number, session.ErrConflict)
			}
			known.answer.Repeat = true
			return known.answer, nil
		}
		if st.Kind.Begins() {
			return session.Answer{}, fmt.Errorf("session %.80q: %w", st.Name, session.ErrConflict)
		}
	} else if !st.Kind.Begins() {
		return session.Answer{}, fmt.Errorf("session %s: %w", st.Session, session.ErrUnknown)
	}
	if s != nil && b.payers[s.Account] == nil {
		return session.Answer{}, usage.ErrRace // begun meanwhile, for somebody else
	}
	t := turn{book: b, step: st, session: s}
	if err := t.begin(); err != nil {
		return session.Answer{}, err
	}
	return t.answer, t.work()
}

// begin finds or makes the session and says what time it is for it.
func (t *turn) begin() error {
	st := t.step
	if t.session == nil {
		at := (&session.Session{}).Moment(st.At, t.now)
		h := t.people[st.Who].at(at)
		if h == nil || !h.active(at) {
			return &DebitError{&usage.Problem{Field: "identity", Code: usage.UnknownSubscriber,
				Reason: fmt.Sprintf("no service has the %s %.80q", st.Who.Kind, st.Who.Value), Want: "the identity of a connected service"}}
		}
		if t.payers[h.account] == nil {
			return usage.ErrRace // the identity has just changed hands
		}
		t.session = &session.Session{ID: uuid.Must(uuid.NewV7()), Source: st.Source, Name: st.Name, Consumer: st.Consumer, Identity: st.Who,
			Account: h.account, Subscription: h.subscription, Service: h.service, Offering: h.offering, State: session.Open,
			NotifyURI: st.NotifyURI, StartedAt: at, LastAt: at}
	}
	s := t.session
	for i := range st.Reports {
		if r := &st.Reports[i]; r.Kind == "" && s.Find(r.Service) == nil {
			return &session.StepError{Field: fmt.Sprintf("services[%d].kind", i), Reason: "is missing", Want: "voice, data, message or content where a service is named first"}
		}
	}
	t.at = s.Moment(st.At, t.now)
	if h := t.people[s.Identity].at(t.at); h != nil && h.account == s.Account && h.active(t.at) && !h.suspended {
		t.holder = h
	}
	if st.NotifyURI != "" {
		s.NotifyURI = st.NotifyURI
	}
	return nil
}

// work charges all that was used, then grants in order what is asked.
func (t *turn) work() error {
	s, st := t.session, t.step
	defer t.spare(s, nil) // for whoever comes next in the same transaction
	t.answer = session.Answer{Session: s.ID, Number: st.Number, Currency: t.payers[s.Account].currency, At: t.at, Services: make([]session.Given, len(st.Reports))}
	if s.State == session.Abandoned && !st.Kind.Ends() {
		s.Return()
	}
	for i := range st.Reports {
		if err := t.report(&st.Reports[i], &t.answer.Services[i]); err != nil {
			return err
		}
	}
	for i := range st.Reports {
		if err := t.grant(&st.Reports[i], &t.answer.Services[i]); err != nil {
			return err
		}
	}
	if st.Kind.Ends() && s.State != session.Closed {
		s.Close(session.Asked, t.at)
	}
	s.Number, s.LastAt = max(s.Number, st.Number), t.at
	t.answer.State, t.answer.Ending = s.State, s.Ending
	t.register.keep(s, st, t.answer)
	return nil
}

// report charges what a service has used since its last report.
func (t *turn) report(r *session.Report, given *session.Given) error {
	given.Service, given.Used, given.Result = r.Service, r.Used, session.Reported
	v := t.service(r)
	given.Unit = v.Unit()
	if r.Used > 0 {
		if err := t.charge(v, r, given); err != nil {
			return err
		}
	}
	if r.Ended || t.step.Kind.Ends() {
		v.Ended = true
	}
	switch {
	case v.Ended || r.Ask:
		v.Release()
	case r.Used > 0:
		t.keepRest(v, r.Used)
	}
	return nil
}

// keepRest holds back, of a quota that was not asked for anew, what is left to
// be used of it, for as long as before.
func (t *turn) keepRest(v *session.Service, used int64) {
	left, valid, until := v.Granted-used, v.ValidUntil, v.HeldUntil
	v.Release()
	if left <= 0 || !t.at.Before(until) {
		return
	}
	if reach, fault := t.reach(v, left); fault == nil && reach.Units > 0 {
		v.Granted, v.Held, v.ValidUntil, v.HeldUntil = reach.Units, reach.Held, valid, until
	}
}

// service finds the service that is reported on, or begins it.
func (t *turn) service(r *session.Report) *session.Service {
	s := t.session
	if v := s.Find(r.Service); v != nil {
		if v.Ended && r.Ask {
			v.Ended = false // it begins again, as an event of its own
			v.Restart(t.at)
		}
		return v
	}
	v := session.Service{Name: r.Service, Kind: r.Kind, Destination: r.Destination, Quality: r.Quality,
		Subscription: s.Subscription, Holder: s.Service, Offering: s.Offering, StartedAt: t.at}
	if h := t.holder; h != nil {
		v.Subscription, v.Holder, v.Offering, v.Options = h.subscription, h.service, h.offering, h.options
	}
	if v.Unit() == money.Second { // what it has used already it used before
		v.StartedAt = t.at.Add(-time.Duration(min(r.Used, int64(t.at.Sub(s.StartedAt)/time.Second))) * time.Second)
	}
	s.Services = append(s.Services, v)
	return &s.Services[len(s.Services)-1]
}

// use is a use of a service from where it stands.
func (t *turn) use(v *session.Service, quantity int64) *use {
	s := t.session
	t.spare(s, v)
	u := &use{
		offset: v.Used, taken: v.Taken, payer: t.payers[s.Account], tariff: t.tariffs[planOf(v).id()].at(v.StartedAt),
		holder: &holding{service: v.Holder, subscription: v.Subscription, account: s.Account, offering: v.Offering, options: v.Options},
		record: &usage.Record{Key: s.Name + "/" + strconv.FormatInt(t.step.Number, 10) + "/" + v.Name, Kind: v.Kind, Identity: s.Identity,
			Start: v.StartedAt, End: t.at, Quantity: quantity, Unit: v.Unit(), Destination: v.Destination, Quality: v.Quality},
	}
	if h := t.holder; h != nil && h.account == s.Account {
		u.holder.owner, u.holder.joined = h.owner, h.joined
		u.lend(t.payers)
	}
	return u
}

// planOf is what a service's running event is priced by.
func planOf(v *session.Service) plan { return plan{v.Offering, v.Options} }

// charge prices and books use that has happened. What has no price, or only up
// to a time without one, or the cap that ends it, waits in suspense.
func (t *turn) charge(v *session.Service, r *session.Report, given *session.Given) error {
	u := t.use(v, r.Used)
	switch {
	case u.tariff == nil:
		u.fault = &usage.Problem{Field: "identity", Code: usage.NoTariff, Want: "a service of a published offering", Reason: "the offering version " + v.Offering.String() + " cannot be used"}
	case u.tariff.Currency() == u.payer.currency.Unit():
		q, _ := t.till.quote(u, r.Used)
		u.record.Quantity = r.Used
		if beyond := u.offset + r.Used - q.end; q.end > 0 && beyond > 0 {
			u.record.Quantity = r.Used - beyond
			rest := *u.record
			rest.Key, rest.Quantity = rest.Key+"/rest", beyond
			t.suspend(&rest, q.limit, given)
			v.Capped = v.Capped || q.capped
		}
	}
	if u.record.Quantity == 0 {
		return nil
	}
	return t.post(u, v, given)
}

func (t *turn) suspend(record *usage.Record, fault *usage.Problem, given *session.Given) {
	held := usage.Suspended{Source: t.feed, Record: record, Keyed: true}
	t.suspense = append(t.suspense, held.For(fault))
	given.Result, given.Problem, given.Held = session.NotPriced, fault, true
}

func (t *turn) post(u *use, v *session.Service, given *session.Given) error {
	u.id = t.ids.Next()
	charges := len(t.till.charges)
	if u.fault == nil {
		if err := t.till.charge(u); err != nil {
			return err
		}
	}
	if u.fault != nil {
		t.suspend(u.record, u.fault, given)
		return nil
	}
	t.stored = append(t.stored, usage.Stored{ID: u.id, Period: t.till.months.of(u.record.End, t.scene.zone), Source: t.feed, Service: v.Holder,
		Account: t.session.Account, Session: t.session.ID, Record: u.record})
	v.Used += u.record.Quantity
	v.Taken = u.taken
	if len(t.till.charges) > charges {
		c := &t.till.charges[charges]
		given.Price, given.Net, given.Tax, given.ChargeID = c.Price, c.Net, c.Tax, c.ID
		given.Covered, _ = c.Allowance.Int64()
		v.Charged = v.Charged.Add(c.Price)
	}
	return nil
}

// grant gives a service what it asks, as far as the balance reaches.
func (t *turn) grant(r *session.Report, given *session.Given) error {
	v := t.session.Find(r.Service)
	switch {
	case given.Held || !r.Ask:
		return nil
	case t.step.Kind == session.Event:
		return t.buy(v, r, given)
	case t.step.Kind.Ends() || r.Ended:
		return nil
	case t.session.State != session.Open || t.holder == nil:
		v.Refuse(session.NotAllowed, &usage.Problem{Field: "identity", Code: usage.UnknownSubscriber,
			Reason: "the session's subscriber has no active service", Want: "a service that is connected and not suspended"}, given)
		return nil
	}
	if h := t.holder; h.subscription != v.Subscription || h.offering != v.Offering || !slices.Equal(h.options, v.Options) {
		v.Subscription, v.Holder, v.Offering, v.Options = h.subscription, h.service, h.offering, h.options
		v.Restart(t.at)
	}
	v.Release()
	if v.Capped {
		t.policy.Grant(v, 1, session.Reach{Capped: true}, t.at, given)
		t.exhaust(v)
		return nil
	}
	wanted := t.policy.Of(v.Kind).Wanted(r.Units)
	reach, fault := t.reach(v, wanted)
	if fault != nil {
		v.Refuse(session.NotPriced, fault, given)
		return nil
	}
	t.policy.Grant(v, wanted, reach, t.at, given)
	if given.Result == session.CapReached {
		t.exhaust(v)
	}
	return nil
}

// exhaust ends a service whose price has reached the cap that ends it, and the
// session with the last of them.
func (t *turn) exhaust(v *session.Service) {
	v.Ended = true
	for i := range t.session.Services {
		if !t.session.Services[i].Ended {
			return
		}
	}
	t.session.Close(session.Exhausted, t.at)
}

func (t *turn) reach(v *session.Service, wanted int64) (session.Reach, *usage.Problem) {
	u := t.use(v, wanted)
	if u.tariff == nil || u.tariff.Currency() != u.payer.currency.Unit() {
		return session.Reach{}, &usage.Problem{Field: "identity", Code: usage.NoTariff, Want: "a service of a published offering in its account's currency", Reason: "the offering version " + v.Offering.String() + " cannot be used"}
	}
	return t.till.reach(u, wanted)
}

// buy charges at once, all or nothing, what an event asks for.
func (t *turn) buy(v *session.Service, r *session.Report, given *session.Given) error {
	units := max(r.Units, 1)
	if t.holder == nil {
		v.Refuse(session.NotAllowed, &usage.Problem{Field: "identity", Code: usage.UnknownSubscriber,
			Reason: "the subscriber has no active service", Want: "a service that is connected and not suspended"}, given)
		return nil
	}
	reach, fault := t.reach(v, units)
	switch {
	case fault != nil:
		v.Refuse(session.NotPriced, fault, given)
	case reach.Units < units:
		final := t.policy.Of(v.Kind).Final
		v.Refuse(session.NoCredit, nil, given)
		given.Final = &final
	default:
		bought := *r
		bought.Used = units
		given.Used = units
		if err := t.charge(v, &bought, given); err != nil || given.Held {
			return err
		}
		given.Result, given.Granted = session.Granted, units
	}
	return nil
}
