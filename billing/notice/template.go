package notice

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// Kinds of message that have a template: its words can be the operator's own.
const (
	DunningReminder  Kind = "dunning_reminder"
	DunningFinal     Kind = "dunning_final" // the last reminder before something is taken away
	DunningFee       Kind = "dunning_fee"
	DunningSlow      Kind = "dunning_slow"
	DunningWall      Kind = "dunning_wall"
	DunningSuspend   Kind = "dunning_suspend"
	DunningTerminate Kind = "dunning_terminate"
	DunningAgency    Kind = "dunning_agency"
	Reconnected      Kind = "reconnected"
	PromiseTaken     Kind = "promise_taken"
	PromiseBroken    Kind = "promise_broken"
	PlanAgreed       Kind = "plan_agreed"
	PlanBroken       Kind = "plan_broken"
	BillReady        Kind = "bill_ready"
	PaymentReceived  Kind = "payment_received"
	PaymentFailed    Kind = "payment_failed"
	News             Kind = "news" // of what is offered: who has opted out is not told
	BalanceLow       Kind = "balance_low"
	AllowanceUsed    Kind = "allowance_used"
	SpendReached     Kind = "spend_reached"
)

// Type is what a variable holds.
type Type string

// Types of variables.
const (
	Text   Type = "text"
	Money  Type = "money"
	Day    Type = "date"
	Link   Type = "link"
	Number Type = "number"
)

// Variable is a place in a template that is filled when a message is made.
type Variable struct {
	Name   string
	Type   Type
	Sample string // that previews show when there is no account
}

// Template is a kind of message whose words may be changed.
type Template struct {
	Kind      Kind
	Group     string // dunning, bill, payment, balance, news
	Marketing bool   // who has opted out is not told
	Variables []Variable
}

// Words are what is said. An SMS and a note on a page have no subject.
type Words struct{ Subject, Body string }

// common are the variables of every template.
var common = []Variable{
	{"name", Text, "Siti Rahma"}, {"operator", Text, "Kabel Nusantara"}, {"account", Text, "100042"}, {"support", Text, "support@example.net"},
}

var (
	owing = []Variable{
		{"amount", Money, "€49.90"}, {"bills", Text, "2026/117"}, {"due", Day, "15 Jun 2026"}, {"next_step", Text, "Suspension"}, {"next_day", Day, "29 Jun 2026"},
		{"fee", Money, "€5.00"}, {"pay", Link, "https://pay.example.net/"},
	}
	promised = []Variable{{"amount", Money, "€49.90"}, {"until", Day, "5 Jul 2026"}, {"pay", Link, "https://pay.example.net/"}}
	billed   = []Variable{{"number", Text, "2026/117"}, {"period", Text, "June 2026"}, {"amount", Money, "€49.90"}, {"open", Money, "€49.90"}, {"due", Day, "15 Jun 2026"}, {"pay", Link, "https://pay.example.net/"},
		{"to_pay", Text, "Still to pay: €49.90, by 15 Jun 2026. Pay here, without signing in:"}}
	received  = []Variable{{"amount", Money, "€49.90"}, {"day", Day, "12 Jun 2026"}, {"method", Text, "bank transfer"}, {"reference", Text, "RF18 5390 0754"}, {"open", Money, "€0.00"}, {"more", Text, "There is nothing left to pay."}}
	failed    = []Variable{{"amount", Money, "€49.90"}, {"reason", Text, "Your card has expired."}, {"more", Text, "We will try again in some days. You can also pay now:"}, {"pay", Link, "https://pay.example.net/"}}
	offered   = []Variable{{"title", Text, "Twice the data in July"}, {"text", Text, "All plans come with twice the data in July."}, {"stop", Link, "https://example.net/no-news/"}}
	threshold = []Variable{{"reached", Text, "€4.20"}, {"threshold", Text, "€5.00"}, {"percent", Number, "80"}, {"code", Text, "Data"}, {"offer", Text, "Data plus"}, {"more", Text, "Until the period ends the service is slower."}}
)

var templates = []Template{
	{DunningReminder, "dunning", false, owing}, {DunningFinal, "dunning", false, owing}, {DunningFee, "dunning", false, owing},
	{DunningSlow, "dunning", false, owing}, {DunningWall, "dunning", false, owing}, {DunningSuspend, "dunning", false, owing},
	{DunningTerminate, "dunning", false, owing}, {DunningAgency, "dunning", false, owing}, {Reconnected, "dunning", false, owing},
	{PromiseTaken, "dunning", false, promised}, {PromiseBroken, "dunning", false, promised}, {PlanAgreed, "dunning", false, promised}, {PlanBroken, "dunning", false, promised},
	{BillReady, "bill", false, billed},
	{PaymentReceived, "payment", false, received}, {PaymentFailed, "payment", false, failed},
	{News, "news", true, offered},
	{BalanceLow, "balance", false, threshold}, {AllowanceUsed, "balance", false, threshold}, {SpendReached, "balance", false, threshold},
}

// Templates lists the kinds of message whose words may be changed.
func Templates() []Template { return slices.Clone(templates) }

// KnownTemplate says whether a kind has a template.
func KnownTemplate(k Kind) bool { _, err := TemplateOf(k); return err == nil }

// TemplateOf finds the template of a kind; ErrNoTemplate if there is none.
func TemplateOf(k Kind) (Template, error) {
	for _, t := range templates {
		if t.Kind == k {
			t.Variables = slices.Concat(common, t.Variables)
			return t, nil
		}
	}
	return Template{}, fmt.Errorf("%w: %.60q", ErrNoTemplate, k)
}

// Errors of templates.
var (
	ErrNoTemplate = errors.New("no such kind of message")
	// ErrWords refuses words that can't be a template. It is wrapped with what
	// is wrong.
	ErrWords = errors.New("the words cannot be used")
)

var place = regexp.MustCompile(`\{([^{}\r\n]*)\}`)

// gap is what a place leaves that stays empty in a paragraph of its own.
var gap = regexp.MustCompile(`\n(?:[ \t]*\n){2,}`)

// maxSMS bounds the words of an SMS: some parts of it.
const maxSMS = 900

// Check says what is wrong with words: a place that the kind does not have is
// refused by its name.
func (t Template) Check(channel Channel, w Words) error {
	switch {
	case !slices.Contains(Channels, channel):
		return fmt.Errorf("%w: channel %.20q is none of mail, sms, portal and letter", ErrWords, channel)
	case channel == Mail && strings.TrimSpace(w.Subject) == "":
		return fmt.Errorf("%w: a mail has a subject", ErrWords)
	case len(w.Subject) > maxSubject || strings.ContainsAny(w.Subject, "\r\n"):
		return fmt.Errorf("%w: the subject is one line of up to %d bytes", ErrWords, maxSubject)
	case strings.TrimSpace(w.Body) == "" || len(w.Body) > maxBody/2 || channel == SMS && len(w.Body) > maxSMS:
		return fmt.Errorf("%w: the text is empty or too long", ErrWords)
	}
	for _, found := range place.FindAllStringSubmatch(w.Subject+"\n"+w.Body, -1) {
		if !slices.ContainsFunc(t.Variables, func(v Variable) bool { return v.Name == found[1] }) {
			return fmt.Errorf("%w: {%s} is no variable of this message", ErrWords, found[1])
		}
	}
	return nil
}

// Fill puts values into the places of words. A place without a value stays
// empty; values are never looked at for places.
func (w Words) Fill(values map[string]string) Words {
	in := func(text string) string {
		return place.ReplaceAllStringFunc(text, func(p string) string { return values[p[1:len(p)-1]] })
	}
	return Words{Subject: strings.Join(strings.Fields(in(w.Subject)), " "), Body: strings.TrimSpace(gap.ReplaceAllString(in(w.Body), "\n\n"))}
}

// Edition is an operator's own words as stored.
type Edition struct {
	Kind     Kind
	Channel  Channel
	Language string
	Version  int // 0: ours
	Words
	By string
	At time.Time
}

// Ours says whether the words are those that ship.
func (e Edition) Ours() bool { return e.Version == 0 || e.Body == "" }

// Languages are those that messages are written in; the first is what others
// fall back on.
var Languages = []string{"en", "id", "ru"}

// Default are the words that ship for a kind, in a language or in English.
func Default(k Kind, channel Channel, language string) Words {
	words, known := defaults[language]
	if !known {
		words = defaults[Languages[0]]
	}
	w := words[k]
	if channel == Mail || channel == Letter {
		return Words{Subject: w.subject, Body: w.letter}
	}
	return Words{Body: w.short}
}

// Book are the words of all templates, read at once.
type Book map[[3]string]Words

// OpenBook reads the operator's own words.
func OpenBook(ctx context.Context, tx tenant.Tx) (Book, error) {
	rows, err := tx.Query(ctx, `select distinct on (kind, channel, language) kind, channel, language, subject, body from notice_template
		order by kind, channel, language, version desc`)
	if err != nil {
		return nil, fmt.Errorf("read templates: %w", err)
	}
	book := Book{}
	var key [3]string
	var w Words
	_, err = pgx.ForEachRow(rows, []any{&key[0], &key[1], &key[2], &w.Subject, &w.Body}, func() error {
		if w.Body != "" {
			book[key] = w
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read templates: %w", err)
	}
	return book, nil
}

// Words are those of a kind: the operator's in the language, ours in it, the
// operator's in English, ours in English.
func (b Book) Words(k Kind, channel Channel, language string) Words {
	if w, own := b[[3]string{string(k), string(channel), language}]; own {
		return w
	}
	if _, known := defaults[language]; !known {
		if w, own := b[[3]string{string(k), string(channel), Languages[0]}]; own {
			return w
		}
	}
	return Default(k, channel, language)
}

// Editions lists how a kind's words were changed, newest first.
func Editions(ctx context.Context, tx tenant.Tx, k Kind) ([]Edition, error) {
	rows, err := tx.Query(ctx, `select kind, channel, language, version, subject, body, changed_by, changed_at from notice_template
		where kind = $1 order by changed_at desc, version desc limit 200`, string(k))
	if err != nil {
		return nil, fmt.Errorf("read editions of %s: %w", k, err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e Edition, err error) {
		err = row.Scan(&e.Kind, &e.Channel, &e.Language, &e.Version, &e.Subject, &e.Body, &e.By, &e.At)
		e.At = e.At.UTC()
		return e, err
	})
	if err != nil {
		return nil, fmt.Errorf("read editions of %s: %w", k, err)
	}
	return list, nil
}

const keepEdition = `
	insert into notice_template (kind, channel, language, version, subject, body, changed_by, changed_at)
	select $1, $2, $3, coalesce(max(version), 0) + 1, $4, $5, $6, $7 from notice_template where kind = $1 and channel = $2 and language = $3
	returning version`

// Change stores an operator's own words as the newest edition. An empty body
// goes back to ours.
func Change(ctx context.Context, tx tenant.Tx, e Edition) (Edition, error) {
	t, err := TemplateOf(e.Kind)
	if err != nil {
		return Edition{}, err
	}
	if !slices.Contains(Languages, e.Language) {
		return Edition{}, fmt.Errorf("%w: language %.20q is none of en, id and ru", ErrWords, e.Language)
	}
	if e.Body != "" {
		if err := t.Check(e.Channel, e.Words); err != nil {
			return Edition{}, err
		}
	} else if !slices.Contains(Channels, e.Channel) {
		return Edition{}, fmt.Errorf("%w: channel %.20q is none of mail, sms, portal and letter", ErrWords, e.Channel)
	}
	e.At = tx.At
	err = tx.QueryRow(ctx, keepEdition, string(e.Kind), string(e.Channel), e.Language, e.Subject, e.Body, e.By, e.At).Scan(&e.Version)
	if err != nil {
		return Edition{}, fmt.Errorf("save template %s: %w", e.Kind, err)
	}
	return e, nil
}

// Samples are values for all places of a template.
func (t Template) Samples() map[string]string {
	values := map[string]string{}
	for _, v := range t.Variables {
		values[v.Name] = v.Sample
	}
	return values
}

// BadContact is an address that messages do not reach.
type BadContact struct {
	Channel  Channel
	Address  string
	Reason   string
	NoticeID *uuid.UUID
	Since    time.Time
}
