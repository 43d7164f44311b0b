package standin

import (
	_ "embed"
	"html/template"
	"net/http"
)

//go:embed page.html
var pageText string

//go:embed style.css
var styleText []byte

var page = template.Must(template.New("page").Parse(pageText))

// shown is what the page shows.
type shown struct {
	ID, Amount, Currency, Description, Status, Back, Failure string
}

func (s *Server) showPage(w http.ResponseWriter, r *http.Request) { s.show(w, r.PathValue("id"), "") }

func (s *Server) show(w http.ResponseWriter, id, failure string) {
	s.mu.Lock()
	s.sweep()
	p, found := s.payments[id]
	var v shown
	if found {
		v = shown{p.ID, p.Amount, p.Currency, p.description, p.Status, p.back, failure}
	}
	s.mu.Unlock()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action *; frame-ancestors 'none'")
	if !found {
		w.WriteHeader(http.StatusNotFound)
	}
	if err := page.Execute(w, v); err != nil {
		s.log.Warn("page not written", "error", err)
	}
}

func (s *Server) payOnPage(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if err := s.Pay(id); err != nil {
		s.show(w, id, err.Error())
		return
	}
	s.mu.Lock()
	back := s.payments[id].back
	s.mu.Unlock()
	if back == "" {
		s.show(w, id, "")
		return
	}
	http.Redirect(w, r, back, http.StatusSeeOther)
}

func serveStyle(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	_, _ = w.Write(styleText)
}
