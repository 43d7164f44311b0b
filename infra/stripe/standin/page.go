package standin

import (
	"bytes"
	_ "embed"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"tollhouse/billing/locale"
	"tollhouse/billing/money"
	"tollhouse/infra/stripe"
)

//go:embed page.html
var pageText string

//go:embed style.css
var styleText []byte

var pages = template.Must(template.New("page").Parse(pageText))

// page is what the templates show.
type page struct {
	Session     string
	Lang        string // of the payer, as the merchant named it
	Title       string
	Amount      string
	Description string
	Email       string
	CancelURL   string
	Failure     string // why the last attempt did not succeed
	Setup       bool   // a card is stored, and nothing paid
	Form        cardForm
}

// showPage is the hosted checkout page, or a word on why there is none.
func (s *Server) showPage(w http.ResponseWriter, r *http.Request) {
	session, failure := s.find(r.PathValue("id"))
	if session == nil || session.Status != "open" {
		s.showClosed(w, r, session)
		return
	}
	p := newPage(session)
	p.Failure = failure
	s.write(w, http.StatusOK, "checkout", session, p)
}

func (s *Server) submitCard(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	session, _ := s.find(r.PathValue("id"))
	if session == nil || session.Status != "open" {
		s.showClosed(w, r, session)
		return
	}
	if err := r.ParseForm(); err != nil {
		http.Error(w, "The form can't be read.", http.StatusBadRequest)
		return
	}
	p := newPage(session)
	p.Form = readCard(r.PostForm, s.config.Now())
	if len(p.Form.Errors) > 0 {
		s.write(w, http.StatusUnprocessableEntity, "checkout", session, p)
		return
	}
	failure, confirm, err := s.attempt(session.ID, p.Form)
	switch {
	case err != nil:
		s.showFailure(w, r, err)
	case failure != nil:
		p.Failure = failure.Message
		s.write(w, http.StatusPaymentRequired, "checkout", session, p)
	case confirm:
		http.Redirect(w, r, "/c/pay/"+session.ID+"/confirm", http.StatusSeeOther)
	default:
		http.Redirect(w, r, successURL(session), http.StatusSeeOther)
	}
}

// showConfirm stands for the page on which a bank asks its customer.
func (s *Server) showConfirm(w http.ResponseWriter, r *http.Request) {
	session, _ := s.find(r.PathValue("id"))
	if session == nil || session.Status != "open" {
		s.showClosed(w, r, session)
		return
	}
	p := newPage(session)
	p.Title = "Confirm your payment"
	s.write(w, http.StatusOK, "confirm", session, p)
}

func (s *Server) submitConfirm(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	session, _ := s.find(r.PathValue("id"))
	if session == nil || session.Status != "open" {
		s.showClosed(w, r, session)
		return
	}
	failure, err := s.confirm(session.ID, r.PostFormValue("answer") == "confirm")
	switch {
	case err != nil:
		s.showFailure(w, r, err)
	case failure != nil: // the page shows it, and takes another card
		http.Redirect(w, r, "/c/pay/"+session.ID, http.StatusSeeOther)
	default:
		http.Redirect(w, r, successURL(session), http.StatusSeeOther)
	}
}

// find returns a session, expired if its time is over, and the last failure.
func (s *Server) find(id string) (*checkoutSession, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	session := s.store.sessions[id]
	if session == nil {
		return nil, ""
	}
	if lines := s.expired(session, s.config.Now().UTC()); lines != nil {
		if err := s.saveLocked(lines); err != nil {
			s.config.Log.Error("stripe stand-in can't expire a session", "error", err)
		}
		session = lines[0].Session
	}
	failure := ""
	if intent := s.store.intents[session.Intent]; intent != nil && intent.Failure != nil {
		failure = intent.Failure.Message
	}
	return session, failure
}

// showClosed answers for a page that was paid on (a second click: go on to
// where the first one went), has expired, or never was.
func (s *Server) showClosed(w http.ResponseWriter, r *http.Request, session *checkoutSession) {
	switch {
	case session == nil:
		s.write(w, http.StatusNotFound, "closed", nil, page{Lang: "en", Title: "There is no such payment page"})
	case session.Status == "complete":
		http.Redirect(w, r, successURL(session), http.StatusSeeOther)
	default:
		p := newPage(session)
		p.Title = "This payment page has expired"
		s.write(w, http.StatusGone, "closed", session, p)
	}
}

func (s *Server) showFailure(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, errNotPayable) { // another click was faster
		http.Redirect(w, r, "/c/pay/"+r.PathValue("id"), http.StatusSeeOther)
		return
	}
	s.config.Log.Error("stripe stand-in failed", "error", err)
	s.write(w, http.StatusInternalServerError, "closed", nil, page{Lang: "en", Title: "This did not work. No money was taken."})
}

func newPage(session *checkoutSession) page {
	if session.Mode == "setup" {
		return page{Session: session.ID, Lang: languageOf(session), Title: "Store a card", Setup: true, Email: session.Email, CancelURL: session.CancelURL,
			Form: cardForm{Errors: map[string]string{}}}
	}
	return page{
		Session: session.ID, Lang: languageOf(session), Title: "Pay by card", Amount: amountText(session), Description: session.Description,
		Email: session.Email, CancelURL: session.CancelURL, Form: cardForm{Errors: map[string]string{}},
	}
}

// amountText writes the amount as the payer's language does.
func amountText(session *checkoutSession) string {
	currency, err := money.ParseCurrency(strings.ToUpper(session.Currency))
	if err != nil {
		return session.Currency
	}
	amount, err := stripe.FromMinor(session.Amount, currency)
	if err != nil {
		return currency.Code()
	}
	return locale.Locale{Language: languageOf(session)}.FormatMoney(amount)
}

func successURL(session *checkoutSession) string {
	return strings.ReplaceAll(session.SuccessURL, "{CHECKOUT_SESSION_ID}", session.ID)
}

// write renders into memory first, so that a broken template is no half page.
func (s *Server) write(w http.ResponseWriter, status int, name string, session *checkoutSession, p page) {
	var text bytes.Buffer
	if err := pages.ExecuteTemplate(&text, name, p); err != nil {
		s.config.Log.Error("stripe stand-in can't draw a page", "error", err)
		http.Error(w, "This did not work.", http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", policy(session))
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer") // the address is the right to pay
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = text.WriteTo(w)
}

// policy names the merchant's origin in form-action: browsers hold a form's
// redirects to it too.
func policy(session *checkoutSession) string {
	target := ""
	if session != nil {
		if u, err := url.Parse(session.SuccessURL); err == nil {
			target = " " + u.Scheme + "://" + u.Host
		}
	}
	return "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'" + target
}

func serveStyle(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "public, max-age=300")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(styleText)
}
