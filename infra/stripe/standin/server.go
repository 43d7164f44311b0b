package standin

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Config says where the stand-in listens and keeps its journal.
type Config struct {
	Listen string // address; port 0 takes any free one
	// PublicURL is what browsers reach it by; empty: the address it listens on.
	PublicURL string
	DataDir   string           // is made when missing
	Now       func() time.Time // wall time
	Log       *slog.Logger
}

// Account is a merchant: the key it calls with and where its webhooks go.
type Account struct {
	SecretKey     string // sk_test_…
	WebhookURL    string
	WebhookSecret string
}

// Server is the stand-in. Make it with New, then Start.
type Server struct {
	config Config
	url    string
	http   *http.Server
	served chan struct{} // closed when http has returned

	mu       sync.Mutex // guards all below
	store    *store
	accounts map[string]Account // by account id
	swept    time.Time          // when expired pages were last looked for

	post     *http.Client
	wake     chan struct{}
	stopping context.CancelFunc
	posted   chan struct{} // closed when the dispatcher has returned
}

// New reads the journal. The server answers nothing before Start.
func New(config Config) (*Server, error) {
	if err := os.MkdirAll(config.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("open stripe stand-in: %w", err)
	}
	store, err := openStore(filepath.Join(config.DataDir, "stripe-standin.jsonl"), config.Now())
	if err != nil {
		return nil, fmt.Errorf("open stripe stand-in: %w", err)
	}
	return &Server{
		config: config, store: store,
		accounts: map[string]Account{},
		post:     &http.Client{Timeout: postTimeout},
		wake:     make(chan struct{}, 1),
		served:   make(chan struct{}), posted: make(chan struct{}),
	}, nil
}

// Start listens and begins to post webhooks. It returns when the address is taken.
func (s *Server) Start(ctx context.Context) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", s.config.Listen)
	if err != nil {
		return fmt.Errorf("start stripe stand-in: %w", err)
	}
	s.url = s.config.PublicURL
	if s.url == "" {
		s.url = "http://" + listener.Addr().String()
	}
	s.http = &http.Server{
		Handler:           s.routes(),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second,
		WriteTimeout: 15 * time.Second, IdleTimeout: time.Minute,
		MaxHeaderBytes: 16 << 10,
	}
	go func() {
		defer close(s.served)
		if err := s.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.config.Log.Error("stripe stand-in stopped serving", "error", err)
		}
	}()
	posting, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s.stopping = cancel
	go func() {
		defer close(s.posted)
		s.dispatch(posting)
	}()
	return nil
}

// Stop lets requests under way finish until ctx ends, then stops posting.
// A second Stop is harmless.
func (s *Server) Stop(ctx context.Context) error {
	if s.http == nil {
		return nil
	}
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, s.http.Close())
	}
	<-s.served
	s.stopping()
	<-s.posted
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(err, s.store.close())
}

// URL is the base of the API and of the checkout pages, once started.
func (s *Server) URL() string { return s.url }

// Register opens an account, or replaces its webhook's address and secret.
// Webhooks that waited for it are posted now.
func (s *Server) Register(a Account) {
	s.mu.Lock()
	s.accounts[accountID(a.SecretKey)] = a
	s.mu.Unlock()
	s.nudge()
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/checkout/sessions", s.api(s.createSession))
	mux.HandleFunc("GET /v1/checkout/sessions/{id}", s.api(s.getSession))
	mux.HandleFunc("POST /v1/payment_intents", s.api(s.createIntent))
	mux.HandleFunc("GET /v1/payment_intents/{id}", s.api(s.getIntent))
	mux.HandleFunc("POST /v1/refunds", s.api(s.createRefund))
	mux.HandleFunc("GET /v1/checkout/sessions", s.api(s.emptyList))
	mux.HandleFunc("GET /v1/payment_intents", s.api(s.emptyList))
	mux.HandleFunc("GET /v1/setup_intents", s.api(s.emptyList))
	mux.HandleFunc("GET /v1/payment_methods", s.api(s.emptyList))
	mux.HandleFunc("GET /v1/disputes", s.api(s.emptyList))
	mux.HandleFunc("GET /v1/setup_intents/{id}", s.api(s.getSetup))
	mux.HandleFunc("GET /v1/payment_methods/{id}", s.api(s.getMethod))
	mux.HandleFunc("POST /v1/payment_methods/{id}/detach", s.api(s.detachMethod))
	mux.HandleFunc("GET /v1/disputes/{id}", s.api(s.getDispute))
	mux.HandleFunc("POST /v1/disputes/{id}", s.api(s.answerDispute))
	mux.HandleFunc("POST /v1/disputes/{id}/close", s.api(s.closeDispute))
	mux.HandleFunc("GET /v1/payouts", s.api(s.listPayouts))
	mux.HandleFunc("GET /v1/balance_transactions", s.api(s.listMovements))
	mux.HandleFunc("/v1/", s.api(func(*call) (any, error) { return nil, errNoRoute }))
	mux.HandleFunc("GET /c/pay/{id}", s.showPage)
	mux.HandleFunc("POST /c/pay/{id}", s.submitCard)
	mux.HandleFunc("GET /c/pay/{id}/confirm", s.showConfirm)
	mux.HandleFunc("POST /c/pay/{id}/confirm", s.submitConfirm)
	mux.HandleFunc("GET /c/style.css", serveStyle)
	return mux
}

// newID makes an unguessable id in Stripe's manner.
func newID(prefix string) string { return prefix + rand.Text() }
