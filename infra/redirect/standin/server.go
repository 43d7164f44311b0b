package standin

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"tollhouse/infra/redirect"
)

// Account is a merchant.
type Account struct {
	Merchant    string
	Secret      string
	CallbackURL string
}

// Server is the stand-in. Make it with New, then Start.
type Server struct {
	Silent bool // posts no callbacks: they are lost
	now    func() time.Time
	log    *slog.Logger
	url    string
	http   *http.Server
	served chan struct{}
	posts  sync.WaitGroup
	end    context.CancelFunc
	ctx    context.Context

	mu       sync.Mutex // guards all below
	accounts map[string]Account
	payments map[string]*made
	answers  map[string][]byte // by merchant and key
	payouts  []paidOut
}

// made is a payment with whose it is and where its payer goes back to.
type made struct {
	redirect.Payment
	merchant, description, back string
	refunds                     []redirect.Refund
	sent                        bool // it was paid out
	sentRefunds                 int
}

// New makes a server. It answers nothing before Start. now is wall time.
func New(now func() time.Time, log *slog.Logger) *Server {
	return &Server{now: now, log: log, served: make(chan struct{}), accounts: map[string]Account{}, payments: map[string]*made{}, answers: map[string][]byte{}}
}

// Start listens on a free port of this machine.
func (s *Server) Start(ctx context.Context) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("start the stand-in for local payments: %w", err)
	}
	s.url = "http://" + listener.Addr().String()
	s.ctx, s.end = context.WithCancel(context.WithoutCancel(ctx))
	mux := http.NewServeMux()
	mux.HandleFunc("POST /payments", s.signed(s.create))
	mux.HandleFunc("GET /payments/{id}", s.signed(s.get))
	mux.HandleFunc("POST /payments/{id}/refunds", s.signed(s.refund))
	mux.HandleFunc("GET /payouts/from/{day}", s.signed(s.listPayouts))
	mux.HandleFunc("GET /pay/{id}", s.showPage)
	mux.HandleFunc("POST /pay/{id}", s.payOnPage)
	mux.HandleFunc("GET /style.css", serveStyle)
	s.http = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: 15 * time.Second, MaxHeaderBytes: 16 << 10}
	go func() {
		defer close(s.served)
		if err := s.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("the stand-in for local payments stopped serving", "error", err)
		}
	}()
	return nil
}

// Stop lets what is under way finish until ctx ends. A second Stop is harmless.
func (s *Server) Stop(ctx context.Context) error {
	if s.http == nil {
		return nil
	}
	err := s.http.Shutdown(ctx)
	<-s.served
	s.end()
	s.posts.Wait()
	return err
}

// URL is the base of the interface, once started.
func (s *Server) URL() string { return s.url }

// Register opens an account, or replaces it.
func (s *Server) Register(a Account) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accounts[a.Merchant] = a
}

const maxBody = 64 << 10

// problem is how a refusal is written.
type problem struct {
	status  int
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (p *problem) Error() string { return p.Message }

func (s *Server) signed(handle func(account Account, r *http.Request, body []byte) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			http.Error(w, "too large", http.StatusRequestEntityTooLarge)
			return
		}
		answer, err := s.answer(r, body, handle)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Request-Id", rand.Text())
		var no *problem
		if errors.As(err, &no) {
			w.WriteHeader(no.status)
			answer, err = json.Marshal(no)
		}
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		_, _ = w.Write(answer) // the caller is gone: nobody to tell
	}
}

func (s *Server) answer(r *http.Request, body []byte, handle func(Account, *http.Request, []byte) (any, error)) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	account, known := s.accounts[r.Header.Get("Merchant")]
	if !known || redirect.Verify(account.Secret, r.Header.Get(redirect.SignatureHeader), r.Method+" "+r.URL.EscapedPath()+"."+string(body), s.now()) != nil {
		return nil, &problem{http.StatusUnauthorized, "signature", "The request is not signed by a merchant of ours."}
	}
	key := account.Merchant + " " + r.Header.Get("Idempotency-Key")
	if stored := s.answers[key]; r.Method == http.MethodPost && stored != nil {
		return stored, nil
	}
	s.sweep()
	result, err := handle(account, r, body)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(result)
	if err == nil && r.Method == http.MethodPost && r.Header.Get("Idempotency-Key") != "" {
		s.answers[key] = text
	}
	return text, err
}

// sweep ends payments whose time is over.
func (s *Server) sweep() {
	for _, p := range s.payments {
		if p.Status == "pending" && p.ExpiresAt != nil && s.now().After(*p.ExpiresAt) {
			p.Status = "expired"
			s.call(p, redirect.Callback{Type: "payment.expired", Payment: &p.Payment})
		}
	}
}

// call posts a callback, some times.
func (s *Server) call(p *made, callback redirect.Callback) {
	account := s.accounts[p.merchant]
	if s.Silent || account.CallbackURL == "" {
		return
	}
	callback.ID, callback.Created = "cb_"+rand.Text(), s.now().UTC()
	body, err := json.Marshal(callback)
	if err != nil {
		s.log.Error("callback can't be encoded", "error", err)
		return
	}
	const tries = 8
	s.posts.Go(func() {
		for wait, n := 200*time.Millisecond, 0; n < tries; wait, n = 2*wait, n+1 {
			if err = s.post(account, body); err == nil {
				return
			}
			select {
			case <-s.ctx.Done():
				return
			case <-time.After(wait):
			}
		}
		s.log.Warn("callback not taken", "error", err)
	})
}

func (s *Server) post(account Account, body []byte) error {
	ctx, cancel := context.WithTimeout(s.ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, account.CallbackURL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set(redirect.SignatureHeader, redirect.Sign(account.Secret, s.now(), string(body)))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("callback answered %s", response.Status)
	}
	return nil
}
