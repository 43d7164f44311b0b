package collection

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/uuid"

	"tollhouse/billing/access"
	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/catalog/document"
	"tollhouse/billing/money"
	"tollhouse/billing/notice"
)

//go:embed ladder.schema.json
var schemaText []byte

var schema = sync.OnceValue(func() *document.Schema { return document.MustCompileSchema(schemaText) })

// Schema is the JSON Schema of the document.
func Schema() []byte { return slices.Clone(schemaText) }

// Policy is the document: when steps are taken, and the ladders.
type Policy struct {
	Time     string   `json:"time,omitempty"`
	Calendar string   `json:"calendar,omitempty"`
	DaysOff  []string `json:"days_off,omitempty"`
	Ladders  []Ladder `json:"ladders"`
}

// Ladder is what follows for the accounts of a segment.
type Ladder struct {
	Code         string        `json:"code"`
	Names        catalog.Names `json:"names"`
	Segment      Segment       `json:"segment,omitzero"`
	Minimum      Amounts       `json:"minimum,omitempty"`
	Move         Move          `json:"move,omitempty"`
	Steps        []Step        `json:"steps"`
	ReconnectFee Amounts       `json:"reconnect_fee,omitempty"`
	Promise      *PromiseRule  `json:"promise,omitempty"`
}

// Segment is whom a ladder is for; what is empty does not matter.
type Segment struct {
	Party         account.PartyKind `json:"party,omitempty"`
	Tags          []string          `json:"tags,omitempty"`
	Risk          []string          `json:"risk,omitempty"`
	LegalEntities []uuid.UUID       `json:"legal_entities,omitempty"`
	Branches      []uuid.UUID       `json:"branches,omitempty"`
}

// Step is what is done so many days after the due date.
type Step struct {
	Code      string           `json:"code"`
	Names     catalog.Names    `json:"names,omitempty"`
	AfterDays int              `json:"after_days"`
	Action    Action           `json:"action"`
	Channels  []notice.Channel `json:"channels,omitempty"`
	Template  notice.Kind      `json:"template,omitempty"`
	Minimum   Amounts          `json:"minimum,omitempty"`
	WaitDays  int              `json:"wait_days,omitempty"`
	Move      Move             `json:"move,omitempty"`
	Fee       Amounts          `json:"fee,omitempty"`
}

// PromiseRule is what may be promised.
type PromiseRule struct {
	Days         int  `json:"days"`
	Times        int  `json:"times"`
	PerDays      int  `json:"per_days"`
	Percent      int  `json:"percent,omitempty"` // 0: all of it
	Restores     bool `json:"restores,omitempty"`
	BySubscriber bool `json:"by_subscriber,omitempty"`
}

// Amounts are amounts by currency.
type Amounts map[string]money.Decimal

// In is the amount in a currency; zero where there is none.
func (a Amounts) In(c money.Currency) money.Decimal { return a[c.Code()] }

// Action is what a step does.
type Action string

// The actions.
const (
	Remind    Action = "remind"
	Fee       Action = "fee"
	Slow      Action = "slow"
	Wall      Action = "wall"
	Suspend   Action = "suspend"
	Terminate Action = "terminate"
	Agency    Action = "agency" // hand over to a collection agency
)

// level is what services may do once the step is taken.
func (a Action) level() access.Level {
	switch a {
	case Slow:
		return access.Slowed
	case Wall:
		return access.Walled
	case Suspend, Terminate:
		return access.Cut
	}
	return access.Allowed
}

// Move is where a step goes that falls on a day off.
type Move string

// Moves. Next is meant where none is named.
const (
	Next     Move = "next"
	Previous Move = "previous"
	Stay     Move = "none"
)

// Parse reads a policy from YAML or JSON. An error tells each place that is
// wrong, with its line (document.InvalidError).
func Parse(text []byte) (Policy, error) {
	var p Policy
	lines, err := schema().Decode(text, &p)
	if err != nil {
		return Policy{}, fmt.Errorf("read ladders: %w", err)
	}
	if findings := p.findings(); len(findings) > 0 {
		return Policy{}, fmt.Errorf("read ladders: %w", &document.InvalidError{Findings: lines.Locate(findings)})
	}
	return p, nil
}

// YAML is the policy as the text that Parse reads.
func (p Policy) YAML() ([]byte, error) {
	text, err := json.Marshal(p)
	if err == nil {
		text, err = yaml.JSONToYAML(text)
	}
	if err != nil {
		return nil, fmt.Errorf("write ladders: %w", err)
	}
	return text, nil
}

// findings are the rules that a schema can't hold.
func (p Policy) findings() (found []document.Finding) {
	wrong := func(path, message string) { found = append(found, document.Finding{Path: path, Message: message}) }
	codes := map[string]bool{}
	for i, l := range p.Ladders {
		at := fmt.Sprintf("ladders[%d]", i)
		if codes[l.Code] {
			wrong(at+".code", "another ladder has this code")
		}
		codes[l.Code] = true
		if i < len(p.Ladders)-1 && l.Segment.everybody() {
			wrong(at, "a ladder for everybody stands last: those after it would never be reached")
		}
		steps := map[string]bool{}
		for j, s := range l.Steps {
			at := fmt.Sprintf("%s.steps[%d]", at, j)
			switch {
			case steps[s.Code]:
				wrong(at+".code", "another step of the ladder has this code")
			case j > 0 && s.AfterDays < l.Steps[j-1].AfterDays:
				wrong(at+".after_days", "steps stand in the order of their days")
			case j > 0 && l.Steps[j-1].Action == Terminate && s.Action != Agency && s.Action != Remind && s.Action != Fee:
				wrong(at+".action", "after the end of the contract there is nothing to take away")
			case s.Action == Fee && len(s.Fee) == 0:
				wrong(at+".fee", "the fee is missing")
			case s.Action == Remind && len(s.Channels) == 0:
				wrong(at+".channels", "a reminder needs a way to reach the account")
			case s.Template != "" && !notice.KnownTemplate(s.Template):
				wrong(at+".template", "no such kind of message")
			}
			steps[s.Code] = true
		}
	}
	return found
}

func (s Segment) everybody() bool {
	return s.Party == "" && len(s.Tags)+len(s.Risk)+len(s.LegalEntities)+len(s.Branches) == 0
}

// fits says whether an account is of the segment.
func (s Segment) fits(d *Debtor) bool {
	return (s.Party == "" || s.Party == d.Party) &&
		(len(s.Tags) == 0 || slices.ContainsFunc(s.Tags, func(t string) bool { return slices.Contains(d.Tags, t) })) &&
		(len(s.Risk) == 0 || slices.Contains(s.Risk, d.Risk)) &&
		(len(s.LegalEntities) == 0 || slices.Contains(s.LegalEntities, d.LegalEntity)) &&
		(len(s.Branches) == 0 || slices.Contains(s.Branches, d.Branch))
}

// ladderOf is the ladder of an account; nil: it is not followed.
func (p *Policy) ladderOf(d *Debtor) *Ladder {
	for i := range p.Ladders {
		if p.Ladders[i].Segment.fits(d) {
			return &p.Ladders[i]
		}
	}
	return nil
}

var weekdays = map[string]time.Weekday{"mon": time.Monday, "tue": time.Tuesday, "wed": time.Wednesday, "thu": time.Thursday, "fri": time.Friday,
	"sat": time.Saturday, "sun": time.Sunday}

// daysOff are the days on which no step is planned.
type daysOff struct {
	week     map[time.Weekday]bool
	holidays map[calendar.Date]bool
}

func (p *Policy) daysOff(holidays []calendar.Date) daysOff {
	off := daysOff{map[time.Weekday]bool{}, map[calendar.Date]bool{}}
	for _, name := range p.DaysOff {
		off.week[weekdays[name]] = true
	}
	for _, day := range holidays {
		off.holidays[day] = true
	}
	return off
}

// longestBreak bounds how far a step is moved, should a calendar hold nothing
// but holidays.
const longestBreak = 31

// move finds the day of a step that was to be taken on one.
func (off daysOff) move(day calendar.Date, how Move) calendar.Date {
	by := map[Move]int{Next: 1, Previous: -1, Stay: 0, "": 1}[how]
	moved := day
	for n := 0; by != 0 && n < longestBreak; n++ {
		if !off.week[moved.Weekday()] && !off.holidays[moved] {
			return moved
		}
		moved = moved.AddDays(by)
	}
	return day
}

// how a step is moved: as it says, or as the ladder does.
func (l *Ladder) how(s *Step) Move { return cmp.Or(s.Move, l.Move) }

// plannedOn is the day of a step for something that was due on one. It is never
// moved to before the day after that.
func (l *Ladder) plannedOn(s *Step, due calendar.Date, off daysOff) calendar.Date {
	day := off.move(due.AddDays(s.AfterDays), l.how(s))
	if !day.After(due) {
		return due.AddDays(1)
	}
	return day
}

// clock is when a day's steps are taken.
func (p *Policy) clock() (hour, minute int) {
	hour = 8
	if p.Time != "" {
		_, _ = fmt.Sscanf(p.Time, "%d:%d", &hour, &minute) // the schema has checked its form
	}
	return hour, minute
}

// instant is when the steps of a day are taken.
func (p *Policy) instant(day calendar.Date, zone *time.Location) time.Time {
	hour, minute := p.clock()
	at := time.Date(day.Year, day.Month, day.Day, hour, minute, 0, 0, zone).UTC()
	if start := day.Start(zone).UTC(); at.Before(start) {
		return start
	}
	return at
}
