package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
	"golang.org/x/sync/errgroup"

	"tollhouse/api"
	"tollhouse/billing"
	"tollhouse/billing/account"
	"tollhouse/billing/agenda"
	"tollhouse/billing/identity"
	"tollhouse/billing/ledger"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
	"tollhouse/portal"
)

const (
	// homeGoal is the most that p95 of the subscriber's home page may take.
	homeGoal = 60 * time.Millisecond
	// homeRatio is how many times its bare queries it may take at most.
	homeRatio = 3.0
	// homeInFlight is how many visitors look at once.
	homeInFlight = 8
	// homeMonths is how long the operator has been at it.
	homeMonths = 13
	// homeVisitors have a login; their accounts are drawn from all.
	homeVisitors = 64
)

// portalHome measures how long a subscriber's home page takes on the server,
// with all that an operator gathers in 13 months around it. A part of the
// subscribers lives those months by the product's own ways, the rest are copies
// of them. The baseline sends the same statements as the page did, in the same
// transactions, and drops what comes back.
func portalHome(ctx context.Context, s scale, say reporter) (Result, error) {
	h, err := openHouse(ctx)
	if err != nil {
		return Result{}, err
	}
	defer h.close()
	stack, err := h.lived(ctx, s, say)
	if err != nil {
		return Result{}, err
	}
	say("copying them %d times", s.homeCopies)
	if err := h.multiply(ctx, stack, s.homeCopies); err != nil {
		return Result{}, err
	}
	say("checking the books")
	if err := sumsAtLeisure(ctx, stack); err != nil {
		return Result{}, err
	}
	visitors, err := h.visitors(ctx, stack, s.homeSeed*s.homeCopies)
	if err != nil {
		return Result{}, err
	}
	site, err := h.openSite(ctx, stack)
	if err != nil {
		return Result{}, err
	}
	defer site.close()
	say("noting the page's statements")
	scripts, err := site.scripts(ctx, visitors)
	if err != nil {
		return Result{}, err
	}
	say("visiting %d times", s.homeVisits)
	r := Result{Unit: "ms", Goal: fmt.Sprintf("p95 <= %d ms and at most %.0f times its bare queries", homeGoal.Milliseconds(), homeRatio)}
	var ours, bare []time.Duration
	var ratios rounds
	for range s.rounds {
		mine, err := inFlight(s.homeVisits/s.rounds, func(n int) error { return site.visit(ctx, visitors[n%len(visitors)]) })
		if err != nil {
			return Result{}, err
		}
		theirs, err := inFlight(s.homeVisits/s.rounds, func(n int) error { return scripts[n%len(scripts)].replay(ctx, site.pool) })
		if err != nil {
			return Result{}, err
		}
		ratios = append(ratios, float64(quantile(mine, 95))/float64(quantile(theirs, 95)))
		ours, bare = append(ours, mine...), append(bare, theirs...)
	}
	r.Value = milliseconds(quantile(ours, 95))
	r.beside(milliseconds(quantile(bare, 95)))
	*r.Ratio = ratios.median()
	r.OK = quantile(ours, 95) <= homeGoal && *r.Ratio <= homeRatio
	r.Note = fmt.Sprintf("%d subscribers, %d months, %d in flight; the page p50 %.1f ms, p95 %.1f ms in %d bytes; its %d statements alone p50 %.1f ms, p95 %.1f ms; rounds %s",
		s.homeSeed*s.homeCopies, homeMonths, homeInFlight, milliseconds(quantile(ours, 50)), r.Value, site.bytes(), scripts[0].statements(),
		milliseconds(quantile(bare, 50)), *r.Baseline, ratios.spread())
	return r, nil
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// lived makes an operator whose first subscribers have used, were billed and
// paid for 13 months. In the last month, which the page shows by day, they use more.
func (h *house) lived(ctx context.Context, s scale, say reporter) (*billing.Stack, error) {
	h.clock.set(h.month.from)
	stack, err := h.operator(ctx)
	if err != nil {
		return nil, err
	}
	offering, err := publish(ctx, stack, postpaidOffer)
	if err != nil {
		return nil, err
	}
	say("%d subscribers live %d months", s.homeSeed, homeMonths)
	if _, err := connect(ctx, stack, offering, 0, s.homeSeed); err != nil {
		return nil, err
	}
	feeds, err := h.declareAll(ctx, stack)
	if err != nil {
		return nil, err
	}
	for n := range homeMonths + 1 {
		m := month{zone: h.month.zone, from: h.month.from.AddDate(0, n, 0), to: h.month.from.AddDate(0, n+1, 0)}
		uses := s.homeSeed
		if n == homeMonths {
			uses *= 10
		}
		if err := h.live(ctx, stack, feeds, m, uint64(n+1), uses, s.homeSeed, n == homeMonths); err != nil {
			return nil, fmt.Errorf("month %d: %w", n+1, err)
		}
	}
	return stack, nil
}

// live is one month: what was used comes in at its end, then it is billed and
// most pay. The last one is not over.
func (h *house) live(ctx context.Context, stack *billing.Stack, feeds []feedOf, m month, seed uint64, uses, subscribers int, open bool) error {
	h.clock.set(m.to.Add(-time.Hour))
	for _, f := range feeds {
		count := uses * f.percent / 100
		if _, err := h.hand(ctx, stack, f.feed, f.file(m, seed, count, subscribers), count); err != nil {
			return err
		}
	}
	if open {
		return nil
	}
	h.clock.set(m.to.Add(time.Hour))
	if err := h.work(ctx, stack, agenda.Cycles); err != nil {
		return err
	}
	h.clock.set(m.to.AddDate(0, 0, 9))
	return payAll(ctx, stack)
}

// sumsAtLeisure is sums over a ledger so long that a tenant's usual bound of a
// statement would end it.
func sumsAtLeisure(ctx context.Context, stack *billing.Stack) error {
	return stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		if _, err := tx.Exec(ctx, `set local statement_timeout = '15min'`); err != nil {
			return err
		}
		report, err := ledger.ControlSums(ctx, tx)
		if err != nil {
			return err
		}
		return report.Check()
	})
}

// payAll settles what is open, but for one account in ten.
func payAll(ctx context.Context, stack *billing.Stack) error {
	accounts, err := accountsOf(ctx, stack)
	if err != nil {
		return err
	}
	const atOnce = 200
	for from := 0; from < len(accounts); from += atOnce {
		part := accounts[from:min(from+atOnce, len(accounts))]
		err := stack.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
			for i, id := range part {
				if (from+i)%10 == 9 {
					continue
				}
				if err := payOne(ctx, stack, tx, id); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("pay: %w", err)
		}
	}
	return nil
}

func payOne(ctx context.Context, stack *billing.Stack, tx tenant.Tx, id uuid.UUID) error {
	items, err := payment.OpenItems(ctx, tx, id)
	if err != nil {
		return err
	}
	for _, item := range items {
		_, err := stack.RecordPayment(ctx, tx, payment.NewPayment{AccountID: id, Purpose: payment.PurposeBill, Method: payment.Bank,
			Amount: item.Open, Reference: "transfer", By: "bench"})
		if err != nil {
			return err
		}
	}
	return nil
}

func accountsOf(ctx context.Context, stack *billing.Stack) (ids []uuid.UUID, err error) {
	err = stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		q := account.Query{Limit: account.MaxPage}
		for {
			page, err := account.List(ctx, tx, q)
			if err != nil {
				return err
			}
			for _, found := range page.Accounts {
				ids = append(ids, found.ID)
			}
			if page.Next == uuid.Nil {
				return nil
			}
			q.After = page.Next
		}
	})
	return ids, err
}

// feedOf is a stream with its source.
type feedOf struct {
	stream
	feed usage.Feed
}

func (h *house) declareAll(ctx context.Context, stack *billing.Stack) (feeds []feedOf, err error) {
	for _, s := range streams {
		feed, err := h.declare(ctx, stack, s)
		if err != nil {
			return nil, err
		}
		feeds = append(feeds, feedOf{s, feed})
	}
	return feeds, nil
}

// visitor is a subscriber who is signed in.
type visitor struct{ cookie string }

// visitors gives logins to accounts drawn from all, and signs them in.
func (h *house) visitors(ctx context.Context, stack *billing.Stack, subscribers int) ([]visitor, error) {
	const password = "a password of the bench"
	hash, err := h.passwords.Hash(ctx, password)
	if err != nil {
		return nil, err
	}
	conn, err := h.admin(ctx)
	if err != nil {
		return nil, err
	}
	r := rand.New(rand.NewPCG(7, 7))
	var list []visitor
	for n := range homeVisitors {
		var id uuid.UUID
		err := conn.QueryRow(ctx, `select id from `+stack.Ref.Slot.Schema()+`.billing_account order by id offset $1 limit 1`, r.IntN(subscribers)).Scan(&id)
		if err != nil {
			return nil, fmt.Errorf("draw an account: %w", err)
		}
		email := fmt.Sprintf("visitor%d@post.example", n)
		err = stack.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
			_, err := h.authority.AddUser(ctx, tx, identity.NewUser{Email: email, Name: "Jonas Petersen", Role: identity.Subscriber, AccountID: &id, Password: hash})
			return err
		})
		if err != nil {
			return nil, err
		}
		in, err := stack.SignIn(ctx, identity.Credentials{Email: email, Password: password, UserAgent: "bench"})
		if err != nil {
			return nil, err
		}
		list = append(list, visitor{cookie: "tollhouse_session=" + strconv.FormatInt(in.Expires.Unix(), 10) + "." + in.Token + "; tollhouse_form=" + uuid.NewString()})
	}
	return list, nil
}

// site is the operator's pages behind a real listener.
type site struct {
	*recorder
	address string
	server  *http.Server
	client  *http.Client
	mu      sync.Mutex
	size    int
}

func (h *house) openSite(ctx context.Context, stack *billing.Stack) (*site, error) {
	recorder, err := h.record(ctx)
	if err != nil {
		return nil, err
	}
	host := billing.NewHost(billing.Config{DB: tenant.Open(recorder.pool, h.clock.now), Identity: h.authority, Seal: h.box.Tenants(),
		PublicURL: "http://localhost", Now: h.clock.now, Log: h.log})
	e, err := api.New(api.Config{Host: host, Authority: h.authority, Passwords: h.passwords, Log: h.log, Now: time.Now, PublicURL: "http://localhost",
		Ready: host.Ready})
	if err != nil {
		return nil, err
	}
	portal.New(portal.Config{Host: host, Authority: h.authority, PublicURL: "http://localhost", Now: time.Now, Log: h.log}).Register(e)
	return h.listen(ctx, stack, recorder, e)
}

func (h *house) listen(ctx context.Context, stack *billing.Stack, r *recorder, e *echo.Echo) (*site, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &site{recorder: r, address: "http://" + listener.Addr().String() + "/t/" + stack.Ref.Name + "/",
		server: &http.Server{Handler: e, ReadHeaderTimeout: time.Minute}, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: homeInFlight}}}
	go func() { _ = s.server.Serve(listener) }() // ends with close
	return s, nil
}

func (s *site) close() { _ = s.server.Close() }

func (s *site) bytes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.size
}

// errNotHome means that the page was not the subscriber's.
var errNotHome = errors.New("the visitor was not shown the page")

// visit looks at the page once. Redirects are not followed: they lead away from
// it.
func (s *site) visit(ctx context.Context, v visitor) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.address, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Cookie", v.cookie)
	request.Header.Set("Accept-Encoding", "gzip")
	answer, err := s.client.Do(request)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Encoding") != "gzip" {
		return fmt.Errorf("%w: %s, %d bytes", errNotHome, answer.Status, len(body))
	}
	s.mu.Lock()
	s.size = len(body)
	s.mu.Unlock()
	return nil
}

// inFlight does something so many times, some at once, and tells how long each
// took. The first ones warm up and don't count.
func inFlight(times int, do func(n int) error) ([]time.Duration, error) {
	for n := range homeInFlight {
		if err := do(n); err != nil {
			return nil, err
		}
	}
	took := make([]time.Duration, times)
	var group errgroup.Group
	group.SetLimit(homeInFlight)
	for n := range times {
		group.Go(func() error {
			began := time.Now()
			err := do(n)
			took[n] = time.Since(began)
			return err
		})
	}
	return took, group.Wait()
}
